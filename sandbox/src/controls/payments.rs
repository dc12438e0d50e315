//! Controls over payments: the outcomes that banks and card networks decide.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::{json_body, respond};
use crate::error::StripeError;
use crate::http::Shared;
use crate::object::Fields;
use crate::payments::attempts::{self, Challenge};
use crate::payments::{debits, disputes, payouts, refunds};
use crate::state::State;
use crate::state::vault::Kind;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sandbox/payment_intents/{id}/settle", post(settle))
        .route("/_sandbox/payment_intents/{id}/authenticate", post(authenticate))
        .route("/_sandbox/charges/{id}/dispute", post(dispute))
        .route("/_sandbox/disputes/{id}/resolve", post(resolve))
        .route("/_sandbox/refunds/{id}/fail", post(fail_refund))
        .route("/_sandbox/payouts/{id}/fail", post(fail_payout))
        .route("/_sandbox/balance_transactions/tamper", post(tamper))
}

/// `{outcome: "succeeded" | "failed"}`: the end of a bank debit.
async fn settle(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        let account = state.owner_of(Kind::PaymentIntent, &id)?;
        debits::settle(&mut state, &account, &id, wish.text("outcome") != "failed")
    }))
}

/// `{outcome: "pass" | "fail"}`: 3D Secure of an intent that was confirmed through the API.
async fn authenticate(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let challenge = if wish.text("outcome") == "fail" { Challenge::Failed } else { Challenge::Passed };
        attempts::authenticate(&mut shared.lock(), &id, challenge)
    }))
}

/// `{reason?, amount?}`; reason `inquiry` moves no money.
async fn dispute(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        let account = state.owner_of(Kind::Charge, &id)?;
        let reason = wish.opt_text("reason").unwrap_or("fraudulent");
        match disputes::open(&mut state, &account, &id, reason, wish.opt_int("amount")) {
            Value::Null => Err(StripeError::invalid(format!("Charge {id} has nothing left to dispute."))),
            dispute => Ok(dispute),
        }
    }))
}

/// `{outcome: "won" | "lost"}`.
async fn resolve(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        let account = state.owner_of(Kind::Dispute, &id)?;
        Ok(disputes::resolve(&mut state, &account, &id, wish.text("outcome") == "won"))
    }))
}

async fn fail_refund(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let mut state = shared.lock();
    respond(state.owner_of(Kind::Refund, &id).and_then(|account| {
        refunds::fail(&mut state, &account, &id);
        state.get(&account, Kind::Refund, &id)
    }))
}

async fn fail_payout(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let mut state = shared.lock();
    respond(
        state
            .owner_of(Kind::Payout, &id)
            .and_then(|account| payouts::give_back(&mut state, &account, &id, "failed")),
    )
}

/// `{kind: "fee_off_by_one" | "drop" | "extra", count?, account?}`: makes the transactions wrong, and leaves
/// the balances right, so that `books` shows it.
async fn tamper(Extract(shared): Extract<Arc<Shared>>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut state = shared.lock();
        let count = usize::try_from(wish.opt_int("count").unwrap_or(1)).unwrap_or(0);
        let kind = wish.text("kind");
        let mut victims = candidates(&state, wish.opt_text("account"));
        if kind == "fee_off_by_one" {
            victims.retain(|(_, txn)| txn.int("fee") > 0 && !txn.flag("_internal"));
        }
        victims.truncate(count);
        let mut ids = Vec::new();
        for (account, txn) in victims {
            ids.push(spoil(&mut state, kind, &account, &txn)?);
        }
        Ok(json!({ "ids": ids }))
    }))
}

/// Transactions of accounts on which charges live, newest first.
fn candidates(state: &State, only: Option<&str>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for account in state.accounts() {
        let Some(vault) = state.peek(&account) else { continue };
        let all = || vault.all(Kind::BalanceTransaction);
        let reconciled =
            state.platform_of(&account).is_none() || all().any(|txn| txn.text("source").starts_with("ch_"));
        if only.map_or(reconciled, |only| only == account) {
            found.extend(all().map(|txn| (account.clone(), txn.clone())));
        }
    }
    found.sort_by_key(|(_, txn)| std::cmp::Reverse((txn.int("created"), txn.int("_sequence"))));
    found
}

fn spoil(state: &mut State, kind: &str, account: &str, txn: &Value) -> Result<String, StripeError> {
    let id = txn.text("id").to_owned();
    match kind {
        "fee_off_by_one" => {
            state.update(account, Kind::BalanceTransaction, &id, |txn| {
                txn.put("fee", txn.int("fee") + 1);
                txn.put("net", txn.int("net") - 1);
                if let Some(detail) = txn["fee_details"].get_mut(0) {
                    detail.put("amount", detail.int("amount") + 1);
                }
            });
            Ok(id)
        }
        "drop" => {
            state.vault(account).remove(Kind::BalanceTransaction, &id);
            Ok(id)
        }
        "extra" => {
            let mut extra = txn.clone();
            let id = state.ids.object("txn_");
            for (name, value) in [
                ("id", json!(id)),
                ("type", json!("adjustment")),
                ("reporting_category", json!("other_adjustment")),
                ("amount", json!(100)),
                ("net", json!(100)),
                ("fee", json!(0)),
                ("fee_details", json!([])),
                ("source", Value::Null),
                ("description", json!("Nobody knows what this is")),
            ] {
                extra.put(name, value);
            }
            state.vault(account).insert(Kind::BalanceTransaction, extra);
            Ok(id)
        }
        other => Err(StripeError::invalid(format!("Invalid kind: {other}")).param("kind")),
    }
}
