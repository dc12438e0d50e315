//! `/v1/application_fees` and their refunds: what the platform earned, and gave back.

use serde_json::Value;

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::payments::fees;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET /v1/application_fees", list),
    Route::new("GET /v1/application_fees/{id}", |call| call.named(Kind::ApplicationFee)),
    Route::new("GET /v1/application_fees/{id}/refunds", list_refunds),
    Route::new("POST /v1/application_fees/{id}/refunds", refund),
    Route::new("GET /v1/application_fees/{fee_id}/refunds/{id}", retrieve_refund),
];

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::ApplicationFee, "/v1/application_fees", |fee| {
        let wanted = call.params.opt_text("charge");
        wanted.is_none_or(|id| fee.text("charge") == id || fee.text("originating_transaction") == id)
    })
}

fn list_refunds(call: &mut Call<'_>) -> Answer {
    let fee = call.named(Kind::ApplicationFee)?;
    let rows: Vec<&Value> = fee["refunds"].list("data").iter().collect();
    lists::cut(&rows, &call.params, "fee refund", fee["refunds"].text("url"))
}

fn retrieve_refund(call: &mut Call<'_>) -> Answer {
    call.named(Kind::ApplicationFee)?;
    call.state.get(&call.account, Kind::FeeRefund, call.arg(1))
}

fn refund(call: &mut Call<'_>) -> Answer {
    let fee = call.named(Kind::ApplicationFee)?;
    let left = fee.int("amount") - fee.int("amount_refunded");
    let amount = call.params.opt_int("amount").unwrap_or(left);
    if amount < 1 || amount > left {
        let currency = fee.text("currency");
        let message = format!(
            "Refund amount ({}) must be positive and not greater than the unrefunded amount on the fee ({}).",
            money::display(amount, currency),
            money::display(left, currency)
        );
        return Err(StripeError::invalid(message).param("amount"));
    }
    let (account, id, metadata) = (call.account.clone(), call.arg(0).to_owned(), metadata_of(&call.params));
    Ok(fees::refund(call.state, &account, &id, amount, metadata, false))
}
