//! What happens when a buyer submits a session, by the hosted page or by the control: one function, so that
//! a test without a browser sees what a browser would cause.

use serde_json::{Value, json};

use super::pricing;
use crate::error::{Answer, StripeError};
use crate::object::Fields;
use crate::payments::attempts::{self, Challenge};
use crate::payments::cards::Instrument;
use crate::payments::intents;
use crate::payments::terms::Deal;
use crate::routes::customers::new_customer;
use crate::routes::promotion_codes;
use crate::state::State;
use crate::state::vault::Kind;

/// Who pays, and how.
pub(crate) struct Buyer {
    pub(crate) instrument: Instrument,
    pub(crate) challenge: Challenge,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

/// Submits an open session. Gives back the session: complete, or still open while authentication is awaited.
/// A refusal leaves it open for another try.
pub(crate) fn submit(state: &mut State, account: &str, id: &str, buyer: &Buyer) -> Answer {
    state.run_due();
    let session = open_session(state, account, id)?;
    let (amount, currency) = (session.int("amount_total"), session.text("currency").to_owned());
    if amount == 0 {
        let status = state.settings.free_session_payment_status.clone();
        return Ok(finish(state, account, id, buyer, &status, true));
    }
    let platform = session.text("_platform").to_owned();
    let terms = session["_terms"].clone();
    let deal =
        Deal { platform: &platform, account, amount, currency: &currency, prefix: "payment_intent_data" };
    deal.check(state, &terms)?;
    let intent = intent_of(state, account, &session, &terms);
    let billing =
        json!({ "email": buyer.email, "name": buyer.name, "country": "US", "postal_code": "94103" });
    attempts::attempt(state, account, &intent, &buyer.instrument, buyer.challenge, &billing)?;
    match state.get(account, Kind::PaymentIntent, &intent)?.text("status") {
        "requires_action" => state.get(account, Kind::Session, id),
        "succeeded" => Ok(finish(state, account, id, buyer, "paid", false)),
        _ => Ok(finish(state, account, id, buyer, "unpaid", false)),
    }
}

/// The session, if a buyer can still do something with it.
pub(crate) fn open_session(state: &State, account: &str, id: &str) -> Answer {
    let session = state.get(account, Kind::Session, id)?;
    match session.text("status") {
        "open" => Ok(session),
        "expired" => Err(StripeError::invalid("This Checkout Session has expired.")),
        _ => Err(StripeError::invalid("This Checkout Session is already complete.")),
    }
}

/// The intent of an earlier attempt, or a new one.
fn intent_of(state: &mut State, account: &str, session: &Value, terms: &Value) -> String {
    let amount = session.int("amount_total");
    if let Some(id) = session.opt_text("payment_intent") {
        state.update(account, Kind::PaymentIntent, id, |intent| intent.put("amount", amount));
        return id.to_owned();
    }
    let mut terms = terms.clone();
    terms.put("customer", session["customer"].clone());
    let session_id = session.text("id");
    let intent = intents::create(state, account, &terms, amount, session.text("currency"), Some(session_id));
    state.update(account, Kind::Session, session_id, |session| {
        session.put("payment_intent", intent["id"].clone());
    });
    intent.text("id").to_owned()
}

/// Applies a buyer's promotion code to an open session that allows codes.
pub(crate) fn apply_code(state: &mut State, account: &str, id: &str, code: &str) -> Answer {
    state.run_due();
    let mut session = open_session(state, account, id)?;
    if !session.flag("allow_promotion_codes") {
        return Err(StripeError::invalid("This Checkout Session does not accept promotion codes.")
            .param("promotion_code"));
    }
    let (subtotal, currency) = (session.int("amount_subtotal"), session.text("currency").to_owned());
    let (code, coupon) = promotion_codes::redeem(state, account, code, subtotal, &currency)?;
    let lines = session.list("_line_items").to_vec();
    pricing::apply(&mut session, lines, Some(&coupon))?;
    let total = session.int("amount_total");
    if total > 0 && session["_terms"].int("application_fee_amount") > total {
        return Err(StripeError::invalid(
            "This promotion code makes the total smaller than the application fee.",
        )
        .param("promotion_code"));
    }
    session.put("discounts", json!([{ "coupon": null, "promotion_code": code["id"] }]));
    state.vault(account).insert(Kind::Session, session.clone());
    Ok(session)
}

/// Ends the session well: counts the discount, fills in the buyer, tells the marketplace.
fn finish(
    state: &mut State,
    account: &str,
    id: &str,
    buyer: &Buyer,
    payment_status: &str,
    free: bool,
) -> Value {
    let session = state.get(account, Kind::Session, id).unwrap_or_default();
    let email = buyer.email.clone().or_else(|| session.opt_text("customer_email").map(str::to_owned));
    let email = email.unwrap_or_else(|| "buyer@example.com".to_owned());
    let name = buyer.name.clone().unwrap_or_else(|| "Sandbox Buyer".to_owned());
    // A free order has no guests: Stripe makes a customer of its buyer.
    let wants_customer = free || session.text("customer_creation") == "always";
    let customer = if session.has("customer") || !wants_customer {
        session["customer"].clone()
    } else {
        new_customer(state, account, &json!({ "email": email, "name": name }))["id"].clone()
    };
    for discount in session.list("discounts") {
        count_redemption(state, account, discount);
    }
    let details = json!({
        "address": { "city": null, "country": "US", "line1": null, "line2": null, "postal_code": "94103", "state": null },
        "business_name": null, "email": email, "individual_name": null, "name": name, "phone": null,
        "tax_exempt": "none", "tax_ids": [],
    });
    let session = state.update(account, Kind::Session, id, |session| {
        session.put("status", "complete");
        session.put("payment_status", payment_status);
        session.put("customer", customer);
        session.put("customer_details", details);
        session.put("url", Value::Null);
    });
    state.emit(account, "checkout.session.completed", &session, None);
    session
}

fn count_redemption(state: &mut State, account: &str, discount: &Value) {
    let mut coupon = discount.text("coupon").to_owned();
    if let Some(code) = discount.opt_text("promotion_code") {
        let code = state.update(account, Kind::PromotionCode, code, |code| {
            code.put("times_redeemed", code.int("times_redeemed") + 1);
        });
        code["promotion"].text("coupon").clone_into(&mut coupon);
    }
    state.update(account, Kind::Coupon, &coupon, |coupon| {
        let times = coupon.int("times_redeemed") + 1;
        coupon.put("times_redeemed", times);
        coupon.put("valid", coupon.opt_int("max_redemptions").is_none_or(|most| times < most));
    });
}

/// Where the buyer goes after paying: `success_url` or `return_url`, the session's id filled in.
pub(crate) fn destination(session: &Value) -> Option<String> {
    let address = session.opt_text("success_url").or_else(|| session.opt_text("return_url"))?;
    Some(address.replace("{CHECKOUT_SESSION_ID}", session.text("id")))
}
