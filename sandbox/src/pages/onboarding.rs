//! The hosted onboarding and the seller's dashboard. An onboarding address opens once; a second visit goes
//! to the refresh address, as at Stripe.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::{fields, message, page, redirect};
use crate::accounts;
use crate::http::Shared;
use crate::money;
use crate::object::Fields;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/{account}/{token}", get(show).post(submit))
        .route("/express/{account}/{token}", get(dashboard))
}

/// How long the opened form may be filled in, in seconds.
const PATIENCE: i64 = 3_600;

#[derive(Template)]
#[template(path = "onboarding.html")]
struct Onboarding {
    account: String,
}

struct Row {
    name: String,
    amount: String,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    account: String,
    charges: bool,
    payouts: bool,
    balances: Vec<Row>,
}

fn unknown() -> Response {
    message(StatusCode::NOT_FOUND, "No such page", "This onboarding address is not known.", "")
}

async fn show(
    Extract(shared): Extract<Arc<Shared>>,
    Path((account, token)): Path<(String, String)>,
) -> Response {
    let mut state = shared.lock();
    let now = state.now();
    let Some(link) = state.links.get_mut(&token).filter(|link| link.account == account) else {
        return unknown();
    };
    if link.used || now >= link.expires_at {
        return redirect(&link.refresh_url);
    }
    link.used = true;
    link.expires_at = now + PATIENCE;
    page(StatusCode::OK, &Onboarding { account })
}

async fn submit(
    Extract(shared): Extract<Arc<Shared>>,
    Path((account, token)): Path<(String, String)>,
    body: String,
) -> Response {
    let mut state = shared.lock();
    let now = state.now();
    let Some(link) = state.links.get(&token).filter(|link| link.account == account).cloned() else {
        return unknown();
    };
    if now >= link.expires_at {
        return redirect(&link.refresh_url);
    }
    if fields(&body).get("action").is_some_and(|action| action == "leave") {
        return redirect(&link.return_url);
    }
    match accounts::complete_onboarding(&mut state, &account) {
        Ok(_) => {
            if let Some(link) = state.links.get_mut(&token) {
                link.expires_at = now;
            }
            redirect(&link.return_url)
        }
        Err(error) => {
            message(StatusCode::BAD_REQUEST, "That did not work", &error.message, &link.refresh_url)
        }
    }
}

async fn dashboard(
    Extract(shared): Extract<Arc<Shared>>,
    Path((account, _)): Path<(String, String)>,
) -> Response {
    let state = shared.lock();
    let Some(object) = state.account_object(&account) else { return unknown() };
    let mut balances = Vec::new();
    for (_, currency, balance) in state.books.all().filter(|(owner, _, _)| *owner == account) {
        let named = [("available", balance.available), ("pending", balance.pending)];
        balances.extend(
            named.map(|(name, amount)| Row {
                name: name.to_owned(),
                amount: money::display(amount, currency),
            }),
        );
    }
    let template = Dashboard {
        charges: object.flag("charges_enabled"),
        payouts: object.flag("payouts_enabled"),
        account,
        balances,
    };
    page(StatusCode::OK, &template)
}
