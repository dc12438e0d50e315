//! The routes, one file per noun. A handler's doc comment is its description in the OpenAPI document.

pub mod auth;
pub mod me;
pub mod ops;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Everything that belongs to one marketplace: the Host says which.
pub(crate) fn of_a_tenant() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(auth::routes()).merge(me::routes())
}
