//! `/v1/prices`: one-time prices, kept or made in passing by a checkout session.

use serde_json::{Value, json};

use super::Route;
use super::products::new_product;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::state::State;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/prices", create),
    Route::new("GET /v1/prices", list),
    Route::new("GET /v1/prices/{id}", |call| call.named(Kind::Price)),
    Route::new("POST /v1/prices/{id}", |call| {
        call.revise(Kind::Price, &["active", "nickname", "lookup_key"])
    }),
];

fn create(call: &mut Call<'_>) -> Answer {
    let (params, account) = (call.params.clone(), call.account.clone());
    new_price(call.state, &account, &params, "")
}

/// Makes a price from `price_data` or from the parameters of `/v1/prices`; `at` is where the parameters
/// stand in the request, for errors.
pub(crate) fn new_price(state: &mut State, account: &str, params: &Value, at: &str) -> Answer {
    let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") };
    let currency = money::currency(params.text("currency"), &path("currency"))?;
    let amount = match (params.opt_int("unit_amount"), params.opt_text("unit_amount_decimal")) {
        (Some(amount), None) => amount,
        (None, Some(decimal)) => decimal
            .parse()
            .map_err(|_| StripeError::not_simulated("fractions of a minor unit in unit_amount_decimal"))?,
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: unit_amount, unit_amount_decimal.",
            ));
        }
        (None, None) => return Err(StripeError::missing(&path("unit_amount"))),
    };
    if amount < 0 {
        let error = StripeError::invalid("This value must be greater than or equal to 0.");
        return Err(error.code("parameter_invalid_integer").param(&path("unit_amount")));
    }
    money::check_largest(amount, &currency, &path("unit_amount"))?;
    let product = match (params.opt_text("product"), params.get("product_data")) {
        (Some(id), None) => state
            .get(account, Kind::Product, id)
            .map_err(|_| StripeError::no_such_in(&path("product"), "product", id))?,
        (None, Some(data)) => new_product(state, account, data),
        _ => {
            let message = "You must specify either product or product_data, and not both.";
            return Err(StripeError::invalid(message).param(&path("product")));
        }
    };
    let price = json!({
        "id": state.ids.object("price_1"), "object": "price",
        "active": params.get("active").and_then(Value::as_bool).unwrap_or(at.is_empty()),
        "billing_scheme": "per_unit", "created": state.now(), "currency": currency,
        "custom_unit_amount": null, "livemode": state.is_live(account), "lookup_key": params.get("lookup_key"),
        "metadata": metadata_of(params), "nickname": params.get("nickname"), "product": product["id"],
        "recurring": null, "tax_behavior": params.opt_text("tax_behavior").unwrap_or("unspecified"),
        "tiers_mode": null, "transform_quantity": null, "type": "one_time", "unit_amount": amount,
        "unit_amount_decimal": amount.to_string(),
    });
    state.vault(account).insert(Kind::Price, price.clone());
    Ok(price)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Price, "/v1/prices", |price| {
        let keys = call.params.list("lookup_keys");
        let listed = keys.is_empty() || keys.contains(&price["lookup_key"]);
        let filters = ["active", "currency", "product", "type"];
        listed && filters.iter().all(|name| lists::matches(price, &call.params, name))
    })
}
