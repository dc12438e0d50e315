//! `/v1/payouts`.

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::Fields;
use crate::payments::payouts;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/payouts", create),
    Route::new("GET /v1/payouts", list),
    Route::new("GET /v1/payouts/{id}", |call| call.named(Kind::Payout)),
    Route::new("POST /v1/payouts/{id}", |call| call.revise(Kind::Payout, &[])),
    Route::new("POST /v1/payouts/{id}/cancel", cancel),
    Route::new("POST /v1/payouts/{id}/reverse", |_| Err(StripeError::not_simulated("reversing payouts"))),
];

fn create(call: &mut Call<'_>) -> Answer {
    let (account, params) = (call.account.clone(), call.params.clone());
    let currency = money::currency(params.text("currency"), "currency")?;
    payouts::create(call.state, &account, &params, &currency)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Payout, "/v1/payouts", |payout| {
        let arrival = call.params.get("arrival_date").cloned().unwrap_or_default();
        let arrives = lists::in_range(payout.int("arrival_date"), &arrival);
        arrives && ["destination", "status"].iter().all(|name| lists::matches(payout, &call.params, name))
    })
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let payout = call.named(Kind::Payout)?;
    if payout.flag("automatic") {
        return Err(StripeError::invalid("Automatic payouts cannot be canceled."));
    }
    let (account, id) = (call.account.clone(), call.arg(0).to_owned());
    payouts::give_back(call.state, &account, &id, "canceled")
}
