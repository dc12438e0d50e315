//! `/v1/transfers` and their reversals: separate charges and transfers.

use serde_json::Value;

use super::Route;
use crate::accounts::has_capability;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::payments::terms::missing_transfers;
use crate::payments::transfers::{self, NewReversal, NewTransfer, proportional};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/transfers", create),
    Route::new("GET /v1/transfers", list),
    Route::new("GET /v1/transfers/{id}", |call| call.named(Kind::Transfer)),
    Route::new("POST /v1/transfers/{id}", |call| call.revise(Kind::Transfer, &["description"])),
    Route::new("GET /v1/transfers/{id}/reversals", list_reversals),
    Route::new("POST /v1/transfers/{id}/reversals", reverse),
    Route::new("GET /v1/transfers/{transfer_id}/reversals/{id}", retrieve_reversal),
];

fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    let currency = money::currency(params.text("currency"), "currency")?;
    let destination = params.text("destination");
    if call.is_connected() || !call.state.is_connected(destination, &call.platform) {
        return Err(StripeError::no_such_in("destination", "destination", destination));
    }
    let account = call.state.get(&call.platform, Kind::Account, destination)?;
    if !has_capability(&account, "transfers") {
        return Err(missing_transfers("destination"));
    }
    let source = source_charge(call, &params, &currency)?;
    let left = source.as_ref().map(|charge| charge.int("amount_captured") - charge.int("_transferred"));
    let amount = params.opt_int("amount").or(left).ok_or_else(|| StripeError::missing("amount"))?;
    if amount < 1 {
        let error = StripeError::invalid("This value must be greater than or equal to 1.");
        return Err(error.code("parameter_invalid_integer").param("amount"));
    }
    match left {
        Some(left) if amount > left => {
            let message = format!(
                "Transfers using this transaction as a source must not exceed the source amount of {}. (There is already a transfer using this source.)",
                money::display(left, &currency)
            );
            return Err(StripeError::invalid(message).param("amount"));
        }
        None if call.state.books.balance(&call.platform, &currency).available < amount => {
            let message = "You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card.";
            return Err(StripeError::invalid(message).code("balance_insufficient"));
        }
        _ => {}
    }
    let group = params.opt_text("transfer_group").map(str::to_owned);
    let inherited = source.as_ref().and_then(|charge| charge.opt_text("transfer_group")).map(str::to_owned);
    let platform = call.platform.clone();
    let new = NewTransfer {
        platform: &platform,
        destination,
        amount,
        currency: &currency,
        source_transaction: params.opt_text("source_transaction"),
        transfer_group: group.or(inherited),
        description: params.get("description").cloned().unwrap_or_default(),
        metadata: metadata_of(&params),
        application_fee: 0,
        available_on: source.as_ref().map_or(0, |charge| charge.int("_available_on")),
    };
    let made = transfers::create(call.state, &new);
    if let Some(charge) = source {
        call.state.update(&platform, Kind::Charge, charge.text("id"), |charge| {
            charge.put("_transferred", charge.int("_transferred") + amount);
        });
    }
    call.state.get(&platform, Kind::Transfer, &made.transfer)
}

/// The charge whose funds a transfer waits for, if it names one.
fn source_charge(call: &Call<'_>, params: &Value, currency: &str) -> Result<Option<Value>, StripeError> {
    let Some(id) = params.opt_text("source_transaction") else { return Ok(None) };
    let param = "source_transaction";
    let charge = call.state.get(&call.account, Kind::Charge, id);
    let charge = charge.map_err(|_| StripeError::no_such_in(param, "charge", id))?;
    if charge.text("currency") != currency {
        let message = format!(
            "The currency of source_transaction's balance transaction ({}) must be the same as the transfer currency ({currency})",
            charge.text("currency")
        );
        return Err(StripeError::invalid(message).param("currency"));
    }
    if charge.text("status") != "succeeded" || !charge.flag("captured") {
        return Err(StripeError::invalid(format!(
            "The charge {id} cannot be used as a source: it has not succeeded."
        ))
        .param(param));
    }
    Ok(Some(charge))
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Transfer, "/v1/transfers", |transfer| {
        ["destination", "transfer_group"].iter().all(|name| lists::matches(transfer, &call.params, name))
    })
}

fn list_reversals(call: &mut Call<'_>) -> Answer {
    let transfer = call.named(Kind::Transfer)?;
    let rows: Vec<&Value> = transfer["reversals"].list("data").iter().collect();
    lists::cut(&rows, &call.params, "transfer reversal", transfer["reversals"].text("url"))
}

fn retrieve_reversal(call: &mut Call<'_>) -> Answer {
    call.named(Kind::Transfer)?;
    call.state.get(&call.account, Kind::TransferReversal, call.arg(1))
}

fn reverse(call: &mut Call<'_>) -> Answer {
    let transfer = call.named(Kind::Transfer)?;
    let left = transfer.int("amount") - transfer.int("amount_reversed");
    let amount = call.params.opt_int("amount").unwrap_or(left);
    let fee_refund = fee_part(call, &transfer, amount)?;
    let platform = call.platform.clone();
    transfers::check_reversal(call.state, &platform, &transfer, amount, fee_refund)?;
    let new = NewReversal {
        transfer: transfer.text("id"),
        amount,
        fee_refund,
        source_refund: None,
        metadata: metadata_of(&call.params),
    };
    transfers::reverse(call.state, &platform, &new)
}

fn fee_part(call: &Call<'_>, transfer: &Value, amount: i64) -> Result<i64, StripeError> {
    if !call.params.flag("refund_application_fee") {
        return Ok(0);
    }
    let Some(id) = transfer.opt_text("_application_fee") else {
        return Err(StripeError::invalid("This transfer has no application fee to refund.")
            .param("refund_application_fee"));
    };
    let fee = call.state.get(&call.platform, Kind::ApplicationFee, id)?;
    let part = proportional(fee.int("amount"), amount, transfer.int("amount"), 0);
    Ok(part.min(fee.int("amount") - fee.int("amount_refunded")))
}
