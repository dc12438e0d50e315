//! `/v1/products`: names for what prices sell.

use serde_json::{Value, json};

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::object::{Fields, metadata_of};
use crate::state::State;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/products", create),
    Route::new("GET /v1/products", list),
    Route::new("GET /v1/products/{id}", |call| call.named(Kind::Product)),
    Route::new("POST /v1/products/{id}", update),
    Route::new("DELETE /v1/products/{id}", delete),
];

fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    if let Some(id) = params.opt_text("id")
        && call.state.get(&call.account, Kind::Product, id).is_ok()
    {
        return Err(StripeError::invalid("Product already exists.")
            .code("resource_already_exists")
            .param("id"));
    }
    let account = call.account.clone();
    Ok(new_product(call.state, &account, &params))
}

/// Makes a product from `product_data` or from the parameters of `/v1/products`.
pub(super) fn new_product(state: &mut State, account: &str, params: &Value) -> Value {
    let id = match params.opt_text("id") {
        Some(id) => id.to_owned(),
        None => state.ids.make("prod_", 14),
    };
    let now = state.now();
    let list = |name: &str| params.get(name).cloned().filter(Value::is_array).unwrap_or_else(|| json!([]));
    let product = json!({
        "id": id, "object": "product",
        "active": params.get("active").and_then(Value::as_bool).unwrap_or(true), "created": now,
        "default_price": null, "description": params.get("description"), "images": list("images"),
        "livemode": state.is_live(account), "marketing_features": list("marketing_features"),
        "metadata": metadata_of(params), "name": params.text("name"), "package_dimensions": null,
        "shippable": params.get("shippable"), "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"), "tax_details": null, "type": "service",
        "unit_label": params.get("unit_label"), "updated": now, "url": params.get("url"),
    });
    state.vault(account).insert(Kind::Product, product.clone());
    product
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Product, "/v1/products", |product| {
        let ids = call.params.list("ids");
        (ids.is_empty() || ids.contains(&product["id"])) && lists::matches(product, &call.params, "active")
    })
}

fn update(call: &mut Call<'_>) -> Answer {
    let fields = [
        "active",
        "name",
        "description",
        "images",
        "marketing_features",
        "shippable",
        "unit_label",
        "url",
        "default_price",
    ];
    call.revise(Kind::Product, &fields)?;
    let (now, id, account) = (call.state.now(), call.arg(0).to_owned(), call.account.clone());
    Ok(call.state.update(&account, Kind::Product, &id, |product| product.put("updated", now)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.named(Kind::Product)?;
    let id = call.arg(0).to_owned();
    call.vault().remove(Kind::Product, &id);
    Ok(json!({ "id": id, "object": "product", "deleted": true }))
}
