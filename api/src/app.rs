//! The whole HTTP application: routes inside, layers around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::docs::{self, ApiDoc};
use crate::error::Problem;
use crate::extract::MAX_BODY;
use crate::state::AppState;
use crate::{limit, middleware, routes, tenancy};

/// The application, ready to be served or to be called in a test.
pub fn app(state: AppState) -> Router {
    let (router, document) = described(&state).split_for_parts();
    router
        .merge(docs::routes(document))
        .fallback(nothing_here)
        // The innermost layer comes first.
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(middleware::bounded))
        .layer(from_fn(middleware::timely))
        .layer(from_fn_with_state(state.clone(), limit::requests))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn_with_state(state.clone(), middleware::observe))
        .with_state(state)
}

/// Every described route, with the document that describes them.
pub(crate) fn described(state: &AppState) -> OpenApiRouter<AppState> {
    let tenant = routes::of_a_tenant(state).route_layer(from_fn_with_state(state.clone(), tenancy::resolve));
    OpenApiRouter::with_openapi(ApiDoc::openapi()).merge(routes::ops::routes()).merge(tenant)
}

async fn nothing_here() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "route_not_found", "There is nothing at this address.")
}
