//! The `Idempotency-Key` header, and the header that marks an answer given before.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use souk_infra::RefusalKind;

use crate::error::{ApiError, Result, refusal};

const HEADER: &str = "idempotency-key";

/// The key of a route that requires one.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub String);

/// The key of a route that takes one.
#[derive(Debug, Clone)]
pub struct IdempotencyKeyOptional(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        read(parts)?.map(Self).ok_or_else(|| {
            let detail = "Send an Idempotency-Key header, so that a repeated request cannot charge twice.";
            refusal(RefusalKind::Invalid, "idempotency_key_required", detail)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKeyOptional {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        read(parts).map(Self)
    }
}

fn read(parts: &Parts) -> Result<Option<String>> {
    let mut values = parts.headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if value.is_empty() {
        return Ok(None);
    }
    let text = value.to_str().unwrap_or("");
    let visible = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if visible && values.next().is_none() {
        return Ok(Some(text.to_owned()));
    }
    let detail = "Idempotency-Key must be one value of 1 to 255 visible ASCII characters without spaces.";
    Err(refusal(RefusalKind::Invalid, "invalid_idempotency_key", detail))
}

/// An answer that was given before to the same key and body.
pub fn replayed(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
