//! Controls over the surroundings: faults, the clock, settings that Stripe's documents leave open.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::{json_body, respond};
use crate::error::{Answer, StripeError};
use crate::http::Shared;
use crate::http::faults::{Faults, Plan};
use crate::object::Fields;
use crate::state::State;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sandbox/faults", post(set_faults).delete(clear_faults))
        .route("/_sandbox/clock", get(clock))
        .route("/_sandbox/clock/advance", post(advance))
        .route("/_sandbox/settings", get(settings).post(change_settings))
}

/// See `http::faults::Plan`; unknown names are refused, so that a misspelt fault is not silently absent.
async fn set_faults(Extract(shared): Extract<Arc<Shared>>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let mut plan: Plan =
            serde_json::from_value(wish).map_err(|error| StripeError::invalid(error.to_string()))?;
        let mut state = shared.lock();
        let mut released = 0;
        match plan.hold_webhooks {
            Some(true) => state.outbox.hold(std::mem::take(&mut plan.types)),
            Some(false) => released = release(&mut state),
            None => {}
        }
        state.faults.set(plan);
        Ok(json!({ "released": released, "held": state.outbox.held() }))
    }))
}

fn release(state: &mut State) -> usize {
    let State { outbox, faults, recorder, .. } = state;
    outbox.release(faults, recorder)
}

/// Ends every fault and every hold; what was held is sent.
async fn clear_faults(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let mut state = shared.lock();
    state.faults = Faults::default();
    let released = release(&mut state);
    respond(Ok(json!({ "released": released, "held": 0 })))
}

async fn clock(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let now = shared.lock().now();
    respond(Ok(json!({ "now": now })))
}

/// `{seconds}`, forwards only: runs everything that becomes due on the way.
async fn advance(Extract(shared): Extract<Arc<Shared>>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| {
        let seconds = wish.opt_int("seconds").filter(|seconds| *seconds >= 0);
        let seconds = seconds
            .ok_or_else(|| StripeError::invalid("seconds must be a number of seconds to go forward."))?;
        let mut state = shared.lock();
        state.advance_clock(seconds);
        state.run_due();
        Ok(json!({ "now": state.now() }))
    }))
}

async fn settings(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let answer = shown(&shared.lock());
    respond(Ok(answer))
}

fn shown(state: &State) -> Value {
    json!({
        "free_session_payment_status": state.settings.free_session_payment_status,
        "short_balance_refunds": if state.settings.short_balance_refunds_wait { "pending" } else { "succeed" },
        "dispute_won_returns_fee": state.settings.dispute_won_returns_fee,
        "bank_debit_seconds": state.settings.bank_debit_seconds,
    })
}

async fn change_settings(Extract(shared): Extract<Arc<Shared>>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| change(&mut shared.lock(), &wish)))
}

fn change(state: &mut State, wish: &Value) -> Answer {
    let mut settings = state.settings.clone();
    for (name, value) in wish.as_object().into_iter().flatten() {
        let wrong = || StripeError::invalid(format!("Invalid {name}: {value}")).param(name);
        match (name.as_str(), value) {
            ("free_session_payment_status", Value::String(status))
                if matches!(status.as_str(), "paid" | "no_payment_required") =>
            {
                settings.free_session_payment_status.clone_from(status);
            }
            ("short_balance_refunds", Value::String(choice))
                if matches!(choice.as_str(), "pending" | "succeed") =>
            {
                settings.short_balance_refunds_wait = choice == "pending";
            }
            ("dispute_won_returns_fee", Value::Bool(choice)) => settings.dispute_won_returns_fee = *choice,
            ("bank_debit_seconds", value) => {
                settings.bank_debit_seconds =
                    value.as_i64().filter(|seconds| *seconds >= 0).ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
    }
    state.settings = settings;
    Ok(shown(state))
}
