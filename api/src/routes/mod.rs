//! The routes, one file per noun. A handler's doc comment is its description in the OpenAPI document.

pub mod admin_sellers;
pub mod admin_work;
pub mod auth;
pub mod checkouts;
pub mod fees;
pub mod listings;
pub mod me;
pub mod ops;
pub mod orders;
pub mod promotions;
pub mod sellers;
pub mod slots;
pub mod webhooks;

use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

/// The query of a list that has no filter: the page's two parameters and no other. Their values are read by
/// [`crate::extract::PageQuery`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnlyPage {
    #[serde(rename = "limit")]
    _limit: Option<String>,
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

/// Everything that belongs to one marketplace: the Host says which.
pub(crate) fn of_a_tenant() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(checkouts::routes())
        .merge(orders::routes())
        .merge(webhooks::routes())
        .merge(admin_work::routes())
        .merge(sellers::routes())
        .merge(listings::routes())
        .merge(slots::routes())
        .merge(fees::routes())
        .merge(promotions::routes())
        .merge(admin_sellers::routes())
}
