//! Errors for people: the same status, in HTML, with a way on. Programs that call the API keep problem+json.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use super::{assets, page};
use crate::error::Result;
use crate::state::AppState;
use crate::tenancy;

/// Addresses that are for programs, whoever calls them.
const FOR_PROGRAMS: [&str; 8] =
    ["/v1", "/webhooks", "/static", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"];

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    market: &'a str,
    demo: bool,
    version: &'a str,
    title: &'a str,
    text: &'a str,
    request_id: Option<String>,
}

/// A layer around everything: turns an error answer of a page into a page.
pub(crate) async fn in_html(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let for_people = is_for_people(&request);
    let host = tenancy::host(&request).unwrap_or_default();
    let response = next.run(request).await;
    let status = response.status();
    if !for_people || !(status.is_client_error() || status.is_server_error()) || is_html(response.headers()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 65_536).await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    match shown(&state, &host, status, &problem).await {
        Ok(mut response) => {
            for (name, value) in &parts.headers {
                if *name != CONTENT_TYPE && *name != CONTENT_LENGTH {
                    response.headers_mut().append(name, value.clone());
                }
            }
            response
        }
        Err(_) => Response::from_parts(parts, body.into()),
    }
}

/// A page, or an address without a route that a browser asked for.
fn is_for_people(request: &Request) -> bool {
    let path = request.uri().path();
    let below = |prefix: &&str| {
        path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if FOR_PROGRAMS.iter().any(below) {
        return false;
    }
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    request.extensions().get::<MatchedPath>().is_some() || accept.contains("text/html")
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

async fn shown(state: &AppState, host: &str, status: StatusCode, problem: &Value) -> Result<Response> {
    let tenant = state.tenants.find(&state.souk, host).await.ok().flatten();
    let detail = problem["detail"].as_str().unwrap_or("This can't be done.");
    let (title, text) = match status {
        StatusCode::NOT_FOUND if problem["code"] == "unknown_host" => ("No marketplace here", detail),
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "The address may be mistyped, or it is somebody else's. If it is yours, log in or use the link from your mail.",
        ),
        StatusCode::FORBIDDEN => ("You can't do this", detail),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("This address takes forms only", "Go back to the page that you came from and try again.")
        }
        StatusCode::TOO_MANY_REQUESTS => ("Too fast", "Wait a moment, then try again."),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => {
            ("The payment provider does not answer", "Nothing was lost. Try again in a moment.")
        }
        status if status.is_server_error() => {
            ("Something went wrong", "It is our fault, and it is in our log. Try again in a moment.")
        }
        _ => ("That did not work", detail),
    };
    let template = ErrorPage {
        market: tenant.as_ref().map_or("souk", |tenant| &tenant.name),
        demo: state.demo.is_some(),
        version: &assets::VERSION,
        title,
        text,
        request_id: souk_infra::souk::current_request_id().filter(|_| status.is_server_error()),
    };
    page(status, &template)
}
