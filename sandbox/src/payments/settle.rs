//! The moment at which a charge becomes money: Stripe's fee, the platform's fee, the transfer. One function
//! for every charge model, so that the books cannot differ between them.

use serde_json::{Value, json};

use super::{attempts, fees, transfers};
use crate::money;
use crate::object::Fields;
use crate::routes::webhook_endpoints::application_id;
use crate::state::State;
use crate::state::books::{Fee, Posting};
use crate::state::vault::Kind;

/// A charge of an intent, authorised and not yet captured. It is not stored.
pub(crate) fn new_charge(
    state: &mut State,
    account: &str,
    intent: &Value,
    method: &Value,
    details: Value,
    prefix: &str,
) -> Value {
    let id = state.ids.object(prefix);
    let application = state.platform_of(account).map(application_id);
    let receipt = format!("{}/receipts/{id}", state.base_url);
    let destination = intent["transfer_data"].opt_text("destination").map(str::to_owned);
    let group = intent
        .opt_text("transfer_group")
        .map(str::to_owned)
        .or_else(|| destination.is_some().then(|| format!("group_{}", intent.text("id"))));
    json!({
        "id": id, "object": "charge", "amount": intent["amount"], "amount_captured": 0, "amount_refunded": 0,
        "application": application, "application_fee": null,
        "application_fee_amount": intent["application_fee_amount"], "balance_transaction": null,
        "billing_details": method.get("billing_details").cloned().unwrap_or_else(|| attempts::billing_details(&Value::Null)),
        "calculated_statement_descriptor": "STRIPE SANDBOX", "captured": false, "created": state.now(),
        "currency": intent["currency"], "customer": intent["customer"], "description": intent["description"],
        "disputed": false, "failure_balance_transaction": null, "failure_code": null, "failure_message": null, "fraud_details": {}, "livemode": intent["livemode"],
        "metadata": intent["metadata"], "on_behalf_of": intent["on_behalf_of"],
        "outcome": {
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal", "risk_score": 12,
            "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": true, "payment_intent": intent["id"], "payment_method": method["id"],
        "payment_method_details": details, "radar_options": {}, "receipt_email": intent["receipt_email"],
        "receipt_number": null, "receipt_url": receipt, "refunded": false, "review": null,
        "shipping": intent["shipping"], "source": null, "source_transfer": null,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"], "status": "succeeded",
        "transfer_data": transfer_data(intent), "transfer_group": group,
    })
}

/// What a charge says of its transfer: unlike the intent, always both fields.
fn transfer_data(intent: &Value) -> Value {
    let data = &intent["transfer_data"];
    match data.opt_text("destination") {
        Some(destination) => json!({ "amount": data.get("amount"), "destination": destination }),
        None => Value::Null,
    }
}

/// Captures `amount` of a stored charge and divides it. The caller sends the events about the charge and the
/// intent; those about transfers and fees are sent here.
pub(crate) fn capture(state: &mut State, account: &str, intent_id: &str, charge_id: &str, amount: i64) {
    let Ok(intent) = state.get(account, Kind::PaymentIntent, intent_id) else { return };
    let Ok(charge) = state.get(account, Kind::Charge, charge_id) else { return };
    let currency = charge.text("currency").to_owned();
    let at_once = charge.text("_behaviour") == "available_at_once";
    let available_on = if at_once { state.now() } else { state.settles_at() };
    let stripe_fee = money::processing_fee(amount, state.config.fee_bps, state.config.fee_fixed);
    let earned = Earned { account, charge: charge_id, amount, currency: &currency, available_on, stripe_fee };
    let application_fee = intent.int("application_fee_amount");
    let transaction = match state.platform_of(account).map(str::to_owned) {
        Some(platform) => direct(state, &earned, &platform, application_fee, &charge),
        None => post_charge(state, &earned, vec![Fee::stripe(stripe_fee)], &charge),
    };
    let uncaptured = charge.int("amount") - amount;
    state.update(account, Kind::Charge, charge_id, |charge| {
        charge.put("captured", true);
        charge.put("amount_captured", amount);
        charge.put("balance_transaction", transaction);
        charge.put("application_fee_amount", intent["application_fee_amount"].clone());
        charge.put("transfer_data", transfer_data(&intent));
        // What was authorised and not captured went back to the buyer.
        charge.put("amount_refunded", uncaptured);
        charge.put("_uncaptured", uncaptured);
        charge.put("_available_on", available_on);
    });
    if intent.has("transfer_data") {
        destination(state, &earned, &intent);
    }
    state.update(account, Kind::PaymentIntent, intent_id, |intent| {
        intent.put("status", "succeeded");
        intent.put("amount_received", amount);
        intent.put("amount_capturable", 0);
        intent.put("latest_charge", charge_id);
        intent.put("next_action", Value::Null);
        intent.put("processing", Value::Null);
    });
}

/// A captured charge, in numbers.
struct Earned<'a> {
    account: &'a str,
    charge: &'a str,
    amount: i64,
    currency: &'a str,
    available_on: i64,
    stripe_fee: i64,
}

fn post_charge(state: &mut State, earned: &Earned<'_>, fees: Vec<Fee>, charge: &Value) -> String {
    let kind = if earned.charge.starts_with("py_") { "payment" } else { "charge" };
    let posting = Posting {
        kind,
        category: "charge",
        source: earned.charge,
        currency: earned.currency,
        amount: earned.amount,
        fees,
        description: charge["description"].clone(),
        available_on: earned.available_on,
        internal: false,
    };
    state.post(earned.account, posting)
}

/// The charge lives on the connected account; who pays Stripe's fee was fixed when the account was made.
fn direct(
    state: &mut State,
    earned: &Earned<'_>,
    platform: &str,
    application_fee: i64,
    charge: &Value,
) -> String {
    let mut fees = vec![Fee::application(application_fee, application_id(platform))];
    let platform_pays = pays_processing(state, earned.account);
    if !platform_pays {
        fees.push(Fee::stripe(earned.stripe_fee));
    }
    let transaction = post_charge(state, earned, fees, charge);
    if platform_pays {
        let posting = Posting {
            kind: "stripe_fee",
            category: "fee",
            source: earned.charge,
            currency: earned.currency,
            amount: -earned.stripe_fee,
            fees: Vec::new(),
            description: json!("Stripe processing fees for a connected account"),
            available_on: earned.available_on,
            internal: false,
        };
        state.post(platform, posting);
    }
    if application_fee > 0 {
        let fee = fees::NewFee {
            platform,
            connected: earned.account,
            charge: earned.charge,
            originating: None,
            amount: application_fee,
            currency: earned.currency,
            available_on: earned.available_on,
        };
        let id = fees::create(state, &fee);
        state.update(earned.account, Kind::Charge, earned.charge, |charge| charge.put("application_fee", id));
    }
    transaction
}

/// Whether Stripe bills the platform, not the account, for direct charges.
pub(crate) fn pays_processing(state: &State, connected: &str) -> bool {
    state
        .account_object(connected)
        .is_some_and(|account| account["controller"]["fees"].text("payer") == "application")
}

/// The charge lives on the platform, and its money (or a part) moves on to the seller.
fn destination(state: &mut State, earned: &Earned<'_>, intent: &Value) {
    let data = &intent["transfer_data"];
    let amount = data.opt_int("amount").unwrap_or(earned.amount).min(earned.amount);
    let transfer = transfers::NewTransfer {
        platform: earned.account,
        destination: data.text("destination"),
        amount,
        currency: earned.currency,
        source_transaction: Some(earned.charge),
        transfer_group: Some(format!("group_{}", intent.text("id")))
            .filter(|_| !intent.has("transfer_group"))
            .or_else(|| intent.opt_text("transfer_group").map(str::to_owned)),
        description: Value::Null,
        metadata: json!({}),
        application_fee: intent.int("application_fee_amount"),
        available_on: earned.available_on,
    };
    let made = transfers::create(state, &transfer);
    state.update(earned.account, Kind::Charge, earned.charge, |charge| {
        charge.put("transfer", made.transfer);
        charge.put("application_fee", made.application_fee);
    });
}
