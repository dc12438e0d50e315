//! Payment intents: making, changing, capturing and cancelling them. Charging is in `attempts`.

use serde_json::{Value, json};

use super::settle;
use crate::error::{Answer, StripeError};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::state::State;
use crate::state::vault::Kind;

/// Makes an intent from parameters that have been checked. `session` ties it to a checkout session.
pub(crate) fn create(
    state: &mut State,
    account: &str,
    terms: &Value,
    amount: i64,
    currency: &str,
    session: Option<&str>,
) -> Value {
    let id = state.ids.object("pi_3");
    let secret = state.ids.make("", 25);
    let application = state
        .platform_of(account)
        .map(crate::routes::webhook_endpoints::application_id)
        .filter(|_| terms.has("application_fee_amount"));
    let intent = json!({
        "id": id, "object": "payment_intent", "allowed_payment_method_types": null, "amount": amount,
        "amount_capturable": 0, "amount_details": { "tip": {} }, "amount_received": 0,
        "application": application, "application_fee_amount": terms.get("application_fee_amount"),
        "automatic_payment_methods": if session.is_some() { Value::Null } else { json!({ "allow_redirects": "always", "enabled": true }) },
        "canceled_at": null, "cancellation_reason": null,
        "capture_method": terms.opt_text("capture_method").unwrap_or("automatic_async"),
        "client_secret": format!("{id}_secret_{secret}"), "confirmation_method": terms.opt_text("confirmation_method").unwrap_or("automatic"),
        "created": state.now(), "currency": currency, "customer": terms.get("customer"),
        "customer_account": null, "description": terms.get("description"), "excluded_payment_method_types": null,
        "last_payment_error": null, "latest_charge": null, "livemode": state.is_live(account),
        "managed_payments": null, "metadata": metadata_of(terms), "next_action": null, "on_behalf_of": terms.get("on_behalf_of"),
        "payment_method": null, "payment_method_configuration_details": null,
        "payment_method_options": { "card": {
            "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic",
        } },
        "payment_method_types": ["card", "us_bank_account"], "payment_record": null, "processing": null,
        "receipt_email": terms.get("receipt_email"), "review": null,
        "setup_future_usage": terms.get("setup_future_usage"), "shipping": terms.get("shipping"),
        "source": null, "statement_descriptor": terms.get("statement_descriptor"),
        "statement_descriptor_suffix": terms.get("statement_descriptor_suffix"),
        "status": "requires_payment_method", "transfer_data": terms.get("transfer_data"),
        "transfer_group": terms.get("transfer_group"), "_session": session,
    });
    state.vault(account).insert(Kind::PaymentIntent, intent.clone());
    state.emit(account, "payment_intent.created", &intent, None);
    intent
}

/// The refusal of an operation that the intent's status does not allow.
pub(crate) fn unexpected_state(intent: &Value, verb: &str, allowed: &str) -> StripeError {
    let status = intent.text("status");
    let message = format!(
        "You cannot {verb} this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of the following statuses may be {allowed}."
    );
    StripeError::invalid(message)
        .code("payment_intent_unexpected_state")
        .with("payment_intent", crate::object::public(intent))
}

/// Captures an authorised intent, all of it or less; what is not captured is given back.
pub(crate) fn capture(state: &mut State, account: &str, id: &str, params: &Value) -> Answer {
    let intent = state.get(account, Kind::PaymentIntent, id)?;
    if intent.text("status") != "requires_capture" {
        return Err(unexpected_state(&intent, "capture", "captured: requires_capture"));
    }
    let capturable = intent.int("amount_capturable");
    let amount = params.opt_int("amount_to_capture").unwrap_or(capturable);
    if amount < 1 || amount > capturable {
        let message = format!(
            "The amount_to_capture ({}) must be positive and not more than the amount you can capture ({}).",
            money::display(amount, intent.text("currency")),
            money::display(capturable, intent.text("currency"))
        );
        return Err(StripeError::invalid(message).param("amount_to_capture"));
    }
    let fee = params.opt_int("application_fee_amount").or(intent.opt_int("application_fee_amount"));
    if fee.is_some_and(|fee| fee > amount) {
        let message = "The application fee cannot be greater than the captured amount.";
        return Err(StripeError::invalid(message).param("application_fee_amount"));
    }
    state.update(account, Kind::PaymentIntent, id, |intent| {
        if params.has("application_fee_amount") {
            intent.put("application_fee_amount", fee);
        }
        if let Some(transfer) = params["transfer_data"].opt_int("amount") {
            intent["transfer_data"].put("amount", transfer);
        }
        crate::object::merge_metadata(intent, params);
    });
    let charge = intent.text("latest_charge").to_owned();
    settle::capture(state, account, id, &charge, amount);
    state.emit_about(account, "charge.captured", Kind::Charge, &charge);
    state.emit_about(account, "payment_intent.succeeded", Kind::PaymentIntent, id);
    crate::checkout::note_captured(state, account, intent.text("_session"));
    state.get(account, Kind::PaymentIntent, id)
}

/// Cancels an intent that has not been paid; an authorisation is released. A session's open intent belongs
/// to the session.
pub(crate) fn cancel(state: &mut State, account: &str, id: &str, reason: Option<&str>) -> Answer {
    let intent = state.get(account, Kind::PaymentIntent, id)?;
    let status = intent.text("status");
    if matches!(status, "succeeded" | "canceled" | "processing") {
        let allowed = "canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing";
        return Err(unexpected_state(&intent, "cancel", allowed));
    }
    if let Some(session) = intent.opt_text("_session")
        && state.get(account, Kind::Session, session).is_ok_and(|session| session.text("status") == "open")
    {
        let message = format!(
            "You cannot cancel this PaymentIntent because it was created by the Checkout Session {session}. Expire the Checkout Session instead."
        );
        return Err(StripeError::invalid(message).code("payment_intent_unexpected_state"));
    }
    Ok(void(state, account, id, reason))
}

/// Ends an intent without asking whether it may be ended.
pub(crate) fn void(state: &mut State, account: &str, id: &str, reason: Option<&str>) -> Value {
    let now = state.now();
    let before = state.get(account, Kind::PaymentIntent, id).unwrap_or_default();
    if before.text("status") == "requires_capture" {
        let charge = before.text("latest_charge").to_owned();
        let amount = before.int("amount_capturable");
        let charge = state.update(account, Kind::Charge, &charge, |charge| {
            charge.put("refunded", true);
            charge.put("amount_refunded", amount);
        });
        state.emit(account, "charge.refunded", &charge, None);
    }
    let intent = state.update(account, Kind::PaymentIntent, id, |intent| {
        intent.put("status", "canceled");
        intent.put("canceled_at", now);
        intent.put("cancellation_reason", reason);
        intent.put("amount_capturable", 0);
        intent.put("next_action", Value::Null);
    });
    state.emit(account, "payment_intent.canceled", &intent, None);
    intent
}
