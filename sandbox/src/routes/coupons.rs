//! `/v1/coupons`: what a discount is.

use serde_json::{Value, json};

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::{Fields, metadata_of};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/coupons", create),
    Route::new("GET /v1/coupons", list),
    Route::new("GET /v1/coupons/{id}", |call| call.named(Kind::Coupon)),
    Route::new("POST /v1/coupons/{id}", |call| call.revise(Kind::Coupon, &["name"])),
    Route::new("DELETE /v1/coupons/{id}", delete),
];

fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    let (amount, percent) = (params.opt_int("amount_off"), params.opt_text("percent_off"));
    let currency = match (amount, percent) {
        (Some(_), Some(_)) => {
            return Err(StripeError::invalid(
                "You may only specify one of these parameters: amount_off, percent_off.",
            ));
        }
        (None, None) => {
            return Err(StripeError::invalid("You must pass either percent_off or amount_off."));
        }
        (Some(amount), None) if amount < 1 => {
            let error = StripeError::invalid("This value must be greater than or equal to 1.");
            return Err(error.code("parameter_invalid_integer").param("amount_off"));
        }
        (Some(_), None) => {
            let given = params.opt_text("currency").ok_or_else(|| StripeError::missing("currency"))?;
            Value::from(money::currency(given, "currency")?)
        }
        (None, Some(percent)) => {
            money::percent(percent, "percent_off")?;
            Value::Null
        }
    };
    let duration = params.opt_text("duration").unwrap_or("once");
    if (duration == "repeating") != params.has("duration_in_months") {
        return Err(StripeError::invalid(
            "duration_in_months is required when, and only when, duration is repeating.",
        )
        .param("duration_in_months"));
    }
    let id = match params.opt_text("id") {
        Some(id) if call.state.get(&call.account, Kind::Coupon, id).is_ok() => {
            return Err(StripeError::invalid("Coupon already exists.")
                .code("resource_already_exists")
                .param("id"));
        }
        Some(id) => id.to_owned(),
        None => call.state.ids.make("", 8),
    };
    let coupon = json!({
        "id": id, "object": "coupon", "amount_off": amount, "created": call.state.now(), "currency": currency,
        "duration": duration, "duration_in_months": params.get("duration_in_months"), "livemode": call.live(),
        "max_redemptions": params.get("max_redemptions"), "metadata": metadata_of(&params),
        "name": params.get("name"), "percent_off": percent.map_or(Value::Null, money::percent_number),
        "redeem_by": params.get("redeem_by"), "times_redeemed": 0, "valid": true,
        "_percent": percent, "_applies_to": params.get("applies_to"),
    });
    call.vault().insert(Kind::Coupon, coupon.clone());
    Ok(coupon)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Coupon, "/v1/coupons", |_| true)
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.named(Kind::Coupon)?;
    let id = call.arg(0).to_owned();
    call.vault().remove(Kind::Coupon, &id);
    Ok(json!({ "id": id, "object": "coupon", "deleted": true }))
}

/// Whether a coupon can be used now.
pub(crate) fn is_redeemable(coupon: &Value, now: i64) -> bool {
    coupon.flag("valid")
        && coupon.opt_int("redeem_by").is_none_or(|until| now < until)
        && coupon.opt_int("max_redemptions").is_none_or(|most| coupon.int("times_redeemed") < most)
}
