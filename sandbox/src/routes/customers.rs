//! `/v1/customers` and their payment methods: kept and shown, no more.

use serde_json::{Value, json};

use super::Route;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::object::metadata_of;
use crate::state::State;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/customers", create),
    Route::new("GET /v1/customers", list),
    Route::new("GET /v1/customers/{id}", |call| call.named(Kind::Customer)),
    Route::new("POST /v1/customers/{id}", update),
    Route::new("DELETE /v1/customers/{id}", delete),
    Route::new("GET /v1/payment_methods", methods),
    Route::new("GET /v1/payment_methods/{id}", |call| call.named(Kind::PaymentMethod)),
];

#[expect(clippy::unnecessary_wraps, reason = "every endpoint has this shape")]
fn create(call: &mut Call<'_>) -> Answer {
    let (params, account) = (call.params.clone(), call.account.clone());
    let customer = new_customer(call.state, &account, &params);
    call.state.emit(&account, "customer.created", &customer, None);
    Ok(customer)
}

/// Makes a customer; the caller decides whether anybody hears of it.
pub(crate) fn new_customer(state: &mut State, account: &str, params: &Value) -> Value {
    let customer = json!({
        "id": state.ids.make("cus_", 14), "object": "customer", "address": params.get("address"), "balance": 0,
        "created": state.now(), "currency": null, "customer_account": null, "default_source": null,
        "delinquent": false, "description": params.get("description"), "email": params.get("email"),
        "invoice_prefix": state.ids.make("", 8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null,
        },
        "livemode": state.is_live(account), "metadata": metadata_of(params), "name": params.get("name"),
        "next_invoice_sequence": 1, "phone": params.get("phone"), "preferred_locales": [],
        "shipping": params.get("shipping"), "tax_exempt": "none", "test_clock": null,
    });
    state.vault(account).insert(Kind::Customer, customer.clone());
    customer
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Customer, "/v1/customers", |customer| {
        lists::matches(customer, &call.params, "email")
    })
}

fn update(call: &mut Call<'_>) -> Answer {
    call.revise(Kind::Customer, &["address", "description", "email", "name", "phone", "shipping"])
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.named(Kind::Customer)?;
    let id = call.arg(0).to_owned();
    call.vault().remove(Kind::Customer, &id);
    Ok(json!({ "id": id, "object": "customer", "deleted": true }))
}

fn methods(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::PaymentMethod, "/v1/payment_methods", |method| {
        lists::matches(method, &call.params, "customer") && lists::matches(method, &call.params, "type")
    })
}
