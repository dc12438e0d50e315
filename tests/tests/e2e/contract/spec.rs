//! The provider's published description, as far as a check of requests and answers needs it.

use serde_json::Value;

/// The description.
pub struct Spec(Value);

/// One operation of it.
pub struct Operation<'a> {
    /// `POST /v1/refunds`
    pub name: String,
    value: &'a Value,
}

impl Spec {
    /// Reads the file that `SOUK_STRIPE_OPENAPI` names; none where it is not set.
    pub fn from_environment() -> Option<Self> {
        let path = std::env::var("SOUK_STRIPE_OPENAPI").ok().filter(|path| !path.is_empty())?;
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Some(Self(serde_json::from_str(&text).unwrap()))
    }

    /// A description that a test makes up.
    #[cfg(test)]
    pub fn of(value: Value) -> Self {
        Self(value)
    }

    /// The API version that it describes.
    pub fn version(&self) -> &str {
        self.0["info"]["version"].as_str().unwrap()
    }

    /// The schema of a kind of object.
    pub fn object(&self, name: &str) -> Option<&Value> {
        self.0["components"]["schemas"].get(name)
    }

    /// A schema with its reference followed.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let name = reference.strip_prefix("#/components/schemas/").unwrap();
                self.resolve(self.object(name).unwrap_or_else(|| panic!("no schema {name}")))
            }
            None => schema,
        }
    }

    /// The operation that a request is of. A path without parameters goes before one with.
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let segments: Vec<&str> = path.split('/').collect();
        let parameters = |template: &str| template.matches('{').count();
        let (template, methods) = self.0["paths"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(template, methods)| fits(template, &segments) && methods.get(lower(method)).is_some())
            .min_by_key(|(template, _)| parameters(template))?;
        Some(Operation { name: format!("{method} {template}"), value: &methods[lower(method)] })
    }
}

fn lower(method: &str) -> &'static str {
    match method {
        "GET" => "get",
        "POST" => "post",
        "DELETE" => "delete",
        other => panic!("the provider's API has no {other}"),
    }
}

fn fits(template: &str, segments: &[&str]) -> bool {
    let parts: Vec<&str> = template.split('/').collect();
    parts.len() == segments.len()
        && parts.iter().zip(segments).all(|(part, segment)| part.starts_with('{') || part == segment)
}

impl Operation<'_> {
    /// The schema of its parameters: of the body where it has one, of the query otherwise.
    pub fn parameters(&self) -> Value {
        let body = &self.value["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
        if body.is_object() {
            return body.clone();
        }
        let mut properties = serde_json::Map::new();
        let mut required = Vec::new();
        for parameter in self.value["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            properties.insert(parameter["name"].as_str().unwrap().to_owned(), parameter["schema"].clone());
            if parameter["required"] == true {
                required.push(parameter["name"].clone());
            }
        }
        serde_json::json!({"type": "object", "properties": properties, "required": required})
    }

    /// The schema of its answer; of its refusal from 400 on.
    pub fn answer(&self, status: u16) -> &Value {
        let responses = &self.value["responses"];
        let found = if status < 400 { &responses["200"] } else { &responses["default"] };
        &found["content"]["application/json"]["schema"]
    }
}
