//! Checkout sessions: what a buyer sees, pays and is told. A session ends exactly once, complete or expired.

pub(crate) mod complete;
pub(crate) mod create;
pub(crate) mod pricing;

use serde_json::Value;

use crate::error::{Answer, StripeError};
use crate::object::Fields;
use crate::payments::intents;
use crate::state::State;
use crate::state::vault::Kind;

/// `POST …/expire`: only what is open can expire.
pub(crate) fn expire(state: &mut State, account: &str, id: &str) -> Answer {
    let session = state.get(account, Kind::Session, id)?;
    if session.text("status") != "open" {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{}`.",
            session.text("status")
        );
        return Err(StripeError::invalid(message));
    }
    let session = state.update(account, Kind::Session, id, |session| {
        session.put("status", "expired");
        session.put("url", Value::Null);
    });
    if let Some(intent) = session.opt_text("payment_intent") {
        intents::void(state, account, intent, Some("expired"));
    }
    state.emit(account, "checkout.session.expired", &session, None);
    Ok(session)
}

/// The agenda's turn.
pub(crate) fn expire_if_open(state: &mut State, account: &str, id: &str) {
    // A session that is complete or already expired stays as it is.
    let _ = expire(state, account, id);
}

/// A bank debit that a session had accepted has ended.
pub(crate) fn note_debit(state: &mut State, account: &str, session: &str, succeeded: bool) {
    if state.get(account, Kind::Session, session).is_err() {
        return;
    }
    let session = state.update(account, Kind::Session, session, |session| {
        if succeeded {
            session.put("payment_status", "paid");
        }
    });
    let event = if succeeded {
        "checkout.session.async_payment_succeeded"
    } else {
        "checkout.session.async_payment_failed"
    };
    state.emit(account, event, &session, None);
}

/// An authorisation that a session had obtained has been captured.
pub(crate) fn note_captured(state: &mut State, account: &str, session: &str) {
    state.update(account, Kind::Session, session, |session| session.put("payment_status", "paid"));
}
