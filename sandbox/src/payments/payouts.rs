//! Payouts to the bank, made by hand or as Stripe's daily run makes them.

use serde_json::{Value, json};

use crate::error::{Answer, StripeError};
use crate::object::{Fields, metadata_of};
use crate::state::State;
use crate::state::agenda::Task;
use crate::state::books::Posting;
use crate::state::vault::Kind;

/// From creation to the bank.
const TRANSIT: i64 = 2 * 86_400;

/// `POST /v1/payouts`: takes from what is available.
pub(crate) fn create(state: &mut State, account: &str, params: &Value, currency: &str) -> Answer {
    let amount = params.int("amount");
    if amount < 1 {
        let error = StripeError::invalid("This value must be greater than or equal to 1.");
        return Err(error.code("parameter_invalid_integer").param("amount"));
    }
    if let Some(object) = state.account_object(account)
        && !object.flag("payouts_enabled")
    {
        let message = "Cannot create payouts: this account has payouts disabled.";
        return Err(StripeError::invalid(message).code("payouts_not_allowed"));
    }
    if state.books.balance(account, currency).available < amount {
        let message = "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use the the /v1/balance endpoint to view your Stripe balance.";
        return Err(StripeError::invalid(message).code("balance_insufficient"));
    }
    if matches!(currency, "huf" | "twd") && amount % 100 != 0 {
        return Err(
            StripeError::invalid("Payouts in this currency must be a multiple of 100.").param("amount")
        );
    }
    Ok(make(state, account, amount, currency, params, false))
}

/// The daily run: everything that is available and not yet part of a payout, so that the payout is the sum
/// of its balance transactions. Null when there is nothing to pay out.
pub(crate) fn run_automatic(state: &mut State, account: &str, currency: &str) -> Value {
    state.run_due();
    let covered: Vec<(String, i64)> = state
        .peek(account)
        .into_iter()
        .flat_map(|vault| vault.all(Kind::BalanceTransaction))
        .filter(|txn| txn.text("currency") == currency && txn.text("status") == "available")
        .filter(|txn| !txn.has("_payout") && !txn.text("type").starts_with("payout"))
        .map(|txn| (txn.text("id").to_owned(), txn.int("net")))
        .collect();
    let amount: i64 = covered.iter().map(|(_, net)| net).sum();
    if amount < 1 || amount > state.books.balance(account, currency).available {
        return Value::Null;
    }
    let payout = make(state, account, amount, currency, &json!({}), true);
    for (id, _) in covered {
        let payout = payout["id"].clone();
        state.update(account, Kind::BalanceTransaction, &id, |txn| txn.put("_payout", payout));
    }
    payout
}

fn make(
    state: &mut State,
    account: &str,
    amount: i64,
    currency: &str,
    params: &Value,
    automatic: bool,
) -> Value {
    let id = state.ids.object("po_1");
    let posting = Posting {
        kind: "payout",
        category: "payout",
        source: &id,
        currency,
        amount: -amount,
        fees: Vec::new(),
        description: json!("STRIPE PAYOUT"),
        available_on: 0,
        internal: false,
    };
    let transaction = state.post(account, posting);
    state.update(account, Kind::BalanceTransaction, &transaction, |txn| txn.put("_payout", id.clone()));
    let arrival = state.now() + TRANSIT;
    let bank =
        state.account_object(account).map(|object| object["external_accounts"]["data"][0]["id"].clone());
    let payout = json!({
        "id": id, "object": "payout", "amount": amount, "application_fee": null, "application_fee_amount": null,
        "arrival_date": arrival, "automatic": automatic, "balance_transaction": transaction,
        "created": state.now(), "currency": currency,
        "description": params.opt_text("description").or(automatic.then_some("STRIPE PAYOUT")),
        "destination": bank, "failure_balance_transaction": null, "failure_code": null, "failure_message": null,
        "livemode": state.is_live(account), "metadata": metadata_of(params),
        "method": params.opt_text("method").unwrap_or("standard"), "original_payout": null,
        "payout_method": null,
        "reconciliation_status": if automatic { "in_progress" } else { "not_applicable" },
        "reversed_by": null, "source_type": "card", "statement_descriptor": params.get("statement_descriptor"),
        "status": "in_transit", "trace_id": null, "type": "bank_account",
    });
    state.vault(account).insert(Kind::Payout, payout.clone());
    state.schedule(arrival, Task::PayPayout { account: account.to_owned(), id: id.clone() });
    state.emit(account, "payout.created", &payout, None);
    payout
}

/// The bank has the money.
pub(crate) fn arrive(state: &mut State, account: &str, id: &str) {
    let Ok(payout) = state.get(account, Kind::Payout, id) else { return };
    if payout.text("status") != "in_transit" {
        return;
    }
    let automatic = payout.flag("automatic");
    let payout = state.update(account, Kind::Payout, id, |payout| {
        payout.put("status", "paid");
        if automatic {
            payout.put("reconciliation_status", "completed");
        }
    });
    state.emit(account, "payout.paid", &payout, None);
    if automatic {
        state.emit(account, "payout.reconciliation_completed", &payout, None);
    }
}

/// The bank refused, or the payout was called back: the money returns.
pub(crate) fn give_back(state: &mut State, account: &str, id: &str, status: &str) -> Answer {
    let payout = state.get(account, Kind::Payout, id)?;
    if !matches!(payout.text("status"), "in_transit" | "pending") {
        return Err(StripeError::invalid(format!(
            "Payout {id} is {} and can no longer be stopped.",
            payout.text("status")
        )));
    }
    let currency = payout.text("currency").to_owned();
    let failed = status == "failed";
    let posting = Posting {
        kind: if failed { "payout_failure" } else { "payout_cancel" },
        category: "payout_reversal",
        source: id,
        currency: &currency,
        amount: payout.int("amount"),
        fees: Vec::new(),
        description: json!("STRIPE PAYOUT returned"),
        available_on: 0,
        internal: false,
    };
    let transaction = state.post(account, posting);
    let payout = state.update(account, Kind::Payout, id, |payout| {
        payout.put("status", status);
        payout.put("failure_balance_transaction", transaction);
        if failed {
            payout.put("failure_code", "account_closed");
            payout.put("failure_message", "The bank account has been closed.");
        }
    });
    state.emit(account, if failed { "payout.failed" } else { "payout.canceled" }, &payout, None);
    Ok(payout)
}
