//! `/v1/checkout/sessions`.

use super::Route;
use crate::checkout;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::object::Fields;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/checkout/sessions", checkout::create::create),
    Route::new("GET /v1/checkout/sessions", list),
    Route::new("GET /v1/checkout/sessions/{id}", |call| call.named(Kind::Session)),
    Route::new("POST /v1/checkout/sessions/{id}", |call| call.revise(Kind::Session, &[])),
    Route::new("POST /v1/checkout/sessions/{id}/expire", expire),
    Route::new("GET /v1/checkout/sessions/{id}/line_items", line_items),
];

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Session, "/v1/checkout/sessions", |session| {
        let email = call.params["customer_details"].opt_text("email");
        let same_email =
            email.is_none_or(|email| session["customer_details"].text("email").eq_ignore_ascii_case(email));
        let filters = ["customer", "payment_intent", "payment_link", "status", "subscription"];
        same_email && filters.iter().all(|name| lists::matches(session, &call.params, name))
    })
}

fn expire(call: &mut Call<'_>) -> Answer {
    let (account, id) = (call.account.clone(), call.arg(0).to_owned());
    checkout::expire(call.state, &account, &id)
}

fn line_items(call: &mut Call<'_>) -> Answer {
    let session = call.named(Kind::Session)?;
    let rows: Vec<_> = session.list("_line_items").iter().collect();
    let url = format!("/v1/checkout/sessions/{}/line_items", call.arg(0));
    lists::cut(&rows, &call.params, "line item", &url)
}
