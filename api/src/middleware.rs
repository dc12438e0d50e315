//! What happens around every request: its id, its span and log line, its metrics, and headers for browsers.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use souk_infra::souk::REQUEST_ID;
use tracing::Instrument as _;

use crate::error::{Problem, normalise};
use crate::extract::MAX_BODY;
use crate::state::AppState;

/// How long a handler may take before the caller is told to try again. A live stream is not affected: its handler
/// returns at once.
const PATIENCE: Duration = Duration::from_secs(30);

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer: nothing is answered without passing here.
pub(crate) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        %method,
        route,
        tenant = tracing::field::Empty
    );
    let started = Instant::now();
    let answer = async {
        let response = normalise(next.run(request).await);
        let took = started.elapsed();
        let status = response.status().as_u16();
        tracing::info!(status, latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "answered");
        state.metrics.answered(method.as_str(), &route, status, took);
        response
    };
    let mut response = REQUEST_ID.scope(id.clone(), answer).instrument(span).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    secure(headers, state.http.https);
    response
}

/// The caller's request id if it is one that can go into a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    let given = headers.get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| format!("req_{}", uuid::Uuid::now_v7().simple()), str::to_owned)
}

/// Headers for browsers; a page that needs another policy sets its own and is left alone.
fn secure(headers: &mut HeaderMap, https: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    );
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::REFERRER_POLICY, "same-origin");
    default(header::CACHE_CONTROL, "no-store");
    if https {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// Refuses an announced length that no route would read. What is not announced is counted while it is read.
pub(crate) async fn bounded(request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let too_large = announced.and_then(|v| v.parse::<u64>().ok()).is_some_and(|n| n > MAX_BODY as u64);
    if too_large {
        let detail = "The body is larger than 1 MiB.";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail).into_response();
    }
    next.run(request).await
}

/// Gives up on a handler that takes too long. What it had committed stays; its jobs finish the rest.
pub(crate) async fn timely(request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(PATIENCE, next.run(request)).await {
        return response;
    }
    tracing::error!("a request took longer than {} s", PATIENCE.as_secs());
    let detail = "This took too long. Try again with the same Idempotency-Key.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).into_response()
}

/// A panic is a bug of ours: the log gets its text, the caller only the request id.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    let detail = "Something went wrong here. The request id finds it in the log.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_echoed_only_if_it_can_go_into_a_log() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID_HEADER, HeaderValue::from_str(value).unwrap());
            request_id(&headers)
        };
        assert_eq!(with("abc-1.2_3"), "abc-1.2_3");
        for bad in ["a b", "a\"b", &"x".repeat(129), ""] {
            assert!(with(bad).starts_with("req_"), "{bad}");
        }
        assert!(request_id(&HeaderMap::new()).starts_with("req_"));
    }
}
