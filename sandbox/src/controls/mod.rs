//! `/_sandbox`: what tests and people do to the simulated world from outside. No password, by design; the
//! same functions run as behind the API and the pages.

mod checkout;
mod events;
mod payments;
mod records;
mod weather;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::error::{Answer, StripeError};
use crate::http::Shared;
use crate::object::public;

/// All controls.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .merge(checkout::router())
        .merge(events::router())
        .merge(payments::router())
        .merge(records::router())
        .merge(weather::router())
}

/// A JSON body; nothing at all is an empty object.
fn json_body(body: &Bytes) -> Result<Value, StripeError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(serde_json::json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(StripeError::invalid("The body must be a JSON object.")),
    }
}

/// Answers as the API does, with Stripe's error object when it went wrong.
fn respond(answer: Answer) -> Response {
    let (status, body) = match answer {
        Ok(body) => (200, public(&body)),
        Err(error) => (error.status, error.body()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(body)).into_response()
}
