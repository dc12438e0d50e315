//! JSON bodies: bounded, strictly typed, and every mistake named by the field that has it.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;
use souk_infra::{FieldError, Refusal, RefusalKind};

use super::card;
use crate::error::{ApiError, Problem, Result};

/// The largest body that any route reads.
pub const MAX_BODY: usize = 1024 * 1024;

/// A JSON body. Types should carry `#[serde(deny_unknown_fields)]`: a field that is silently ignored is a mistake
/// that nobody sees.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out altogether.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        if !is_json(&request) {
            return Err(not_json().into_response());
        }
        let bytes = read(request).await.map_err(Problem::into_response)?;
        parse(&bytes).map(Self).map_err(ApiError::into_response)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        let json = is_json(&request);
        let bytes = read(request).await.map_err(Problem::into_response)?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(not_json().into_response());
        }
        parse(&bytes).map(Self).map_err(ApiError::into_response)
    }
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn not_json() -> Problem {
    Problem::new(
        axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the body as application/json.",
    )
}

/// Reads at most [`MAX_BODY`] bytes, whatever length was announced.
async fn read(request: Request) -> Result<Bytes, Problem> {
    use std::error::Error as _;
    to_bytes(request.into_body(), MAX_BODY).await.map_err(|error| {
        let mut source = error.source();
        let mut too_large = false;
        while let Some(cause) = source {
            too_large |= cause.to_string().contains("length limit exceeded");
            source = cause.source();
        }
        if too_large {
            let status = axum::http::StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(status, "body_too_large", "The body is larger than 1 MiB.")
        } else {
            let status = axum::http::StatusCode::BAD_REQUEST;
            Problem::new(status, "body_incomplete", "The body broke off.")
        }
    })
}

/// Parses a body, which is an object; the error names the field.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if card::is_in(bytes) {
        let detail = "The body contains a card number. Card numbers go to the payment provider only.";
        return Err(refused("card_data_refused", detail.to_owned(), None));
    }
    // A type with fields would take an array of their values too, which nobody is told and nobody means.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed(bytes).unwrap_or_else(|| wrong(String::new(), "must be an object")));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| malformed(bytes).unwrap_or_else(|| explain(pointer(error.path()), error.inner())))?;
    match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(not_json_at(&error)),
    }
}

/// What is wrong with a body that is no JSON at all, which counts before any mistake in a field.
fn malformed(bytes: &[u8]) -> Option<ApiError> {
    serde_json::from_slice::<serde_json::Value>(bytes).err().map(|error| not_json_at(&error))
}

fn not_json_at(error: &serde_json::Error) -> ApiError {
    let place = format!("line {} column {}", error.line(), error.column());
    refused("malformed_json", format!("The body is not JSON ({place})."), None)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

/// Puts serde's words into ours. The value that was found is left out: it may be a password.
fn explain(pointer: String, error: &serde_json::Error) -> ApiError {
    // The reader calls a number where a word should be a mistake of grammar; the body is JSON all the same.
    if error.classify() != Category::Data {
        return wrong(pointer, "must be one of the values that the API's description lists");
    }
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    if let Some(field) = quoted(message, "missing field `") {
        let pointer = format!("{pointer}/{field}");
        return refused("missing_field", format!("{field} is missing."), Some((pointer, "is missing")));
    }
    if let Some(field) = quoted(message, "unknown field `") {
        let pointer = at_or_below(pointer, &field);
        let sentence = format!("{field} is not a field here.");
        return refused("unknown_field", sentence, Some((pointer, "is unknown")));
    }
    if let Some(field) = quoted(message, "duplicate field `") {
        return wrong(at_or_below(pointer, &field), "is there twice");
    }
    match message.split_once("expected ") {
        Some((_, expected)) => wrong(pointer, &format!("must be {}", in_words(expected))),
        None => wrong(pointer, message),
    }
}

/// What Rust calls a type, as clients know it.
fn in_words(expected: &str) -> &str {
    match expected {
        "i64" | "i32" | "u64" | "u32" => "a whole number that fits in 64 bits",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

/// Some mistakes are found at the field, some at the object that has it.
fn at_or_below(pointer: String, field: &str) -> String {
    if pointer.rsplit('/').next() == Some(field) { pointer } else { format!("{pointer}/{field}") }
}

fn wrong(pointer: String, what: &str) -> ApiError {
    let name = if pointer.is_empty() { "the body".to_owned() } else { pointer[1..].replace('/', ".") };
    refused("invalid_field", format!("{name} {what}."), Some((pointer, what)))
}

fn quoted(message: &str, start: &str) -> Option<String> {
    Some(message.strip_prefix(start)?.split('`').next()?.to_owned())
}

fn refused(code: &'static str, detail: String, field: Option<(String, &str)>) -> ApiError {
    let mut refusal = Refusal::new(RefusalKind::Invalid, code, detail);
    if let Some((pointer, detail)) = field {
        refusal.fields.push(FieldError { pointer, detail: detail.to_owned() });
    }
    ApiError(refusal.into())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Line {
        slot_id: souk_domain::ids::SlotId,
        quantity: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Body {
        name: String,
        lines: Vec<Line>,
    }

    fn refusal(text: &str) -> (String, Option<(String, String)>) {
        let error = parse::<Body>(text.as_bytes()).unwrap_err();
        let souk_infra::Error::Refused(refusal) = error.0 else { panic!("{error:?}") };
        let field = refusal.fields.into_iter().next().map(|field| (field.pointer, field.detail));
        (refusal.code.to_owned(), field)
    }

    #[test]
    fn every_mistake_is_named_by_its_field() {
        let (code, field) = refusal(r#"{"name": 1, "lines": []}"#);
        assert_eq!(
            (code.as_str(), field.unwrap()),
            ("invalid_field", ("/name".into(), "must be a string".into()))
        );
        let (code, field) = refusal(r#"{"lines": []}"#);
        assert_eq!((code.as_str(), field.unwrap().0.as_str()), ("missing_field", "/name"));
        let (code, field) = refusal(r#"{"name": "a", "lines": [], "x": 1}"#);
        assert_eq!((code.as_str(), field.unwrap().0.as_str()), ("unknown_field", "/x"));
        let (code, field) = refusal(r#"{"name": "a", "lines": [{"slot_id": "slt_1", "quantity": 1}]}"#);
        assert_eq!(code, "invalid_field");
        let (pointer, detail) = field.unwrap();
        assert_eq!(pointer, "/lines/0/slot_id");
        assert!(detail.starts_with("must be an identifier of the form slt_"), "{detail}");
        let (code, field) = refusal(r#"{"name": "a", "lines": [{"quantity": 1.5}]}"#);
        assert_eq!((code.as_str(), field.unwrap().0.as_str()), ("invalid_field", "/lines/0/quantity"));
        let (code, field) = refusal(r#"{"name": "a", "lines": [{"quantity": 1}]}"#);
        assert_eq!((code.as_str(), field.unwrap().0.as_str()), ("missing_field", "/lines/0/slot_id"));
        let (code, field) = refusal(r#"{"name": "a", "lines": [{"quantity": 1, "y": 2}]}"#);
        assert_eq!((code.as_str(), field.unwrap().0.as_str()), ("unknown_field", "/lines/0/y"));
    }

    #[test]
    fn what_is_no_json_has_no_field() {
        let deep = format!("{}{}", r#"{"name": "#, "[".repeat(4_000));
        for bad in ["", "{", "nonsense", "[1", r#"{"name": "a", "lines": []} x"#, r#"{"name": "a" "lines"}"#]
        {
            let (code, field) = refusal(bad);
            assert!(code == "malformed_json" && field.is_none(), "{bad}: {code}");
        }
        assert_eq!(refusal(&deep).0, "malformed_json");
        assert!(parse::<Body>(b"{\"name\": \"\xff\", \"lines\": []}").is_err());
    }

    #[test]
    fn a_body_is_an_object() {
        for bad in ["1", "null", r#""text""#, r#"["a", []]"#, " [] "] {
            assert_eq!(
                refusal(bad),
                ("invalid_field".to_owned(), Some((String::new(), "must be an object".into())))
            );
        }
        assert!(parse::<Body>(br#" {"name": "a", "lines": []} "#).is_ok());
    }

    #[test]
    fn a_value_that_was_found_is_never_repeated() {
        let error = parse::<Body>(br#"{"name": "a", "lines": "hunter2-secret"}"#).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
