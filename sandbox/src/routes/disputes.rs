//! `/v1/disputes`.

use super::Route;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::payments::disputes;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET /v1/disputes", list),
    Route::new("GET /v1/disputes/{id}", |call| call.named(Kind::Dispute)),
    Route::new("POST /v1/disputes/{id}", update),
    Route::new("POST /v1/disputes/{id}/close", close),
];

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Dispute, "/v1/disputes", |dispute| {
        ["charge", "payment_intent"].iter().all(|name| lists::matches(dispute, &call.params, name))
    })
}

fn update(call: &mut Call<'_>) -> Answer {
    let (account, id, params) = (call.account.clone(), call.arg(0).to_owned(), call.params.clone());
    disputes::submit(call.state, &account, &id, &params)
}

/// Closing accepts the dispute: it is lost.
fn close(call: &mut Call<'_>) -> Answer {
    call.named(Kind::Dispute)?;
    let (account, id) = (call.account.clone(), call.arg(0).to_owned());
    Ok(disputes::resolve(call.state, &account, &id, false))
}
