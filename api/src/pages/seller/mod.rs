//! The seller's area: becoming one, getting connected to the payment provider, selling, giving money back.

mod home;
mod listing;
mod listings;
mod onboarding;
mod orders;
mod requirements;
mod slots;

use axum::Router;

use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .merge(home::routes())
        .merge(onboarding::routes())
        .merge(listings::routes())
        .merge(listing::routes())
        .merge(slots::routes())
        .merge(orders::routes())
}
