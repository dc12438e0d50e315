//! Bank debits: accepted today, known to have worked or failed days later.

use serde_json::{Value, json};

use super::{attempts, settle};
use crate::error::{Answer, StripeError};
use crate::object::Fields;
use crate::state::State;
use crate::state::agenda::Task;
use crate::state::vault::Kind;

/// Leaves the intent `processing` and puts the outcome on the agenda.
pub(crate) fn begin(
    state: &mut State,
    account: &str,
    intent_id: &str,
    method: &Value,
    details: Value,
    fails: bool,
) {
    let Ok(intent) = state.get(account, Kind::PaymentIntent, intent_id) else { return };
    let mut charge = settle::new_charge(state, account, &intent, method, details, "py_3");
    charge.put("status", "pending");
    charge.put("paid", false);
    let id = charge.text("id").to_owned();
    state.vault(account).insert(Kind::Charge, charge.clone());
    let intent = state.update(account, Kind::PaymentIntent, intent_id, |intent| {
        intent.put("status", "processing");
        intent.put("latest_charge", id);
        intent.put("next_action", Value::Null);
        intent.put("_debit_fails", fails);
    });
    state.emit(account, "payment_intent.processing", &intent, None);
    state.emit(account, "charge.pending", &charge, None);
    let at = state.now() + state.settings.bank_debit_seconds;
    state.schedule(at, Task::SettleDebit { account: account.to_owned(), intent: intent_id.to_owned() });
}

/// The agenda's turn: the outcome that was chosen with the payment method.
pub(crate) fn settle_as_planned(state: &mut State, account: &str, intent: &str) {
    let planned = state.get(account, Kind::PaymentIntent, intent).unwrap_or_default();
    if planned.text("status") == "processing" {
        // Only a processing intent can be refused here, and this one is processing.
        let _ = settle(state, account, intent, !planned.flag("_debit_fails"));
    }
}

/// Ends a debit. The session that it pays for hears of it too.
pub(crate) fn settle(state: &mut State, account: &str, id: &str, succeeds: bool) -> Answer {
    let intent = state.get(account, Kind::PaymentIntent, id)?;
    if intent.text("status") != "processing" {
        return Err(StripeError::invalid(format!("PaymentIntent {id} is not processing.")));
    }
    let charge = intent.text("latest_charge").to_owned();
    let session = intent.text("_session").to_owned();
    if succeeds {
        state.update(account, Kind::Charge, &charge, |charge| {
            charge.put("status", "succeeded");
            charge.put("paid", true);
        });
        settle::capture(state, account, id, &charge, intent.int("amount"));
        state.emit_about(account, "charge.succeeded", Kind::Charge, &charge);
        state.emit_about(account, "payment_intent.succeeded", Kind::PaymentIntent, id);
    } else {
        let message = "The customer's bank account has insufficient funds to complete this payment.";
        let failed = state.update(account, Kind::Charge, &charge, |charge| {
            charge.put("status", "failed");
            charge.put("failure_code", "insufficient_funds");
            charge.put("failure_message", message);
            charge.put(
                "outcome",
                json!({
                    "advice_code": null, "network_advice_code": null, "network_decline_code": null,
                    "network_status": "declined_by_network", "reason": "insufficient_funds",
                    "seller_message": message, "type": "issuer_declined",
                }),
            );
        });
        state.emit(account, "charge.failed", &failed, None);
        let method =
            state.get(account, Kind::PaymentMethod, intent.text("payment_method")).unwrap_or_default();
        let error = StripeError::card("payment_intent_payment_attempt_failed", "insufficient_funds", message);
        attempts::fail(state, account, id, &method, error.with("charge", json!(charge)));
    }
    crate::checkout::note_debit(state, account, &session, succeeds);
    state.get(account, Kind::PaymentIntent, id)
}
