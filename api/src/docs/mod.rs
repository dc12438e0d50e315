//! The OpenAPI document and the pages that render it: made on the server, without a script and without another host.

mod shown;

use askama::Template;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};

use crate::app::document;
use crate::codes::{CODES, Code};
use crate::error::{PROBLEM_JSON, Problem};
use crate::state::AppState;
use shown::Shown;

/// What is said of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "souk",
        description = "The payments backend of a marketplace. Money is in minor units, times are RFC 3339 in UTC, \
                       errors are problem+json with a stable `code`, and the marketplace is the request's Host."
    ),
    components(schemas(Problem)),
    modifiers(&Bearer)
)]
pub(crate) struct ApiDoc;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description =
            Some("The access token of a login, or the marketplace's API key (sk_souk_…).".to_owned());
        components.add_security_scheme("bearer", SecurityScheme::Http(http));
    }
}

/// Adds what is true of every route, so that no handler has to say it: the handler's whole comment is the
/// description, its first sentence the summary, every answer has a description, every failure is a problem, and who
/// may call follows from the path unless the handler says otherwise.
pub(crate) fn complete(mut document: Document) -> Document {
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            complete_operation(operation);
            if operation.security.is_none() {
                operation.security = who(path);
            }
        }
    }
    document
}

/// What a path asks of its caller: a token, a token if there is one, or nothing.
fn who(path: &str) -> Option<Vec<SecurityRequirement>> {
    let token = SecurityRequirement::new("bearer", Vec::<String>::new());
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    if begins(&["/v1/admin/", "/v1/sellers", "/v1/me"]) {
        Some(vec![token])
    } else if begins(&["/v1/orders", "/v1/checkouts"]) {
        Some(vec![SecurityRequirement::default(), token])
    } else {
        None
    }
}

fn complete_operation(operation: &mut Operation) {
    let parts = [operation.summary.take(), operation.description.take()];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n").replace('\n', " ");
    if !text.is_empty() {
        let first = text.split(". ").next().unwrap_or(&text).split(": ").next().unwrap_or(&text);
        operation.summary = Some(first.trim_end_matches('.').to_owned());
        operation.description = Some(text);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = reason(status);
        }
    }
    let responses = &mut operation.responses.responses;
    responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(failure()));
}

fn reason(status: &str) -> String {
    let status = status.parse().ok().and_then(|code: u16| axum::http::StatusCode::from_u16(code).ok());
    status.and_then(|status| status.canonical_reason()).unwrap_or("Answer").to_owned()
}

fn failure() -> Response {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description("Every failure.").content(PROBLEM_JSON, problem).build()
}

/// The document as text, for the command line.
pub(crate) fn openapi() -> serde_json::Result<String> {
    document().to_pretty_json()
}

#[derive(Template)]
#[template(path = "docs/reference.html")]
struct Reference {
    shown: Shown,
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
struct Errors {
    codes: &'static [Code],
}

/// `/openapi.json` and the pages, each made once.
pub(crate) fn routes(document: &Document) -> Router<AppState> {
    let value = serde_json::to_value(document).unwrap_or(Value::Null);
    let reference = page(&Reference { shown: Shown::of(&value) });
    let errors = page(&Errors { codes: CODES });
    Router::new()
        .route("/openapi.json", fixed("application/json", value.to_string()))
        .route("/docs", fixed("text/html; charset=utf-8", reference))
        .route("/docs/errors", fixed("text/html; charset=utf-8", errors))
        .route(
            "/docs/style.css",
            fixed("text/css; charset=utf-8", include_str!("../../templates/docs/style.css")),
        )
}

/// A page that cannot be rendered is empty; a test sees to it that none is.
fn page(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

fn fixed(content_type: &'static str, body: impl Into<Bytes>) -> MethodRouter<AppState> {
    let body = body.into();
    get(move || std::future::ready(([(CONTENT_TYPE, content_type)], body.clone())))
}
