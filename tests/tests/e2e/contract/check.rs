//! Values and forms against schemas. Each violation is a JSON pointer and what is wrong there.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::spec::Spec;

/// What is wrong, and where.
pub type Violations = Vec<String>;

/// Seconds since 1970 that a test can meet: whoever counts milliseconds is far beyond.
const TIMES: std::ops::Range<i64> = 0..10_000_000_000;

/// Checks a JSON value.
pub fn value(spec: &Spec, schema: &Value, value: &Value) -> Violations {
    let mut violations = Violations::new();
    check(spec, schema, value, "", &mut violations);
    violations
}

fn check(spec: &Spec, schema: &Value, value: &Value, at: &str, violations: &mut Violations) {
    let nullable = schema["nullable"] == true;
    let resolved = spec.resolve(schema);
    if value.is_null() {
        if !nullable && resolved["nullable"] != true {
            violations.push(format!("{at}: is null"));
        }
        return;
    }
    if let Some(forms) = resolved["anyOf"].as_array() {
        return check_any(spec, forms, value, at, violations);
    }
    for part in resolved["allOf"].as_array().into_iter().flatten() {
        check(spec, part, value, at, violations);
    }
    let right = match resolved["type"].as_str() {
        None => true,
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => panic!("a schema of type {other}"),
    };
    if !right {
        violations.push(format!("{at}: {value} is no {}", resolved["type"]));
        return;
    }
    if resolved["format"] == "unix-time" && !TIMES.contains(&value.as_i64().unwrap_or(-1)) {
        violations.push(format!("{at}: {value} is no time in seconds"));
    }
    if let Some(known) = resolved["enum"].as_array()
        && !known.contains(value)
    {
        violations.push(format!("{at}: {value} is not one of {}", resolved["enum"]));
    }
    if let Some(fields) = value.as_object() {
        // Whatever it is in, a mistake in an object of the provider's is that object's mistake.
        let named = value["object"].as_str().filter(|kind| *kind != "list" && spec.object(kind).is_some());
        let at = named.map_or_else(|| at.to_owned(), |kind| format!("{kind} "));
        check_object(spec, resolved, fields, &at, violations);
    }
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        check(spec, &resolved["items"], entry, &format!("{at}/{index}"), violations);
    }
}

fn check_object(
    spec: &Spec,
    schema: &Value,
    fields: &Map<String, Value>,
    at: &str,
    violations: &mut Violations,
) {
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !fields.contains_key(name) {
            violations.push(format!("{at}/{name}: is missing"));
        }
    }
    let open = schema.get("properties").is_none() || schema.get("additionalProperties").is_some();
    for (name, value) in fields {
        let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        if let Some(field) = schema["properties"].get(name) {
            check(spec, field, value, &at, violations);
        } else if let Some(any) = schema.get("additionalProperties").filter(|any| any.is_object()) {
            check(spec, any, value, &at, violations);
        } else if !open {
            violations.push(format!("{at}: is not described"));
        }
    }
}

/// One of several forms: the one that the object names itself after, or else the one that fits best.
fn check_any(spec: &Spec, forms: &[Value], value: &Value, at: &str, violations: &mut Violations) {
    let named = |form: &&Value| {
        let names = spec.resolve(form)["properties"]["object"]["enum"].as_array();
        names.is_some_and(|names| names.contains(&value["object"]))
    };
    let mut least: Option<Violations> = None;
    // A reference may lead to alternatives in its turn.
    let forms: Vec<&Value> = forms
        .iter()
        .flat_map(|form| match spec.resolve(form)["anyOf"].as_array() {
            Some(inner) => inner.iter().collect(),
            None => vec![form],
        })
        .collect();
    let own: Vec<&Value> = forms.iter().copied().filter(named).collect();
    for form in if own.is_empty() { forms } else { own } {
        let mut found = Violations::new();
        check(spec, form, value, at, &mut found);
        if least.as_ref().is_none_or(|least| found.len() < least.len()) {
            least = Some(found);
        }
    }
    violations.extend(least.unwrap_or_default());
}

/// A form as it is on the wire: texts, and names in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `name=text`
    Text(String),
    /// `name[inner]=…`; `name[]=…` counts from 0.
    Hash(BTreeMap<String, Form>),
}

impl Form {
    /// Reads `a[b][0]=c&d=e`, percent-encoded.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut root = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let mut steps = name.split('[').map(|step| step.strip_suffix(']').unwrap_or(step));
            let first = steps.next().unwrap_or_default().to_owned();
            put(&mut root, first, &steps.map(str::to_owned).collect::<Vec<_>>(), value)?;
        }
        Ok(Self::Hash(root))
    }
}

fn put(
    into: &mut BTreeMap<String, Form>,
    name: String,
    rest: &[String],
    value: String,
) -> Result<(), String> {
    let name = if name.is_empty() { into.len().to_string() } else { name };
    let Some((next, rest)) = rest.split_first() else {
        return match into.insert(name.clone(), Form::Text(value)) {
            None => Ok(()),
            Some(_) => Err(format!("{name} is there twice")),
        };
    };
    match into.entry(name.clone()).or_insert_with(|| Form::Hash(BTreeMap::new())) {
        Form::Hash(inner) => put(inner, next.clone(), rest, value),
        Form::Text(_) => Err(format!("{name} is a text and a hash")),
    }
}

/// `%41` and `+` undone; the rest must be text.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).map_err(|error| error.to_string())?;
                u8::from_str_radix(digits, 16).map_err(|error| format!("%{digits}: {error}"))?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Checks the parameters of a request.
pub fn form(spec: &Spec, schema: &Value, form: &Form) -> Violations {
    let mut violations = Violations::new();
    check_form(spec, schema, form, "", &mut violations);
    violations
}

fn check_form(spec: &Spec, schema: &Value, form: &Form, at: &str, violations: &mut Violations) {
    let schema = spec.resolve(schema);
    if let Some(forms) = schema["anyOf"].as_array() {
        let mut least: Option<Violations> = None;
        for one in forms {
            let mut found = Violations::new();
            check_form(spec, one, form, at, &mut found);
            if least.as_ref().is_none_or(|least| found.len() < least.len()) {
                least = Some(found);
            }
        }
        return violations.extend(least.unwrap_or_default());
    }
    match (schema["type"].as_str().unwrap_or("any"), form) {
        ("any", _) => {}
        ("object", Form::Hash(fields)) => check_hash(spec, schema, fields, at, violations),
        ("array", Form::Hash(entries)) => {
            for (position, (index, entry)) in entries.iter().enumerate() {
                if index.parse() != Ok(position) {
                    violations.push(format!("{at}/{index}: the entries do not count from 0"));
                }
                check_form(spec, &schema["items"], entry, &format!("{at}/{index}"), violations);
            }
        }
        (kind @ ("string" | "integer" | "number" | "boolean"), Form::Text(text)) => {
            let right = match kind {
                "integer" => text.parse::<i64>().is_ok(),
                "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
                "boolean" => ["true", "false"].contains(&text.as_str()),
                _ => true,
            };
            if !right {
                violations.push(format!("{at}: {text:?} is no {kind}"));
            }
            if let Some(known) = schema["enum"].as_array()
                && !known.iter().any(|value| value == text)
            {
                violations.push(format!("{at}: {text:?} is not one of {}", schema["enum"]));
            }
            if schema["format"] == "unix-time" && !text.parse().is_ok_and(|time| TIMES.contains(&time)) {
                violations.push(format!("{at}: {text:?} is no time in seconds"));
            }
        }
        (kind, _) => violations.push(format!("{at}: {form:?} is no {kind}")),
    }
}

fn check_hash(
    spec: &Spec,
    schema: &Value,
    fields: &BTreeMap<String, Form>,
    at: &str,
    violations: &mut Violations,
) {
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !fields.contains_key(name) {
            violations.push(format!("{at}/{name}: is missing"));
        }
    }
    for (name, field) in fields {
        let at = format!("{at}/{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(known), _) => check_form(spec, known, field, &at, violations),
            (None, Some(any)) => check_form(spec, any, field, &at, violations),
            (None, None) => violations.push(format!("{at}: is not described")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec() -> Spec {
        Spec::of(json!({"components": {"schemas": {"thing": {
            "type": "object", "required": ["id", "object"],
            "properties": {
                "id": {"type": "string"}, "object": {"type": "string", "enum": ["thing"]},
                "made": {"type": "integer", "format": "unix-time"},
                "owner": {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/thing"}], "nullable": true},
                "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }}}}))
    }

    fn wrong(thing: Value) -> Violations {
        value(&spec(), &json!({"$ref": "#/components/schemas/thing"}), &thing)
    }

    #[test]
    fn values_are_checked_to_the_bottom() {
        let good = json!({"id": "a", "object": "thing", "made": 1_700_000_000, "owner": "b", "metadata": {"k": "v"}});
        assert_eq!(wrong(good.clone()), Violations::new());
        for (name, bad, at) in [
            ("id", json!(1), "thing /id: 1 is no"),
            ("id", json!(null), "thing /id: is null"),
            ("object", json!("other"), "/object: \"other\" is not one of"),
            ("made", json!(1_700_000_000_000_i64), "thing /made: "),
            ("owner", json!({"id": "b", "object": "thing", "x": 1}), "thing /x: is not described"),
            ("owner", json!({"object": "thing"}), "thing /id: is missing"),
            ("metadata", json!({"k": 1}), "thing /metadata/k: 1 is no"),
        ] {
            let mut thing = good.clone();
            thing[name] = bad;
            let found = wrong(thing);
            assert!(found.len() == 1 && found[0].starts_with(at), "{found:?}");
        }
        let mut thing = good;
        thing["owner"] = Value::Null;
        assert_eq!(wrong(thing), Violations::new());
    }

    #[test]
    fn forms_are_read_and_checked_to_the_bottom() {
        let schema = json!({"type": "object", "required": ["mode"], "properties": {
            "mode": {"type": "string", "enum": ["payment"]},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"quantity": {"type": "integer"}}}},
            "expand": {"type": "array", "items": {"type": "string"}},
            "on": {"type": "boolean"},
        }});
        let check = |text: &str| form(&spec(), &schema, &Form::parse(text).unwrap());
        let good =
            "mode=payment&lines%5B0%5D%5Bquantity%5D=2&lines[1][quantity]=3&expand[]=a&expand[]=b&on=true";
        assert_eq!(check(good), Violations::new());
        for (bad, at) in [
            ("on=true", "/mode: is missing"),
            ("mode=setup", "/mode: \"setup\" is not one of"),
            ("mode=payment&lines[0][quantity]=two", "/lines/0/quantity: "),
            ("mode=payment&lines[1][quantity]=2", "/lines/1: the entries"),
            ("mode=payment&lines[0][price]=2", "/lines/0/price: is not described"),
            ("mode=payment&lines=2", "/lines: "),
            ("mode=payment&on=yes", "/on: "),
            ("mode=payment&surprise=1", "/surprise: is not described"),
        ] {
            let found = check(bad);
            assert!(found.len() == 1 && found[0].starts_with(at), "{bad}: {found:?}");
        }
        assert!(Form::parse("a=1&a=2").is_err() && Form::parse("a=1&a[b]=2").is_err());
    }
}
