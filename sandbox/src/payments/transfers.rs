//! Transfers from the platform to connected accounts, and their reversals. Each moves the same amount out
//! of one account and into the other, in one step.

use serde_json::{Value, json};

use super::fees::{self, NewFee};
use crate::error::{Answer, StripeError};
use crate::money;
use crate::object::{Fields, list_of};
use crate::routes::webhook_endpoints::application_id;
use crate::state::State;
use crate::state::books::{Fee, Posting};
use crate::state::vault::Kind;

/// A transfer about to be made.
pub(crate) struct NewTransfer<'a> {
    pub(crate) platform: &'a str,
    pub(crate) destination: &'a str,
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) source_transaction: Option<&'a str>,
    pub(crate) transfer_group: Option<String>,
    pub(crate) description: Value,
    pub(crate) metadata: Value,
    /// Kept back from the seller, for destination charges.
    pub(crate) application_fee: i64,
    pub(crate) available_on: i64,
}

/// What came of it.
pub(crate) struct Made {
    pub(crate) transfer: String,
    pub(crate) application_fee: Option<String>,
}

/// Moves the money and tells the platform. The seller's side is a payment (`py_`).
pub(crate) fn create(state: &mut State, new: &NewTransfer<'_>) -> Made {
    let (id, payment) = (state.ids.object("tr_3"), state.ids.object("py_1"));
    let out = Posting {
        kind: "transfer",
        category: "transfer",
        source: &id,
        currency: new.currency,
        amount: -new.amount,
        fees: Vec::new(),
        description: new.description.clone(),
        available_on: new.available_on,
        internal: true,
    };
    let out = state.post(new.platform, out);
    let into = Posting {
        kind: "payment",
        category: "charge",
        source: &payment,
        currency: new.currency,
        amount: new.amount,
        fees: vec![Fee::application(new.application_fee, application_id(new.platform))],
        description: new.description.clone(),
        available_on: new.available_on,
        internal: true,
    };
    let into = state.post(new.destination, into);
    let received = received_payment(state, new, &id, &payment, &into);
    state.vault(new.destination).insert(Kind::Charge, received);
    let transfer = json!({
        "id": id, "object": "transfer", "amount": new.amount, "amount_reversed": 0, "balance_transaction": out,
        "created": state.now(), "currency": new.currency, "description": new.description,
        "destination": new.destination, "destination_payment": payment, "livemode": state.is_live(new.platform),
        "metadata": new.metadata, "reversals": list_of(&format!("/v1/transfers/{id}/reversals"), Vec::new()),
        "reversed": false, "source_transaction": new.source_transaction, "source_type": "card",
        "transfer_group": new.transfer_group, "_application_fee": null, "_flagged": 0,
        "_available_on": new.available_on,
    });
    state.vault(new.platform).insert(Kind::Transfer, transfer.clone());
    state.emit(new.platform, "transfer.created", &transfer, None);
    let application_fee = (new.application_fee > 0).then(|| {
        let fee = NewFee {
            platform: new.platform,
            connected: new.destination,
            charge: &payment,
            originating: new.source_transaction,
            amount: new.application_fee,
            currency: new.currency,
            available_on: new.available_on,
        };
        fees::create(state, &fee)
    });
    state.update(new.platform, Kind::Transfer, &id, |transfer| {
        transfer.put("_application_fee", application_fee.clone());
    });
    state.update(new.destination, Kind::Charge, &payment, |charge| {
        charge.put("application_fee", application_fee.clone());
    });
    Made { transfer: id, application_fee }
}

fn received_payment(
    state: &State,
    new: &NewTransfer<'_>,
    transfer: &str,
    payment: &str,
    transaction: &str,
) -> Value {
    json!({
        "id": payment, "object": "charge", "amount": new.amount, "amount_captured": new.amount,
        "amount_refunded": 0, "application": application_id(new.platform), "application_fee": null,
        "application_fee_amount": (new.application_fee > 0).then_some(new.application_fee),
        "balance_transaction": transaction, "billing_details": super::attempts::billing_details(&Value::Null),
        "calculated_statement_descriptor": null, "captured": true, "created": state.now(),
        "currency": new.currency, "customer": null, "description": new.description,
        "disputed": false, "failure_balance_transaction": null, "failure_code": null,
        "failure_message": null, "fraud_details": {}, "livemode": state.is_live(new.platform), "metadata": {},
        "on_behalf_of": null, "outcome": null, "paid": true, "payment_intent": null, "payment_method": null,
        "payment_method_details": { "stripe_account": {}, "type": "stripe_account" }, "receipt_email": null,
        "receipt_number": null, "receipt_url": null, "refunded": false, "review": null, "shipping": null,
        "source": null, "source_transfer": transfer, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "succeeded", "transfer_data": null,
        "transfer_group": new.transfer_group,
    })
}

/// A reversal about to be made.
pub(crate) struct NewReversal<'a> {
    pub(crate) transfer: &'a str,
    pub(crate) amount: i64,
    /// Part of the application fee that goes back to the seller.
    pub(crate) fee_refund: i64,
    pub(crate) source_refund: Option<&'a str>,
    pub(crate) metadata: Value,
}

/// Whether the seller still has what a reversal would take.
pub(crate) fn check_reversal(
    state: &State,
    platform: &str,
    transfer: &Value,
    amount: i64,
    fee_refund: i64,
) -> Result<(), StripeError> {
    let left = transfer.int("amount") - transfer.int("amount_reversed");
    let currency = transfer.text("currency");
    if amount < 1 || amount > left {
        let message = format!(
            "Transfer reversal amount ({}) must be positive and not greater than the unreversed amount of the transfer ({}).",
            money::display(amount, currency),
            money::display(left, currency)
        );
        return Err(StripeError::invalid(message).param("amount"));
    }
    let destination = transfer.text("destination");
    if !state.is_connected(destination, platform) {
        return Err(StripeError::no_such_in("destination", "destination", destination));
    }
    // Funds that are still pending can be taken back too.
    if state.books.balance(destination, currency).total() < amount - fee_refund {
        let message = "Insufficient funds in the connected account's balance to reverse this transfer.";
        return Err(StripeError::invalid(message).code("balance_insufficient"));
    }
    Ok(())
}

/// Takes money back from the seller; `check_reversal` has been asked.
pub(crate) fn reverse(state: &mut State, platform: &str, new: &NewReversal<'_>) -> Answer {
    let transfer = state.get(platform, Kind::Transfer, new.transfer)?;
    let (currency, destination) =
        (transfer.text("currency").to_owned(), transfer.text("destination").to_owned());
    let payment = transfer.text("destination_payment").to_owned();
    let (id, refund) = (state.ids.object("trr_1"), state.ids.object("pyr_1"));
    let available_on = transfer.int("_available_on");
    let back = Posting {
        kind: "transfer_refund",
        category: "transfer_reversal",
        source: new.transfer,
        currency: &currency,
        amount: new.amount,
        fees: Vec::new(),
        description: json!("REFUND FOR TRANSFER"),
        available_on,
        internal: true,
    };
    let back = state.post(platform, back);
    let taken = Posting {
        kind: "payment_refund",
        category: "refund",
        source: &refund,
        currency: &currency,
        amount: -new.amount,
        fees: vec![Fee::application(-new.fee_refund, application_id(platform))],
        description: json!("REFUND FOR PAYMENT"),
        available_on,
        internal: true,
    };
    let taken = state.post(&destination, taken);
    let now = state.now();
    let seller_refund = json!({
        "id": refund, "object": "refund", "amount": new.amount, "balance_transaction": taken, "charge": payment,
        "created": now, "currency": currency, "customer": null, "customer_account": null,
        "metadata": {}, "payment_intent": null, "payment_method": null,
        "reason": null, "receipt_number": null, "source_transfer_reversal": id, "status": "succeeded",
        "transfer_reversal": null,
    });
    state.vault(&destination).insert(Kind::Refund, seller_refund);
    state.update(&destination, Kind::Charge, &payment, |charge| {
        let refunded = charge.int("amount_refunded") + new.amount;
        charge.put("amount_refunded", refunded);
        charge.put("refunded", refunded >= charge.int("amount"));
    });
    let reversal = json!({
        "id": id, "object": "transfer_reversal", "amount": new.amount, "balance_transaction": back,
        "created": now, "currency": currency, "destination_payment_refund": refund, "metadata": new.metadata,
        "source_refund": new.source_refund, "transfer": new.transfer,
    });
    state.vault(platform).insert(Kind::TransferReversal, reversal.clone());
    let transfer = state.update(platform, Kind::Transfer, new.transfer, |transfer| {
        let reversed = transfer.int("amount_reversed") + new.amount;
        transfer.put("amount_reversed", reversed);
        transfer.put("reversed", reversed >= transfer.int("amount"));
        if let Some(reversals) = transfer["reversals"]["data"].as_array_mut() {
            reversals.insert(0, reversal.clone());
        }
    });
    if new.fee_refund > 0 {
        fees::refund(state, platform, transfer.text("_application_fee"), new.fee_refund, json!({}), true);
    }
    state.emit(platform, "transfer.reversed", &transfer, None);
    Ok(reversal)
}

/// The part of `whole` that belongs to `done` of `total`, less what earlier parts already took: rounding
/// never adds up to more, or less, than the whole.
pub(crate) fn proportional(whole: i64, done: i64, total: i64, already: i64) -> i64 {
    (money::share(whole, done, total) - already).max(0)
}
