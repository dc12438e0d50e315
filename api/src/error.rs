//! The last step of every failure: from a transport-free error to problem+json (RFC 9457).
//!
//! What the caller may see and what the log may see are two texts: a provider's words, SQL and secrets never reach
//! an answer. A failure is logged here, once, and nowhere else on its way up.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use souk_domain::gateway::GatewayError;
use souk_infra::{Error, FieldError, Refusal, RefusalKind};
use utoipa::ToSchema;

/// The media type of every answer that is not a success.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The result of every handler.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// A failure on its way out.
#[derive(Debug)]
pub struct ApiError(pub Error);

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// What every answer that is not a success looks like (RFC 9457, `application/problem+json`). Some codes add members
/// of their own, such as the slot that is sold out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained, relative to this API.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// What is wrong, for people.
    pub detail: String,
    /// What is wrong, for programs: stable and documented.
    #[schema(example = "sold_out")]
    pub code: String,
    /// Also in `X-Request-Id` and in every log line of the request.
    pub request_id: Option<String>,
    /// Which fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// More members, by code.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField {
    /// A JSON pointer into the request body, or `#/` and the name of a query parameter.
    #[schema(example = "/email")]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// A problem with a stable code and a sentence.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs/errors#{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            request_id: souk_infra::souk::current_request_id(),
            errors: Vec::new(),
            extra: Map::new(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_else(|_| b"{}".to_vec());
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.extra.get("retry_after").and_then(Value::as_u64) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        problem(self.0).into_response()
    }
}

/// The one table of kinds and statuses.
pub(crate) fn status_of(kind: RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
    }
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Refused(refusal) => refused(*refusal),
        Error::Gateway(error) => provider_failed(&error),
        error @ (Error::Database(_) | Error::Corrupt(_) | Error::Internal(_)) => {
            tracing::error!(%error, "a request failed");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Something went wrong here. The request id finds it in the log.",
            )
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    let mut problem = Problem::new(status_of(refusal.kind), refusal.code, refusal.detail);
    tracing::debug!(code = refusal.code, "a request was refused");
    problem.errors = refusal
        .fields
        .into_iter()
        .map(|FieldError { pointer, detail }| ProblemField { pointer, detail })
        .collect();
    problem.extra = refusal.extra;
    problem
}

fn provider_failed(error: &GatewayError) -> Problem {
    tracing::error!(%error, "the payment provider failed a request");
    match error {
        GatewayError::Unavailable(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "provider_unavailable",
            "The payment provider cannot be reached right now. Try again with the same Idempotency-Key.",
        ),
        GatewayError::Unreadable(_) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider_unavailable",
            "The payment provider gave an answer that cannot be read. Try again with the same Idempotency-Key.",
        ),
        GatewayError::Refused { .. } | GatewayError::NotFound(_) => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider_refused",
            "The payment provider refused this. The marketplace's admins find its reason in the log.",
        ),
        GatewayError::NotConfigured => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider_not_configured",
            "This marketplace has no working keys for the payment provider.",
        ),
    }
}

/// Refusals that the HTTP layer itself makes.
pub fn refusal(kind: RefusalKind, code: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError(Refusal::new(kind, code, detail).into())
}

/// 401 for a request without credentials, or with ones that are no good.
pub fn unauthenticated(detail: &str) -> ApiError {
    refusal(RefusalKind::Unauthenticated, "unauthenticated", detail)
}

/// A 429 that says when to come back.
pub fn too_many(retry_after_seconds: u64) -> ApiError {
    let refusal = Refusal::new(
        RefusalKind::TooMany,
        "rate_limited",
        "Too many requests from this address; wait as long as Retry-After says.",
    );
    ApiError(refusal.with("retry_after", json!(retry_after_seconds)).into())
}

/// Turns an error answer that is not problem+json yet (the framework's own 404, 405, 413 …) into one, keeping its
/// headers. Pages answer in HTML and are left alone.
pub fn normalise(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if content_type.starts_with(PROBLEM_JSON) || content_type.starts_with("text/html") {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => ("route_not_found", "There is nothing at this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "This address does not take that method; Allow says which it takes.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The body is larger than 1 MiB."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "Send application/json."),
        s if s.is_server_error() => ("internal_error", "Something went wrong here."),
        _ => ("bad_request", "The request cannot be understood."),
    };
    let mut answer = Problem::new(status, code, detail).into_response();
    for (name, value) in response.headers() {
        if !matches!(name.as_str(), "content-type" | "content-length") {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}
