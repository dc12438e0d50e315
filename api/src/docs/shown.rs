//! The OpenAPI document as the page shows it: flat lists, with types in words.

use std::collections::BTreeMap;

use serde_json::Value;

/// The whole document.
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) description: String,
    pub(super) groups: Vec<Group>,
    pub(super) schemas: Vec<Schema>,
}

/// The operations of one tag.
pub(super) struct Group {
    pub(super) tag: String,
    pub(super) operations: Vec<Operation>,
}

/// One method of one path.
pub(super) struct Operation {
    pub(super) anchor: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) description: String,
    pub(super) who: &'static str,
    pub(super) parameters: Vec<Field>,
    pub(super) body: Option<Kind>,
    pub(super) answers: Vec<Answer>,
}

/// What may come back.
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) description: String,
    pub(super) kind: Option<Kind>,
}

/// A type in words, with the schema that it leads to.
pub(super) struct Kind {
    pub(super) text: String,
    pub(super) link: Option<String>,
}

/// A field of a body, or a parameter.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) description: String,
}

/// A type with a name.
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) fields: Vec<Field>,
}

impl Shown {
    pub(super) fn of(document: &Value) -> Self {
        let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item) {
                let tag = text(&operation["tags"][0]);
                groups.entry(tag).or_default().push(Operation::of(path, method, operation));
            }
        }
        let groups = groups.into_iter().map(|(tag, operations)| Group { tag, operations });
        let schemas = members(&document["components"]["schemas"]).map(|(name, schema)| Schema {
            name: name.clone(),
            description: text(&schema["description"]),
            fields: fields(schema),
        });
        Self {
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            description: text(&document["info"]["description"]),
            groups: groups.collect(),
            schemas: schemas.collect(),
        }
    }
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| Field {
            name: text(&parameter["name"]),
            kind: Kind::of(&parameter["schema"]),
            required: parameter["required"] == true,
            description: text(&parameter["description"]),
        });
        let answers = members(&operation["responses"]).map(|(status, answer)| Answer {
            status: status.clone(),
            description: text(&answer["description"]),
            kind: content(answer),
        });
        // An empty requirement among several means that nobody has to log in.
        let who = match operation["security"].as_array() {
            None => "anyone",
            Some(ways) if ways.iter().any(|way| way == &Value::Object(serde_json::Map::new())) => {
                "with or without a token"
            }
            Some(_) => "with a token",
        };
        Self {
            anchor: text(&operation["operationId"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            description: text(&operation["description"]),
            who,
            parameters: parameters.collect(),
            body: content(&operation["requestBody"]),
            answers: answers.collect(),
        }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return Self { text: name.to_owned(), link: Some(name.to_owned()) };
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            if let Some(schemas) = schema[several].as_array() {
                let kinds: Vec<Self> = schemas.iter().map(Self::of).collect();
                let link = kinds.iter().find_map(|kind| kind.link.clone());
                let texts: Vec<String> = kinds.into_iter().map(|kind| kind.text).collect();
                return Self { text: texts.join(" or "), link };
            }
        }
        if schema.get("items").is_some() {
            let inner = Self::of(&schema["items"]);
            return Self { text: format!("list of {}", inner.text), link: inner.link };
        }
        let plain = match &schema["type"] {
            Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" or "),
            one => text(one),
        };
        let format = schema["format"].as_str().filter(|format| !format.starts_with("int"));
        let text = match format {
            Some(format) => format!("{plain} ({format})"),
            None if plain.is_empty() => "anything".to_owned(),
            None => plain,
        };
        Self { text, link: None }
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
    };
    let fields = members(&schema["properties"]).map(|(name, property)| Field {
        name: name.clone(),
        kind: Kind::of(property),
        required: required(name),
        description: text(&property["description"]),
    });
    fields.collect()
}

fn content(of: &Value) -> Option<Kind> {
    members(&of["content"]).next().map(|(_, content)| Kind::of(&content["schema"]))
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_put_into_words() {
        let words = |schema: Value| Kind::of(&schema).text;
        assert_eq!(words(json!({"type": "string"})), "string");
        assert_eq!(
            words(json!({"type": ["string", "null"], "format": "date-time"})),
            "string or null (date-time)"
        );
        assert_eq!(words(json!({"type": "integer", "format": "int64"})), "integer");
        assert_eq!(
            words(json!({"type": "array", "items": {"$ref": "#/components/schemas/Line"}})),
            "list of Line"
        );
        assert_eq!(words(json!({"oneOf": [{"type": "null"}, {"$ref": "#/x/Account"}]})), "null or Account");
        assert_eq!(words(json!({})), "anything");
    }
}
