//! To the provider's form and back. Coming back means nothing by itself: the account is read again, and its page shows
//! what the provider says.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use souk_domain::gateway::Link;
use souk_infra::sellers::accounts;
use souk_infra::sellers::onboarding::{self, ReturnTo};

use super::home::render;
use crate::error::Result;
use crate::pages::see_other;
use crate::pages::trouble::Trouble;
use crate::pages::visitor::SellerPage;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/seller/{seller}/onboarding", post(begin))
        .route("/seller/{seller}/onboarding/return", get(back))
        .route("/seller/{seller}/onboarding/refresh", get(begin))
        .route("/seller/{seller}/dashboard", post(dashboard))
}

/// A new link each time: the provider's links are good once and for minutes only.
async fn begin(State(state): State<AppState>, guard: SellerPage) -> Result<Response> {
    let link =
        onboarding::onboarding_link(&state.souk, &guard.visitor.scope, guard.seller, ReturnTo::default())
            .await;
    follow(&state, &guard, link).await
}

async fn dashboard(State(state): State<AppState>, guard: SellerPage) -> Result<Response> {
    let link = onboarding::dashboard_link(&state.souk, &guard.visitor.scope, guard.seller).await;
    follow(&state, &guard, link).await
}

async fn follow(state: &AppState, guard: &SellerPage, link: souk_infra::Result<Link>) -> Result<Response> {
    match link {
        Ok(link) => Ok(see_other(&link.url)),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(state, guard, false, trouble).await
        }
    }
}

async fn back(State(state): State<AppState>, guard: SellerPage) -> Result<Response> {
    match accounts::refresh_account(&state.souk, &guard.visitor.scope, guard.seller).await {
        Ok(()) => Ok(see_other(&format!("/seller/{}?back=1", guard.seller))),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(&state, &guard, true, trouble).await
        }
    }
}
