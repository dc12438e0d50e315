//! `/v1/charges`: read and annotated; payment intents make them.

use super::Route;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET /v1/charges", list),
    Route::new("GET /v1/charges/{id}", |call| call.named(Kind::Charge)),
    Route::new("POST /v1/charges/{id}", |call| {
        call.revise(Kind::Charge, &["description", "receipt_email", "transfer_group", "fraud_details"])
    }),
];

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Charge, "/v1/charges", |charge| {
        ["customer", "payment_intent", "transfer_group"]
            .iter()
            .all(|name| lists::matches(charge, &call.params, name))
    })
}
