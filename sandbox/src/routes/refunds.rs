//! `/v1/refunds`.

use super::Route;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::payments::refunds;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/refunds", create),
    Route::new("GET /v1/refunds", list),
    Route::new("GET /v1/refunds/{id}", |call| call.named(Kind::Refund)),
    Route::new("POST /v1/refunds/{id}", |call| call.revise(Kind::Refund, &[])),
    Route::new("POST /v1/refunds/{id}/cancel", cancel),
];

fn create(call: &mut Call<'_>) -> Answer {
    let (account, params) = (call.account.clone(), call.params.clone());
    refunds::create(call.state, &account, &params)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Refund, "/v1/refunds", |refund| {
        ["charge", "payment_intent"].iter().all(|name| lists::matches(refund, &call.params, name))
    })
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let (account, id) = (call.account.clone(), call.arg(0).to_owned());
    refunds::cancel(call.state, &account, &id)
}
