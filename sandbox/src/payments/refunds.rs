//! Refunds: what may be given back, what goes with it, and how it ends. The buyer's refund, the seller's
//! reversal and the platform's fee refund either all happen or none does.

use serde_json::{Value, json};

use super::fees;
use super::transfers::{self, NewReversal, proportional};
use crate::error::{Answer, StripeError};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::routes::webhook_endpoints::application_id;
use crate::state::State;
use crate::state::agenda::Task;
use crate::state::books::{Fee, Posting};
use crate::state::vault::Kind;

/// How long a pending refund of the test card takes, and a failing one to fail.
const DELAY: i64 = 60;

/// A refund that has been checked.
struct Plan {
    charge: Value,
    amount: i64,
    /// Taken back from the seller's transfer.
    reversal: i64,
    /// Given back of the application fee.
    fee_refund: i64,
}

/// `POST /v1/refunds`.
pub(crate) fn create(state: &mut State, account: &str, params: &Value) -> Answer {
    let charge = find_charge(state, account, params)?;
    let amount = check_amount(&charge, params)?;
    let plan = plan(state, account, charge, amount, params)?;
    let id = state.ids.object(if plan.charge.text("id").starts_with("py_") { "pyr_1" } else { "re_3" });
    let refund = json!({
        "id": id, "object": "refund", "amount": amount, "balance_transaction": null,
        "charge": plan.charge["id"], "created": state.now(), "currency": plan.charge["currency"],
        "customer": null, "customer_account": null,
        "destination_details": { "card": { "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund" }, "type": "card" },
        "metadata": metadata_of(params), "payment_intent": plan.charge["payment_intent"], "payment_method": plan.charge["payment_method"],
        "reason": params.get("reason"), "receipt_number": null, "source_transfer_reversal": null,
        "status": "pending", "transfer_reversal": null, "_fee_refund": plan.fee_refund,
    });
    state.vault(account).insert(Kind::Refund, refund);
    take_back(state, account, &id, &plan)?;
    state.update(account, Kind::Charge, plan.charge.text("id"), |charge| {
        let refunded = charge.int("amount_refunded") + amount;
        charge.put("amount_refunded", refunded);
        charge.put("refunded", refunded >= charge.int("amount"));
    });
    let waits = plan.charge.text("_behaviour") == "refunds_pend" || is_short(state, account, &plan);
    if waits {
        let at = state.now() + DELAY;
        state.schedule(at, Task::SettleRefund { account: account.to_owned(), id: id.clone() });
    } else {
        settle(state, account, &id);
    }
    if plan.charge.text("_behaviour") == "refunds_fail" {
        let at = state.now() + DELAY;
        state.schedule(at, Task::FailRefund { account: account.to_owned(), id: id.clone() });
    }
    state.emit_about(account, "refund.created", Kind::Refund, &id);
    state.emit_about(account, "charge.refunded", Kind::Charge, plan.charge.text("id"));
    state.get(account, Kind::Refund, &id)
}

fn find_charge(state: &State, account: &str, params: &Value) -> Answer {
    if let Some(id) = params.opt_text("charge") {
        return state
            .get(account, Kind::Charge, id)
            .map_err(|_| StripeError::no_such_in("charge", "charge", id));
    }
    let Some(id) = params.opt_text("payment_intent") else {
        let message =
            "One of the following params should be provided for this request: payment_intent or charge.";
        return Err(StripeError::parameter("parameter_missing", "charge", message));
    };
    let intent = state
        .get(account, Kind::PaymentIntent, id)
        .map_err(|_| StripeError::no_such_in("payment_intent", "payment_intent", id))?;
    if intent.text("status") != "succeeded" {
        let message = format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
        return Err(StripeError::invalid(message).param("payment_intent"));
    }
    state.get(account, Kind::Charge, intent.text("latest_charge"))
}

fn check_amount(charge: &Value, params: &Value) -> Result<i64, StripeError> {
    let (id, currency) = (charge.text("id"), charge.text("currency"));
    if charge.text("status") != "succeeded" || !charge.flag("captured") {
        let message = format!("Charge {id} has not been captured and cannot be refunded.");
        return Err(StripeError::invalid(message).code("charge_not_refundable"));
    }
    if charge.flag("disputed") && !charge.flag("_still_refundable") {
        let message = format!("Charge {id} has been charged back; cannot issue a refund.");
        return Err(StripeError::invalid(message).code("charge_disputed"));
    }
    if charge.flag("refunded") {
        let message = format!("Charge {id} has already been refunded.");
        return Err(StripeError::invalid(message).code("charge_already_refunded"));
    }
    let left = charge.int("amount") - charge.int("amount_refunded");
    let amount = params.opt_int("amount").unwrap_or(left);
    if amount < 1 {
        let error = StripeError::invalid("This value must be greater than or equal to 1.");
        return Err(error.code("parameter_invalid_integer").param("amount"));
    }
    if amount > left {
        let asked = money::display(amount, currency);
        let message = if charge.int("amount_refunded") == 0 {
            format!(
                "Refund amount ({asked}) is greater than charge amount ({})",
                money::display(left, currency)
            )
        } else {
            format!(
                "Refund amount ({asked}) is greater than unrefunded amount on charge ({})",
                money::display(left, currency)
            )
        };
        return Err(StripeError::invalid(message).param("amount"));
    }
    Ok(amount)
}

/// Works out what goes with the refund, and refuses the whole if a part can't be done.
fn plan(
    state: &State,
    account: &str,
    charge: Value,
    amount: i64,
    params: &Value,
) -> Result<Plan, StripeError> {
    let id = charge.text("id").to_owned();
    let captured = charge.int("amount_captured");
    let (with_fee, with_reversal) = (params.flag("refund_application_fee"), params.flag("reverse_transfer"));
    let fee = charge.opt_text("application_fee").map(|fee| {
        let platform = state.platform_of(account).unwrap_or(account);
        state.get(platform, Kind::ApplicationFee, fee)
    });
    let fee_refund = match (with_fee, fee) {
        (false, _) => 0,
        (true, None) => {
            let message = format!(
                "Attempting to refund_application_fee on charge ({id}), but it has no application fee"
            );
            return Err(StripeError::invalid(message).param("refund_application_fee"));
        }
        (true, Some(_)) if charge.has("transfer") && !with_reversal => {
            let message = "Refunding the application fee of a destination charge requires reverse_transfer.";
            return Err(StripeError::invalid(message).param("refund_application_fee"));
        }
        (true, Some(fee)) => {
            let fee = fee?;
            let done = charge.int("_refunded_with_fee") + amount;
            let part = proportional(fee.int("amount"), done, captured, charge.int("_fee_returned"));
            part.min(fee.int("amount") - fee.int("amount_refunded"))
        }
    };
    let reversal = match (with_reversal, charge.opt_text("transfer")) {
        (false, _) => 0,
        (true, None) => {
            let message =
                format!("Attempting to reverse_transfer on charge ({id}), but it has no associated transfer");
            return Err(StripeError::invalid(message).param("reverse_transfer"));
        }
        (true, Some(transfer)) => {
            let transfer = state.get(account, Kind::Transfer, transfer)?;
            let done = charge.int("_refunded_with_reversal") + amount;
            let part = proportional(transfer.int("amount"), done, captured, charge.int("_transfer_returned"));
            let part = part.min(transfer.int("amount") - transfer.int("amount_reversed"));
            if part > 0 {
                transfers::check_reversal(state, account, &transfer, part, fee_refund)?;
            }
            part
        }
    };
    let mut charge = charge;
    charge.put("_with_fee", with_fee);
    charge.put("_with_reversal", with_reversal);
    Ok(Plan { charge, amount, reversal, fee_refund })
}

/// Reverses the transfer and the fee, and remembers how much of the charge that has answered for.
fn take_back(state: &mut State, account: &str, refund: &str, plan: &Plan) -> Result<(), StripeError> {
    let transfer = plan.charge.text("transfer");
    if plan.reversal > 0 {
        let new = NewReversal {
            transfer,
            amount: plan.reversal,
            fee_refund: plan.fee_refund,
            source_refund: Some(refund),
            metadata: json!({}),
        };
        let reversal = transfers::reverse(state, account, &new)?;
        state.update(account, Kind::Refund, refund, |object| {
            object.put("transfer_reversal", reversal["id"].clone());
        });
    } else if plan.fee_refund > 0 {
        let platform = state.platform_of(account).unwrap_or(account).to_owned();
        let direct = platform != account;
        // On a direct charge the seller's credit is part of the refund's own transaction.
        fees::refund(
            state,
            &platform,
            plan.charge.text("application_fee"),
            plan.fee_refund,
            json!({}),
            direct,
        );
    }
    state.update(account, Kind::Charge, plan.charge.text("id"), |charge| {
        let mut add = |flag: &str, counter: &str, sum: &str, part: i64| {
            if plan.charge.flag(flag) {
                charge.put(counter, charge.int(counter) + plan.amount);
                charge.put(sum, charge.int(sum) + part);
            }
        };
        add("_with_fee", "_refunded_with_fee", "_fee_returned", plan.fee_refund);
        add("_with_reversal", "_refunded_with_reversal", "_transfer_returned", plan.reversal);
    });
    Ok(())
}

fn is_short(state: &State, account: &str, plan: &Plan) -> bool {
    let credit = if state.platform_of(account).is_some() { plan.fee_refund } else { 0 };
    let balance = state.books.balance(account, plan.charge.text("currency")).total();
    state.settings.short_balance_refunds_wait && balance + credit < plan.amount
}

/// Pays the refund out of the account that owns the charge.
fn settle(state: &mut State, account: &str, id: &str) {
    let Ok(refund) = state.get(account, Kind::Refund, id) else { return };
    let Ok(charge) = state.get(account, Kind::Charge, refund.text("charge")) else { return };
    let platform = state.platform_of(account).map(str::to_owned);
    let returned =
        platform.map(|platform| Fee::application(-refund.int("_fee_refund"), application_id(&platform)));
    let currency = refund.text("currency").to_owned();
    let kind = if id.starts_with("pyr_") { "payment_refund" } else { "refund" };
    let posting = Posting {
        kind,
        category: "refund",
        source: id,
        currency: &currency,
        amount: -refund.int("amount"),
        fees: returned.into_iter().collect(),
        description: json!("REFUND FOR CHARGE"),
        available_on: charge.int("_available_on"),
        internal: false,
    };
    let transaction = state.post(account, posting);
    state.update(account, Kind::Refund, id, |refund| {
        refund.put("status", "succeeded");
        refund.put("balance_transaction", transaction);
    });
}

/// The agenda's turn for a pending refund: settled, or tried again while the balance is short.
pub(crate) fn try_to_settle(state: &mut State, account: &str, id: &str) {
    let Ok(refund) = state.get(account, Kind::Refund, id) else { return };
    if refund.text("status") != "pending" {
        return;
    }
    let balance = state.books.balance(account, refund.text("currency")).total();
    if state.settings.short_balance_refunds_wait && balance < refund.int("amount") {
        let at = state.now() + DELAY;
        state.schedule(at, Task::SettleRefund { account: account.to_owned(), id: id.to_owned() });
        return;
    }
    settle(state, account, id);
    let previous = json!({ "status": "pending", "balance_transaction": null });
    if let Ok(refund) = state.get(account, Kind::Refund, id) {
        state.emit(account, "refund.updated", &refund, Some(previous));
    }
}

/// The bank sent the money back: it returns to the account, and the charge counts as not refunded.
pub(crate) fn fail(state: &mut State, account: &str, id: &str) {
    let Ok(refund) = state.get(account, Kind::Refund, id) else { return };
    if refund.text("status") != "succeeded" && refund.text("status") != "pending" {
        return;
    }
    let currency = refund.text("currency").to_owned();
    let transaction = (refund.text("status") == "succeeded").then(|| {
        let posting = Posting {
            kind: "refund_failure",
            category: "refund_failure",
            source: id,
            currency: &currency,
            amount: refund.int("amount"),
            fees: Vec::new(),
            description: json!("REFUND FAILURE"),
            available_on: 0,
            internal: false,
        };
        state.post(account, posting)
    });
    end(state, account, &refund, "failed", |refund| {
        refund.put("failure_balance_transaction", transaction);
        refund.put("failure_reason", "unknown");
    });
    state.emit_about(account, "refund.failed", Kind::Refund, id);
    state.emit_about(account, "refund.updated", Kind::Refund, id);
}

/// Cancels a refund that is still pending.
pub(crate) fn cancel(state: &mut State, account: &str, id: &str) -> Answer {
    let refund = state.get(account, Kind::Refund, id)?;
    if refund.text("status") != "pending" {
        return Err(StripeError::invalid(format!(
            "Refund {id} is {} and cannot be canceled.",
            refund.text("status")
        )));
    }
    end(state, account, &refund, "canceled", |_| ());
    state.emit_about(account, "refund.updated", Kind::Refund, id);
    state.get(account, Kind::Refund, id)
}

fn end(state: &mut State, account: &str, refund: &Value, status: &str, change: impl FnOnce(&mut Value)) {
    state.update(account, Kind::Refund, refund.text("id"), |refund| {
        refund.put("status", status);
        change(refund);
    });
    state.update(account, Kind::Charge, refund.text("charge"), |charge| {
        charge.put("amount_refunded", charge.int("amount_refunded") - refund.int("amount"));
        charge.put("refunded", false);
    });
}
