//! The OpenAPI document and the page that renders it.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::app::document;
use crate::error::Problem;
use crate::state::AppState;

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

/// The document as text, for the command line.
pub(crate) fn openapi() -> serde_json::Result<String> {
    document().to_pretty_json()
}

/// `/openapi.json`, made once.
pub(crate) fn routes(document: Document) -> Router<AppState> {
    let json = document.to_json().unwrap_or_default();
    Router::new().route(
        "/openapi.json",
        get(move || std::future::ready(([(CONTENT_TYPE, "application/json")], json.clone()))),
    )
}
