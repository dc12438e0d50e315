//! The whole HTTP application: routes inside, layers around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use crate::docs::{self, ApiDoc};
use crate::error::Problem;
use crate::extract::MAX_BODY;
use crate::state::AppState;
use crate::{limit, middleware, pages, routes, tenancy};

/// The application, ready to be served or to be called in a test.
pub fn app(state: AppState) -> Router {
    let (tenant, _) = routes::of_a_tenant().split_for_parts();
    let (ops, _) = routes::ops::routes().split_for_parts();
    let tenant = tenant.route_layer(from_fn_with_state(state.clone(), tenancy::resolve));
    let pages = pages::routes(&state);
    layered(tenant.merge(ops).merge(docs::routes(&document())).merge(pages), state)
}

/// What describes every route.
pub(crate) fn document() -> Document {
    let described = OpenApiRouter::<AppState>::with_openapi(ApiDoc::openapi());
    docs::complete(described.merge(routes::ops::routes()).merge(routes::of_a_tenant()).into_openapi())
}

/// Puts everything that happens around a request around `router`.
fn layered(router: Router<AppState>, state: AppState) -> Router {
    router
        .fallback(nothing_here)
        // The innermost layer comes first.
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(middleware::bounded))
        .layer(from_fn(middleware::timely))
        .layer(from_fn_with_state(state.clone(), limit::requests))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn_with_state(state.clone(), pages::errors_in_html))
        .layer(from_fn_with_state(state.clone(), middleware::observe))
        .with_state(state)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "route_not_found", "There is nothing at this address.")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use souk_infra::db::Db;
    use souk_infra::{Settings, Souk};
    use tower::ServiceExt as _;

    use super::*;
    use crate::state::HttpSettings;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_tells_nothing() {
        let db = Db::connect("sqlite::memory:").await.unwrap();
        let souk = Souk::new(db, Settings { jwt_secret: "j".to_owned(), encryption_key: "e".to_owned() });
        let state = AppState::new(souk, HttpSettings::default());
        async fn panics() -> &'static str {
            panic!("hunter2 in a panic");
        }
        let routes = Router::new().route("/v1/boom", get(panics)).route("/boom", get(panics));
        let router = layered(routes, state);
        let ask = async |path: &str| {
            let request = Request::get(path).header("x-request-id", "r-1").body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap()
        };
        let response = ask("/v1/boom").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "r-1");
        let body = to_bytes(response.into_body(), 65_536).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (body["code"].as_str(), body["request_id"].as_str()),
            (Some("internal_error"), Some("r-1"))
        );
        assert!(!body.to_string().contains("hunter2"));

        let page = ask("/boom").await;
        assert_eq!(page.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let body = to_bytes(page.into_body(), 65_536).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("r-1") && !body.contains("hunter2"), "{body}");
    }
}
