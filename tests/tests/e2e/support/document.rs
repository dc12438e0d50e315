//! souk's own description (`/openapi.json`), read so that tests can go through all of it.

use std::collections::BTreeSet;

use serde_json::Value;

/// The description.
pub struct Document(pub Value);

/// One operation of it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In upper case.
    pub method: String,
    /// With its parameters in braces.
    pub path: String,
    /// Each form that the body may have; none where there is no body.
    pub bodies: Vec<Value>,
    /// The names of what may stand in the query.
    pub query: Vec<String>,
    /// Whether the body may be left out.
    pub optional_body: bool,
}

/// A place in a body: the body itself, a field, a field of a field.
#[derive(Debug, Clone)]
pub struct Place {
    /// A JSON pointer to it; an array's entries are at 0.
    pub pointer: String,
    /// The JSON types that may stand there.
    pub types: BTreeSet<String>,
    /// The fields that must be there, for an object.
    pub required: Vec<String>,
    /// What may stand there, resolved.
    pub schema: Value,
}

impl Document {
    /// Every operation.
    pub fn operations(&self) -> Vec<Operation> {
        let mut found = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let body = &operation["requestBody"];
                let content = &body["content"]["application/json"]["schema"];
                let optional_body = body["required"] != true;
                let bodies = if content.is_null() { Vec::new() } else { self.forms(content) };
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let query = parameters
                    .filter(|parameter| parameter["in"] == "query")
                    .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
                    .collect();
                found.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    bodies,
                    query,
                    optional_body,
                });
            }
        }
        found
    }

    /// A schema with its reference followed.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let name = reference.strip_prefix("#/components/schemas/").unwrap();
                self.resolve(&self.0["components"]["schemas"][name])
            }
            None => schema,
        }
    }

    /// The alternatives of a schema, without `null`.
    fn forms(&self, schema: &Value) -> Vec<Value> {
        let schema = self.resolve(schema);
        match schema["oneOf"].as_array() {
            Some(forms) => {
                forms.iter().filter(|form| form["type"] != "null").flat_map(|form| self.forms(form)).collect()
            }
            None => vec![schema.clone()],
        }
    }

    /// Every place of a body with this schema, the body itself first.
    pub fn places(&self, schema: &Value) -> Vec<Place> {
        let mut found = Vec::new();
        self.collect(schema, String::new(), &mut found);
        found
    }

    fn collect(&self, schema: &Value, pointer: String, found: &mut Vec<Place>) {
        let mut types = BTreeSet::new();
        self.types(schema, &mut types);
        // Of several alternatives the last is the fullest: null before a thing, a number before an object.
        let forms = self.forms(schema);
        let schema = forms.last().unwrap();
        let list = |name: &str| schema[name].as_array().cloned().unwrap_or_default();
        let required = list("required").iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        found.push(Place { pointer: pointer.clone(), types, required, schema: schema.clone() });
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.collect(field, format!("{pointer}/{name}"), found);
        }
        if schema["items"].is_object() {
            self.collect(&schema["items"], format!("{pointer}/0"), found);
        }
    }

    fn types(&self, schema: &Value, types: &mut BTreeSet<String>) {
        let schema = self.resolve(schema);
        match &schema["type"] {
            Value::String(one) => _ = types.insert(one.clone()),
            Value::Array(several) => {
                types.extend(several.iter().map(|one| one.as_str().unwrap().to_owned()));
            }
            _ => {}
        }
        for form in schema["oneOf"].as_array().into_iter().flatten() {
            self.types(form, types);
        }
    }
}
