//! Controls over checkout sessions and connected accounts: what buyers and sellers do, without a browser.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::{json_body, respond};
use crate::accounts;
use crate::checkout::complete::{self, Buyer};
use crate::error::{Answer, StripeError};
use crate::http::Shared;
use crate::object::Fields;
use crate::payments::attempts::Challenge;
use crate::payments::cards::Instrument;
use crate::payments::payouts;
use crate::state::State;
use crate::state::vault::Kind;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sandbox/checkout/sessions/{id}/complete", post(complete_session))
        .route("/_sandbox/accounts/{id}/complete_onboarding", post(complete_onboarding))
        .route("/_sandbox/accounts/{id}/restrict", post(restrict))
        .route("/_sandbox/accounts/{id}/deauthorize", post(deauthorize))
        .route("/_sandbox/accounts/{id}/payout", post(payout))
}

/// `{card?, payment_method?, three_d_secure?, outcome?, promotion_code?, email?, name?}`: what a buyer does on
/// the hosted page.
async fn complete_session(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    respond(json_body(&body).and_then(|wish| submit(&mut shared.lock(), &id, &wish)))
}

fn submit(state: &mut State, id: &str, wish: &Value) -> Answer {
    let account = state.owner_of(Kind::Session, id)?;
    let instrument = match wish.opt_text("payment_method").unwrap_or("card") {
        "card" => Instrument::card(wish.opt_text("card").unwrap_or("4242424242424242")),
        "bank_debit" | "us_bank_account" => Instrument::BankDebit { fails: wish.text("outcome") == "failed" },
        name => Instrument::named(name)?,
    };
    let challenge = match wish.opt_text("three_d_secure").unwrap_or("pass") {
        "pass" => Challenge::Passed,
        "fail" => Challenge::Failed,
        "pending" => Challenge::Shown,
        other => {
            return Err(
                StripeError::invalid(format!("Invalid three_d_secure: {other}")).param("three_d_secure")
            );
        }
    };
    if let Some(code) = wish.opt_text("promotion_code") {
        complete::apply_code(state, &account, id, code)?;
    }
    let buyer = Buyer {
        instrument,
        challenge,
        email: wish.opt_text("email").map(str::to_owned),
        name: wish.opt_text("name").map(str::to_owned),
    };
    complete::submit(state, &account, id, &buyer)
}

async fn complete_onboarding(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    respond(accounts::complete_onboarding(&mut shared.lock(), &id))
}

/// `{disabled_reason?, past_due?: []}`.
async fn restrict(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        known(&state, &id)?;
        let reason = wish.opt_text("disabled_reason").unwrap_or("requirements.past_due");
        let past_due: Vec<String> =
            wish.list("past_due").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(accounts::restrict(&mut state, &id, reason, &past_due))
    }))
}

async fn deauthorize(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    respond(accounts::deauthorize(&mut shared.lock(), &id))
}

/// `{currency?}`: what Stripe's daily payout run does for one account. Null when nothing is available.
async fn payout(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        if state.peek(&id).is_none() {
            return Err(StripeError::no_such("account", &id));
        }
        let currency = wish.opt_text("currency").map_or_else(|| state.default_currency(&id), str::to_owned);
        Ok(json!({ "payout": payouts::run_automatic(&mut state, &id, &currency) }))
    }))
}

fn known(state: &State, id: &str) -> Result<(), StripeError> {
    state.account_object(id).map(|_| ()).ok_or_else(|| StripeError::no_such("account", id))
}
