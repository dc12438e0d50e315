//! Making a session: every rule that Stripe checks before it shows a buyer anything.

use serde_json::{Value, json};

use super::pricing;
use crate::error::{Answer, StripeError};
use crate::http::Call;
use crate::object::{Fields, metadata_of};
use crate::payments::terms::Deal;
use crate::routes::coupons::is_redeemable;
use crate::routes::promotion_codes;
use crate::state::agenda::Task;
use crate::state::vault::Kind;

const HALF_HOUR: i64 = 1_800;
const DAY: i64 = 86_400;

/// `POST /v1/checkout/sessions`.
pub(crate) fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    check_shape(&params)?;
    let ui_mode = params.opt_text("ui_mode").unwrap_or("hosted_page").to_owned();
    check_addresses(&params, &ui_mode)?;
    let (expires_at, deadline) = expiry(call, &params)?;
    check_customer(call, &params)?;
    let account = call.account.clone();
    let (lines, currency) = pricing::lines(call.state, &account, &params)?;
    let subtotal: i64 = lines.iter().map(|line| line.int("amount_subtotal")).sum();
    let (discounts, coupon) = discounts(call, &params, subtotal, &currency)?;
    let id = call.state.ids.checkout_session(call.live());
    let mut session = blank(call, &params, &id, &ui_mode, &currency);
    session.put("expires_at", expires_at);
    session.put("discounts", discounts);
    pricing::apply(&mut session, lines, coupon.as_ref())?;
    let amount = session.int("amount_total");
    // A session that is free at once has no payment, so nothing of it to divide.
    if amount > 0 {
        check_terms(call, &params["payment_intent_data"], amount, &currency)?;
    }
    if ui_mode == "hosted_page" {
        session.put("url", format!("{}/c/pay/{id}", call.state.base_url));
    } else {
        let secret = call.state.ids.make("", 60);
        session.put("client_secret", format!("{id}_secret_{secret}"));
    }
    call.vault().insert(Kind::Session, session.clone());
    call.state.schedule(deadline, Task::ExpireSession { account, id });
    Ok(session)
}

fn check_shape(params: &Value) -> Result<(), StripeError> {
    match params.opt_text("mode") {
        Some("payment") => {}
        Some(mode) => return Err(StripeError::not_simulated(&format!("checkout sessions with mode={mode}"))),
        None => return Err(StripeError::missing("mode")),
    }
    if params.text("ui_mode") == "form" {
        return Err(StripeError::not_simulated("ui_mode=form"));
    }
    if params["automatic_tax"].text("enabled") == "true" {
        return Err(StripeError::not_simulated("automatic_tax"));
    }
    if params.has("payment_method_collection") {
        let message = "You can only set `payment_method_collection` if there are recurring prices.";
        return Err(StripeError::invalid(message).param("payment_method_collection"));
    }
    if params.text("client_reference_id").chars().count() > 200 {
        return Err(StripeError::invalid("Invalid string: must be at most 200 characters")
            .param("client_reference_id"));
    }
    Ok(())
}

fn check_addresses(params: &Value, ui_mode: &str) -> Result<(), StripeError> {
    let refuse = |param: &str| {
        let message = format!("`{param}` is not allowed with ui_mode: {ui_mode}.");
        Err(StripeError::invalid(message).param(param))
    };
    let (required, forbidden): (Option<&str>, &[&str]) = match ui_mode {
        "hosted_page" => (Some("success_url"), &["return_url", "redirect_on_completion"]),
        "embedded_page" if params.text("redirect_on_completion") == "never" => {
            (None, &["success_url", "cancel_url", "return_url"])
        }
        "embedded_page" => (Some("return_url"), &["success_url", "cancel_url"]),
        _ => (Some("return_url"), &["success_url", "cancel_url", "redirect_on_completion"]),
    };
    if let Some(param) = forbidden.iter().find(|param| params.has(param)) {
        return refuse(param);
    }
    if let Some(param) = required.filter(|param| !params.has(param)) {
        return Err(StripeError::missing(param));
    }
    for param in ["success_url", "cancel_url", "return_url"] {
        if let Some(address) = params.opt_text(param)
            && !url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            return Err(StripeError::invalid("Not a valid URL").code("url_invalid").param(param));
        }
    }
    Ok(())
}

/// `expires_at` as shown, and the sandbox's time at which it takes effect. A caller who does not know that
/// the sandbox's clock was advanced counts from the wall clock, and is understood.
fn expiry(call: &Call<'_>, params: &Value) -> Result<(i64, i64), StripeError> {
    let now = call.state.now();
    let Some(asked) = params.opt_int("expires_at") else { return Ok((now + DAY, now + DAY)) };
    let ahead = now - chrono::Utc::now().timestamp();
    let allowed = HALF_HOUR..=DAY;
    if allowed.contains(&(asked - now)) {
        return Ok((asked, asked));
    }
    if ahead > 0 && allowed.contains(&(asked + ahead - now)) {
        return Ok((asked, asked + ahead));
    }
    let message = if asked - now < HALF_HOUR {
        "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
    } else {
        "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
    };
    Err(StripeError::invalid(message).param("expires_at"))
}

fn check_customer(call: &Call<'_>, params: &Value) -> Result<(), StripeError> {
    let Some(customer) = params.opt_text("customer") else { return Ok(()) };
    if params.has("customer_email") {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(StripeError::invalid(message).code("parameters_exclusive").param("customer_email"));
    }
    let found = call.state.get(&call.account, Kind::Customer, customer);
    found.map(|_| ()).map_err(|_| StripeError::no_such_in("customer", "customer", customer))
}

fn discounts(
    call: &Call<'_>,
    params: &Value,
    subtotal: i64,
    currency: &str,
) -> Result<(Value, Option<Value>), StripeError> {
    let asked = params.list("discounts");
    let Some(discount) = asked.first() else { return Ok((json!([]), None)) };
    if params.has("allow_promotion_codes") {
        let message = "You may only specify one of these parameters: allow_promotion_codes, discounts.";
        return Err(StripeError::invalid(message).code("parameters_exclusive").param("discounts"));
    }
    if asked.len() > 1 {
        return Err(StripeError::invalid("You can apply at most one discount.").param("discounts"));
    }
    let param = "discounts[0][promotion_code]";
    match (discount.opt_text("coupon"), discount.opt_text("promotion_code")) {
        (Some(id), None) => {
            let coupon = call.state.get(&call.account, Kind::Coupon, id);
            let coupon = coupon.map_err(|_| StripeError::no_such_in("discounts[0][coupon]", "coupon", id))?;
            if !is_redeemable(&coupon, call.state.now()) {
                let message = format!("Coupon {id} is expired and cannot be applied.");
                return Err(StripeError::invalid(message)
                    .code("coupon_expired")
                    .param("discounts[0][coupon]"));
            }
            Ok((json!([{ "coupon": id, "promotion_code": null }]), Some(coupon)))
        }
        (None, Some(id)) => {
            let known = call.state.get(&call.account, Kind::PromotionCode, id);
            known.map_err(|_| StripeError::no_such_in(param, "promotion code", id))?;
            let (_, coupon) = promotion_codes::redeem(call.state, &call.account, id, subtotal, currency)
                .map_err(|error| error.param(param))?;
            Ok((json!([{ "coupon": null, "promotion_code": id }]), Some(coupon)))
        }
        _ => Err(StripeError::invalid("You must specify exactly one of coupon and promotion_code.")
            .param("discounts[0]")),
    }
}

fn check_terms(call: &Call<'_>, terms: &Value, amount: i64, currency: &str) -> Result<(), StripeError> {
    let deal = Deal {
        platform: &call.platform,
        account: &call.account,
        amount,
        currency,
        prefix: "payment_intent_data",
    };
    deal.check(call.state, terms)
}

/// A session with everything but its price and its address.
fn blank(call: &Call<'_>, params: &Value, id: &str, ui_mode: &str, currency: &str) -> Value {
    let methods = match params.list("allowed_payment_method_types") {
        [] if currency == "usd" => json!(["card", "us_bank_account"]),
        [] => json!(["card"]),
        given => json!(given),
    };
    let text = |name: &str| params.get(name).cloned().unwrap_or_default();
    let mut session = json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": { "enabled": false },
        "after_expiration": null, "allow_promotion_codes": text("allow_promotion_codes"),
        "allowed_payment_method_types": text("allowed_payment_method_types"), "amount_subtotal": 0,
        "amount_total": 0,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": text("billing_address_collection"), "cancel_url": text("cancel_url"),
        "client_reference_id": text("client_reference_id"), "client_secret": null, "collected_information": null,
        "consent": null, "consent_collection": null, "created": call.state.now(), "currency": currency,
        "currency_conversion": null, "custom_fields": [],
        "custom_text": { "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null },
        "customer": text("customer"), "customer_account": null,
        "customer_creation": params.opt_text("customer_creation").unwrap_or("if_required"),
        "customer_details": null, "customer_email": text("customer_email"), "discounts": [], "expires_at": 0,
        "integration_identifier": text("integration_identifier"), "invoice": null,
        "invoice_creation": {
            "enabled": false,
            "invoice_data": {
                "account_tax_ids": null, "custom_fields": null, "description": null, "footer": null,
                "issuer": null, "metadata": {}, "rendering_options": null,
            },
        },
        "livemode": call.live(), "locale": text("locale"), "managed_payments": { "enabled": false },
        "metadata": metadata_of(params), "mode": "payment", "origin_context": null, "payment_intent": null,
        "payment_link": null, "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": methods, "payment_status": "unpaid", "permissions": null,
        "phone_number_collection": { "enabled": false }, "recovered_from": null,
        "saved_payment_method_options": null, "setup_intent": null,
        "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [], "status": "open",
        "submit_type": text("submit_type"), "subscription": null, "success_url": text("success_url"),
        "ui_mode": ui_mode, "url": null, "wallet_options": null,
        "_terms": params.get("payment_intent_data").cloned().unwrap_or_else(|| json!({})),
        "_platform": call.platform,
    });
    // These two are absent, not null, where they say nothing.
    if ui_mode == "embedded_page" {
        let redirect = params.opt_text("redirect_on_completion").unwrap_or("always");
        session.put("redirect_on_completion", redirect);
    }
    if let Some(address) = params.opt_text("return_url") {
        session.put("return_url", address);
    }
    session
}
