//! One attempt to pay an intent: authentication, decline, authorisation, charge.

use serde_json::{Value, json};

use super::cards::{Behaviour, Decline, Instrument};
use super::{debits, settle};
use crate::error::StripeError;
use crate::object::{Fields, public};
use crate::state::State;
use crate::state::agenda::Task;
use crate::state::vault::Kind;

/// What the buyer does when asked to authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Nothing yet: the intent stays at `requires_action`.
    Shown,
    Passed,
    Failed,
}

/// Tries to pay. `Ok` leaves the intent succeeded, processing, authorised or waiting for authentication; a
/// refusal is recorded on the intent and given back.
pub(crate) fn attempt(
    state: &mut State,
    account: &str,
    intent: &str,
    instrument: &Instrument,
    challenge: Challenge,
    billing: &Value,
) -> Result<(), StripeError> {
    let method = new_method(state, account, instrument, billing);
    state.update(account, Kind::PaymentIntent, intent, |object| {
        object.put("payment_method", method["id"].clone());
        object.put("last_payment_error", Value::Null);
    });
    let mut authenticated = false;
    let mut decline = None;
    match instrument.behaviour() {
        Behaviour::Declined(refusal) => decline = Some(refusal),
        Behaviour::Challenged(_) if challenge == Challenge::Shown => {
            await_authentication(state, account, intent);
            return Ok(());
        }
        Behaviour::Challenged(_) if challenge == Challenge::Failed => {
            return Err(authentication_failed(state, account, intent, &method));
        }
        Behaviour::Challenged(after) => {
            authenticated = true;
            decline = after;
        }
        _ => {}
    }
    let details = instrument.charge_details(authenticated);
    if let Some(decline) = decline {
        return Err(declined(state, account, intent, &method, &details, decline));
    }
    if let Instrument::BankDebit { fails } = instrument {
        debits::begin(state, account, intent, &method, details, *fails);
        return Ok(());
    }
    approve(state, account, intent, &method, details, instrument.behaviour());
    Ok(())
}

fn approve(
    state: &mut State,
    account: &str,
    intent_id: &str,
    method: &Value,
    details: Value,
    behaviour: Behaviour,
) {
    let Ok(intent) = state.get(account, Kind::PaymentIntent, intent_id) else { return };
    let mut charge = settle::new_charge(state, account, &intent, method, details, "ch_3");
    charge.put(
        "_behaviour",
        match behaviour {
            Behaviour::RefundsArePending => "refunds_pend",
            Behaviour::RefundsFail => "refunds_fail",
            Behaviour::AvailableAtOnce => "available_at_once",
            _ => "",
        },
    );
    let id = charge.text("id").to_owned();
    state.vault(account).insert(Kind::Charge, charge);
    if intent.text("capture_method") == "manual" {
        let amount = intent.int("amount");
        let intent = state.update(account, Kind::PaymentIntent, intent_id, |intent| {
            intent.put("status", "requires_capture");
            intent.put("amount_capturable", amount);
            intent.put("latest_charge", id.clone());
            intent.put("next_action", Value::Null);
        });
        state.emit_about(account, "charge.succeeded", Kind::Charge, &id);
        state.emit(account, "payment_intent.amount_capturable_updated", &intent, None);
        return;
    }
    settle::capture(state, account, intent_id, &id, intent.int("amount"));
    state.emit_about(account, "charge.succeeded", Kind::Charge, &id);
    state.emit_about(account, "payment_intent.succeeded", Kind::PaymentIntent, intent_id);
    if let Behaviour::Disputed(reason) = behaviour {
        let task = Task::OpenDispute { account: account.to_owned(), charge: id, reason: reason.to_owned() };
        state.schedule(state.now(), task);
    }
}

fn await_authentication(state: &mut State, account: &str, id: &str) {
    let url = format!("{}/3ds/{id}", state.base_url);
    let intent = state.update(account, Kind::PaymentIntent, id, |intent| {
        intent.put("status", "requires_action");
        intent.put(
            "next_action",
            json!({
                "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": null },
            }),
        );
    });
    state.emit(account, "payment_intent.requires_action", &intent, None);
}

fn authentication_failed(state: &mut State, account: &str, id: &str, method: &Value) -> StripeError {
    let message = "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
    let error = StripeError::card("payment_intent_authentication_failure", "", message);
    fail(state, account, id, method, error)
}

fn declined(
    state: &mut State,
    account: &str,
    id: &str,
    method: &Value,
    details: &Value,
    decline: Decline,
) -> StripeError {
    let Ok(intent) = state.get(account, Kind::PaymentIntent, id) else { return decline.to_error() };
    let mut charge = settle::new_charge(state, account, &intent, method, details.clone(), "ch_3");
    charge.put("status", "failed");
    charge.put("paid", false);
    charge.put("failure_code", decline.0);
    charge.put("failure_message", decline.2);
    charge.put(
        "outcome",
        json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "declined_by_network", "reason": decline.1, "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }),
    );
    let charge_id = charge.text("id").to_owned();
    state.vault(account).insert(Kind::Charge, charge.clone());
    state.update(account, Kind::PaymentIntent, id, |intent| intent.put("latest_charge", charge_id.clone()));
    state.emit(account, "charge.failed", &charge, None);
    let error = decline.to_error().with("charge", json!(charge_id));
    fail(state, account, id, method, error)
}

/// Puts a failed attempt on the intent and gives the error its context.
pub(crate) fn fail(
    state: &mut State,
    account: &str,
    id: &str,
    method: &Value,
    error: StripeError,
) -> StripeError {
    let error = error.with("payment_method", public(method));
    let intent = state.update(account, Kind::PaymentIntent, id, |intent| {
        intent.put("status", "requires_payment_method");
        intent.put("payment_method", Value::Null);
        intent.put("next_action", Value::Null);
        intent.put("processing", Value::Null);
        intent.put("last_payment_error", error.fields());
    });
    state.emit(account, "payment_intent.payment_failed", &intent, None);
    error.with("payment_intent", public(&intent))
}

fn new_method(state: &mut State, account: &str, instrument: &Instrument, billing: &Value) -> Value {
    let method = json!({
        "id": state.ids.object("pm_1"), "object": "payment_method", "allow_redisplay": "limited",
        "billing_details": billing_details(billing), "created": state.now(), "customer": null,
        "customer_account": null, "livemode": state.is_live(account), "metadata": {}, "type": instrument.kind(),
        instrument.kind(): instrument.method_details(),
    });
    state.vault(account).insert(Kind::PaymentMethod, method.clone());
    method
}

/// Billing details with every field, from whatever is known of the buyer.
pub(crate) fn billing_details(known: &Value) -> Value {
    json!({
        "address": {
            "city": null, "country": known.opt_text("country"), "line1": null, "line2": null,
            "postal_code": known.opt_text("postal_code"), "state": null,
        },
        "email": known.opt_text("email"), "name": known.opt_text("name"), "phone": null, "tax_id": null,
    })
}

/// Answers the challenge of an intent that was confirmed through the API.
pub(crate) fn authenticate(state: &mut State, id: &str, challenge: Challenge) -> crate::error::Answer {
    let account = state.owner_of(Kind::PaymentIntent, id)?;
    let intent = state.get(&account, Kind::PaymentIntent, id)?;
    if intent.text("status") != "requires_action" || intent.has("_session") {
        return Err(StripeError::invalid(format!(
            "PaymentIntent {id} is not waiting for authentication here."
        )));
    }
    let instrument = Instrument::named(intent.text("_method"))?;
    attempt(state, &account, id, &instrument, challenge, &Value::Null)?;
    state.get(&account, Kind::PaymentIntent, id)
}
