//! The routes, one file per noun. A handler's doc comment is its description in the OpenAPI document.

pub mod admin_work;
pub mod auth;
pub mod checkouts;
pub mod me;
pub mod ops;
pub mod orders;
pub mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// Everything that belongs to one marketplace: the Host says which.
pub(crate) fn of_a_tenant(state: &AppState) -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::routes(state))
        .merge(me::routes())
        .merge(checkouts::routes())
        .merge(orders::routes())
        .merge(webhooks::routes())
        .merge(admin_work::routes())
}
