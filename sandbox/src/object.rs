//! Reading and writing Stripe's JSON objects by field name. Knows no object in particular.

use serde_json::{Map, Value};

/// Lenient reading: an absent or null field is the empty text, zero or false, as Stripe's clients treat it.
pub(crate) trait Fields {
    fn text(&self, key: &str) -> &str;
    fn int(&self, key: &str) -> i64;
    fn flag(&self, key: &str) -> bool;
    /// Present and not null.
    fn has(&self, key: &str) -> bool;
    fn put(&mut self, key: &str, value: impl Into<Value>);
    fn list(&self, key: &str) -> &[Value];
    fn opt_text(&self, key: &str) -> Option<&str> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }
    fn opt_int(&self, key: &str) -> Option<i64> {
        self.has(key).then(|| self.int(key))
    }
}

impl Fields for Value {
    fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn int(&self, key: &str) -> i64 {
        self.get(key).and_then(Value::as_i64).unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_null())
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        if let Self::Object(map) = self {
            map.insert(key.to_owned(), value.into());
        }
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// The object without its private fields (those whose name begins with `_`), at every depth.
pub(crate) fn public(object: &Value) -> Value {
    match object {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !key.starts_with('_'))
                .map(|(key, value)| {
                    // Metadata belongs to the caller, underscores included.
                    let value = if key == "metadata" { value.clone() } else { public(value) };
                    (key.clone(), value)
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(public).collect(),
        other => other.clone(),
    }
}

/// Applies a `metadata` parameter: one key at a time, empty text removes a key, an empty parameter all.
pub(crate) fn merge_metadata(object: &mut Value, params: &Value) {
    let Some(change) = params.get("metadata") else { return };
    let mut metadata = object.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    match change {
        Value::Object(entries) => {
            for (key, value) in entries {
                if value.as_str() == Some("") {
                    metadata.remove(key);
                } else {
                    metadata.insert(key.clone(), value.clone());
                }
            }
        }
        _ => metadata = Map::new(),
    }
    object.put("metadata", metadata);
}

/// The metadata that a create request carries, empty values left out.
pub(crate) fn metadata_of(params: &Value) -> Value {
    let mut holder = serde_json::json!({ "metadata": {} });
    merge_metadata(&mut holder, params);
    holder["metadata"].take()
}

/// A page of objects that is complete in itself.
pub(crate) fn list_of(url: &str, data: Vec<Value>) -> Value {
    serde_json::json!({ "object": "list", "url": url, "has_more": false, "data": data })
}
