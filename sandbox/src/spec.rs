//! What each endpoint accepts, read from `spec/*.txt`, and the check of a request against it.
//!
//! Notation: a heading `METHOD /path` (with `list` for the four list parameters), then `name: type` lines;
//! `name!` is required. Types: `str`, `int`, `num`, `bool`, `map` (text to text), `any` (taken as it is),
//! `range` (a number or `gt`/`gte`/`lt`/`lte`), `[type]`, `{name: type, …}`, `*{…}` (any name to a hash),
//! `a|b|c` (one of these), `type?` (empty text clears it), `unsimulated` (Stripe's, refused here by name).
//! Must never have an effect: it only turns a form into typed JSON or an error.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::error::StripeError;
use crate::form::{Node, is_array};

#[derive(Debug, Clone, PartialEq)]
enum Type {
    Text,
    Int,
    Number,
    Bool,
    Map,
    Any,
    Range,
    Unsimulated,
    OneOf(Vec<String>),
    Array(Box<Type>),
    Hash(Vec<Field>),
    Named(Box<Type>),
    Clearable(Box<Type>),
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    required: bool,
    kind: Type,
}

static ENDPOINTS: LazyLock<HashMap<String, Type>> = LazyLock::new(|| {
    [
        include_str!("spec/accounts.txt"),
        include_str!("spec/catalog.txt"),
        include_str!("spec/checkout.txt"),
        include_str!("spec/money.txt"),
        include_str!("spec/payments.txt"),
        include_str!("spec/webhooks.txt"),
    ]
    .into_iter()
    .flat_map(read_file)
    .collect()
});

/// Whether an endpoint (`"POST /v1/coupons/{id}"`) is described.
#[cfg(test)]
pub(crate) fn describes(endpoint: &str) -> bool {
    ENDPOINTS.contains_key(endpoint)
}

/// Turns a form into typed JSON, or says which parameter is wrong and why.
pub(crate) fn check(endpoint: &str, form: &Node) -> Result<Value, StripeError> {
    match ENDPOINTS.get(endpoint) {
        Some(kind) => convert(kind, form, ""),
        None => Err(StripeError::not_simulated(endpoint)),
    }
}

fn read_file(text: &str) -> Vec<(String, Type)> {
    let mut endpoints: Vec<(String, Type)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            let mut fields = vec![field("expand", Type::Array(Box::new(Type::Text)))];
            let heading = match line.strip_suffix(" list") {
                Some(heading) => {
                    fields.push(field("limit", Type::Int));
                    fields.push(field("starting_after", Type::Text));
                    fields.push(field("ending_before", Type::Text));
                    heading
                }
                None => line,
            };
            endpoints.push((heading.to_owned(), Type::Hash(fields)));
        } else if let Some((_, Type::Hash(fields))) = endpoints.last_mut() {
            let mut rest = line.trim();
            fields.push(read_field(&mut rest));
        }
    }
    endpoints
}

fn field(name: &str, kind: Type) -> Field {
    Field { name: name.to_owned(), required: false, kind }
}

fn read_field(rest: &mut &str) -> Field {
    let (name, after) = rest.split_once(':').unwrap_or((rest, "any"));
    *rest = after.trim_start();
    let required = name.ends_with('!');
    Field { name: name.trim_end_matches('!').to_owned(), required, kind: read_type(rest) }
}

fn read_type(rest: &mut &str) -> Type {
    let mut kind = if let Some(inner) = rest.strip_prefix('[') {
        *rest = inner;
        let item = read_type(rest);
        *rest = rest.strip_prefix(']').unwrap_or(rest);
        Type::Array(Box::new(item))
    } else if let Some(inner) = rest.strip_prefix("*") {
        *rest = inner;
        Type::Named(Box::new(read_type(rest)))
    } else if let Some(inner) = rest.strip_prefix('{') {
        *rest = inner;
        let mut fields = Vec::new();
        while !rest.starts_with('}') && !rest.is_empty() {
            fields.push(read_field(rest));
            *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        *rest = rest.strip_prefix('}').unwrap_or(rest);
        Type::Hash(fields)
    } else {
        let end = rest.find([',', '}', ']', '?']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        *rest = after;
        read_word(word.trim())
    };
    if let Some(after) = rest.strip_prefix('?') {
        *rest = after;
        kind = Type::Clearable(Box::new(kind));
    }
    kind
}

fn read_word(word: &str) -> Type {
    match word {
        "str" => Type::Text,
        "int" => Type::Int,
        "num" => Type::Number,
        "bool" => Type::Bool,
        "map" => Type::Map,
        "any" => Type::Any,
        "range" => Type::Range,
        "unsimulated" => Type::Unsimulated,
        values => Type::OneOf(values.split('|').map(str::to_owned).collect()),
    }
}

fn convert(kind: &Type, node: &Node, at: &str) -> Result<Value, StripeError> {
    match (kind, node) {
        (Type::Unsimulated, _) => Err(StripeError::not_simulated(&format!("the parameter {at}")).param(at)),
        (Type::Any, _) => Ok(node.to_json()),
        (Type::Clearable(_), Node::Text(text)) if text.is_empty() => Ok(Value::Null),
        (Type::Clearable(inner), _) => convert(inner, node, at),
        (Type::Hash(fields), Node::Branch(children)) => hash(fields, children, at),
        (Type::Named(inner), Node::Branch(children)) => children
            .iter()
            .map(|(key, child)| Ok((key.clone(), convert(inner, child, &join(at, key))?)))
            .collect(),
        (Type::Array(inner), Node::Branch(children)) if children.is_empty() || is_array(children) => {
            array(inner, children, at)
        }
        (Type::Map, Node::Branch(children)) => map(children, at),
        (Type::Range, Node::Branch(children)) => {
            let bounds = ["gt", "gte", "lt", "lte"].map(|name| field(name, Type::Int));
            hash(&bounds, children, at)
        }
        (Type::Hash(_) | Type::Named(_) | Type::Map, Node::Text(_)) => {
            Err(StripeError::parameter("", at, "Invalid object").without_code())
        }
        (Type::Array(_), _) => Err(StripeError::parameter("", at, "Invalid array").without_code()),
        (_, Node::Branch(_)) => Err(StripeError::parameter(
            "",
            at,
            format!("Invalid value for {at}: expected a value, got a hash or array"),
        )
        .without_code()),
        (_, Node::Text(text)) => scalar(kind, text, at),
    }
}

fn scalar(kind: &Type, text: &str, at: &str) -> Result<Value, StripeError> {
    if text.is_empty() {
        let message = format!(
            "You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; however '{at}' cannot be unset. You should remove '{at}' from your request or supply a non-empty value."
        );
        return Err(StripeError::parameter("parameter_invalid_empty", at, message));
    }
    match kind {
        Type::Int | Type::Range => text.parse::<i64>().map(Value::from).map_err(|_| {
            StripeError::parameter("parameter_invalid_integer", at, format!("Invalid integer: {text}"))
        }),
        Type::Bool => match text {
            "true" | "True" => Ok(Value::Bool(true)),
            "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(StripeError::parameter("", at, format!("Invalid boolean: {text}")).without_code()),
        },
        Type::Number if !is_decimal(text) => {
            Err(StripeError::parameter("", at, format!("Invalid decimal: {text}")).without_code())
        }
        Type::OneOf(values) if !values.iter().any(|value| value == text) => {
            Err(StripeError::parameter("", at, format!("Invalid {at}: must be one of {}", values.join(", ")))
                .without_code())
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn hash(fields: &[Field], children: &[(String, Node)], at: &str) -> Result<Value, StripeError> {
    let mut out = Map::new();
    for (name, child) in children {
        let path = join(at, name);
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            let message = format!("Received unknown parameter: {path}");
            return Err(StripeError::parameter("parameter_unknown", &path, message));
        };
        out.insert(name.clone(), convert(&field.kind, child, &path)?);
    }
    match fields.iter().find(|field| field.required && !out.contains_key(&field.name)) {
        Some(field) => Err(StripeError::missing(&join(at, &field.name))),
        None => Ok(Value::Object(out)),
    }
}

fn array(inner: &Type, children: &[(String, Node)], at: &str) -> Result<Value, StripeError> {
    // Positions say the order, whatever order they arrived in; `[]` keeps the order of arrival.
    let mut sorted: Vec<(usize, &Node)> = children
        .iter()
        .enumerate()
        .map(|(place, (key, child))| (key.parse().unwrap_or(place), child))
        .collect();
    sorted.sort_by_key(|(place, _)| *place);
    sorted.iter().map(|(place, child)| convert(inner, child, &format!("{at}[{place}]"))).collect()
}

fn map(children: &[(String, Node)], at: &str) -> Result<Value, StripeError> {
    if children.len() > 50 {
        return Err(
            StripeError::parameter("", at, "You can only specify up to 50 keys in metadata.").without_code()
        );
    }
    let mut out = Map::new();
    for (key, child) in children {
        let Node::Text(text) = child else {
            return Err(
                StripeError::parameter("", &join(at, key), "Metadata values must be strings").without_code()
            );
        };
        if key.chars().count() > 40 {
            let message = format!("Metadata keys must be under 40 characters; invalid key: {key}");
            return Err(StripeError::parameter("", at, message).without_code());
        }
        if text.chars().count() > 500 {
            let message =
                format!("Metadata values must be under 500 characters; value too long for key {key}");
            return Err(StripeError::parameter("", &join(at, key), message).without_code());
        }
        out.insert(key.clone(), Value::String(text.clone()));
    }
    Ok(Value::Object(out))
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::parse;
    use serde_json::json;

    fn run(endpoint: &str, body: &str) -> Result<Value, StripeError> {
        check(endpoint, &parse(body).unwrap())
    }

    #[test]
    fn every_description_is_read_to_the_end() {
        assert!(ENDPOINTS.len() > 70, "only {} endpoints", ENDPOINTS.len());
        for (endpoint, kind) in ENDPOINTS.iter() {
            let text = format!("{kind:?}");
            assert!(!text.contains("OneOf([\"\"])"), "{endpoint} has an unreadable type");
        }
    }

    #[test]
    fn types_values_and_sorts_arrays_by_position() {
        let body = "mode=payment&expires_at=1700000000&allow_promotion_codes=true&line_items[1][quantity]=2&line_items[0][quantity]=1&metadata[0]=x";
        assert_eq!(
            run("POST /v1/checkout/sessions", body).unwrap(),
            json!({"mode": "payment", "expires_at": 1_700_000_000, "allow_promotion_codes": true,
                   "line_items": [{"quantity": 1}, {"quantity": 2}], "metadata": {"0": "x"}})
        );
    }

    #[test]
    fn names_what_is_wrong() {
        let code = |body| {
            let error = run("POST /v1/checkout/sessions", body).unwrap_err();
            (error.code.unwrap_or_default(), error.param.unwrap_or_default())
        };
        let case = |code: &str, param: &str| (code.to_owned(), param.to_owned());
        assert_eq!(code("payment_method_types[]=card"), case("parameter_unknown", "payment_method_types"));
        assert_eq!(code("line_items[0][foo]=1"), case("parameter_unknown", "line_items[0][foo]"));
        assert_eq!(
            code("line_items[0][price_data][unit_amount]=1"),
            case("parameter_missing", "line_items[0][price_data][currency]")
        );
        assert_eq!(code("expires_at=soon"), case("parameter_invalid_integer", "expires_at"));
        assert_eq!(code("ui_mode=hosted"), case("", "ui_mode"));
        assert_eq!(code("success_url="), case("parameter_invalid_empty", "success_url"));
    }
}
