//! `/v1/promotion_codes`: what buyers type to get a coupon's discount.

use serde_json::{Value, json};

use super::Route;
use super::coupons::is_redeemable;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::object::{Fields, metadata_of};
use crate::state::State;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/promotion_codes", create),
    Route::new("GET /v1/promotion_codes", list),
    Route::new("GET /v1/promotion_codes/{id}", |call| call.named(Kind::PromotionCode)),
    Route::new("POST /v1/promotion_codes/{id}", |call| call.revise(Kind::PromotionCode, &["active"])),
];

fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    let Some(coupon) = params["promotion"].opt_text("coupon") else {
        return Err(StripeError::missing("promotion[coupon]"));
    };
    call.state
        .get(&call.account, Kind::Coupon, coupon)
        .map_err(|_| StripeError::no_such_in("promotion[coupon]", "coupon", coupon))?;
    let code = match params.opt_text("code") {
        Some(code) => code.to_owned(),
        None => call.state.ids.make("", 8).to_uppercase(),
    };
    if find_active(call.state, &call.account, &code).is_some() {
        let message = "An active promotion code with `code: ".to_owned() + &code + "` already exists.";
        return Err(StripeError::invalid(message).param("code"));
    }
    let restrictions = params.get("restrictions").cloned().unwrap_or_default();
    let object = json!({
        "id": call.state.ids.object("promo_1"), "object": "promotion_code",
        "active": params.get("active").and_then(Value::as_bool).unwrap_or(true), "code": code,
        "created": call.state.now(), "customer": params.get("customer"), "customer_account": null,
        "expires_at": params.get("expires_at"), "livemode": call.live(),
        "max_redemptions": params.get("max_redemptions"), "metadata": metadata_of(&params),
        "promotion": { "type": "coupon", "coupon": coupon },
        "restrictions": {
            "first_time_transaction": restrictions.flag("first_time_transaction"),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
    });
    call.vault().insert(Kind::PromotionCode, object.clone());
    Ok(object)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::PromotionCode, "/v1/promotion_codes", |code| {
        let params = &call.params;
        let same_code =
            params.opt_text("code").is_none_or(|wanted| code.text("code").eq_ignore_ascii_case(wanted));
        let same_coupon =
            params.opt_text("coupon").is_none_or(|wanted| code["promotion"].text("coupon") == wanted);
        same_code
            && same_coupon
            && lists::matches(code, params, "active")
            && lists::matches(code, params, "customer")
    })
}

fn find_active(state: &State, account: &str, code: &str) -> Option<Value> {
    let now = state.now();
    let mut codes = state.peek(account)?.all(Kind::PromotionCode);
    codes.find(|object| object.text("code").eq_ignore_ascii_case(code) && is_usable(object, now)).cloned()
}

fn is_usable(code: &Value, now: i64) -> bool {
    code.flag("active")
        && code.opt_int("expires_at").is_none_or(|until| now < until)
        && code.opt_int("max_redemptions").is_none_or(|most| code.int("times_redeemed") < most)
}

/// What a buyer's code (or a promotion code's id) stands for: the code and its coupon, if both can be used
/// for an amount in a currency.
pub(crate) fn redeem(
    state: &State,
    account: &str,
    code: &str,
    amount: i64,
    currency: &str,
) -> Result<(Value, Value), StripeError> {
    let refused = || StripeError::invalid("This promotion code is invalid.").param("promotion_code");
    let now = state.now();
    let object = state
        .get(account, Kind::PromotionCode, code)
        .ok()
        .filter(|object| is_usable(object, now))
        .or_else(|| find_active(state, account, code))
        .ok_or_else(refused)?;
    let coupon =
        state.get(account, Kind::Coupon, object["promotion"].text("coupon")).map_err(|_| refused())?;
    let restrictions = &object["restrictions"];
    let below = restrictions.opt_int("minimum_amount").is_some_and(|least| {
        amount < least || !restrictions.text("minimum_amount_currency").eq_ignore_ascii_case(currency)
    });
    if below || !is_redeemable(&coupon, now) {
        return Err(refused());
    }
    Ok((object, coupon))
}
