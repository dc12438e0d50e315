//! `/v1/payment_intents`, for those who don't use checkout sessions.

use serde_json::Value;

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::money;
use crate::object::Fields;
use crate::payments::attempts::{self, Challenge};
use crate::payments::cards::Instrument;
use crate::payments::intents;
use crate::payments::terms::Deal;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/payment_intents", create),
    Route::new("GET /v1/payment_intents", list),
    Route::new("GET /v1/payment_intents/{id}", |call| call.named(Kind::PaymentIntent)),
    Route::new("POST /v1/payment_intents/{id}", update),
    Route::new("POST /v1/payment_intents/{id}/confirm", |call| {
        let id = call.arg(0).to_owned();
        confirm(call, &id)
    }),
    Route::new("POST /v1/payment_intents/{id}/capture", capture),
    Route::new("POST /v1/payment_intents/{id}/cancel", cancel),
];

fn check(call: &Call<'_>, terms: &Value, amount: i64, currency: &str) -> Result<(), StripeError> {
    money::check_charge(amount, currency, "amount")?;
    let deal = Deal { platform: &call.platform, account: &call.account, amount, currency, prefix: "" };
    deal.check(call.state, terms)
}

fn create(call: &mut Call<'_>) -> Answer {
    let params = call.params.clone();
    let currency = money::currency(params.text("currency"), "currency")?;
    let amount = params.int("amount");
    check(call, &params, amount, &currency)?;
    if params.flag("confirm") && !params.has("payment_method") {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(StripeError::invalid(message).code("payment_intent_unexpected_state"));
    }
    let account = call.account.clone();
    let intent = intents::create(call.state, &account, &params, amount, &currency, None);
    let id = intent.text("id").to_owned();
    if let Some(method) = params.opt_text("payment_method") {
        attach(call, &id, method)?;
    }
    if params.flag("confirm") {
        return confirm(call, &id);
    }
    call.state.get(&account, Kind::PaymentIntent, &id)
}

fn attach(call: &mut Call<'_>, id: &str, method: &str) -> Result<(), StripeError> {
    Instrument::named(method)?;
    let account = call.account.clone();
    call.state.update(&account, Kind::PaymentIntent, id, |intent| {
        intent.put("_method", method);
        intent.put("status", "requires_confirmation");
    });
    Ok(())
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::PaymentIntent, "/v1/payment_intents", |intent| {
        lists::matches(intent, &call.params, "customer")
    })
}

fn update(call: &mut Call<'_>) -> Answer {
    let intent = call.named(Kind::PaymentIntent)?;
    let params = call.params.clone();
    let open = matches!(
        intent.text("status"),
        "requires_payment_method" | "requires_confirmation" | "requires_action"
    );
    let divides =
        ["amount", "currency", "application_fee_amount", "transfer_data"].iter().any(|name| params.has(name));
    if divides && !open {
        return Err(intents::unexpected_state(
            &intent,
            "update",
            "updated: requires_payment_method, requires_confirmation, requires_action",
        ));
    }
    if divides {
        let mut terms = intent.clone();
        for name in ["application_fee_amount"] {
            if let Some(value) = params.get(name) {
                terms.put(name, value.clone());
            }
        }
        let amount = params.opt_int("amount").unwrap_or(intent.int("amount"));
        check(call, &terms, amount, intent.text("currency"))?;
    }
    let fields = [
        "amount",
        "application_fee_amount",
        "customer",
        "description",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ];
    let updated = call.revise(Kind::PaymentIntent, &fields)?;
    let id = call.arg(0).to_owned();
    match params.opt_text("payment_method") {
        Some(method) if open => {
            attach(call, &id, method)?;
            call.named(Kind::PaymentIntent)
        }
        _ => Ok(updated),
    }
}

fn confirm(call: &mut Call<'_>, id: &str) -> Answer {
    let account = call.account.clone();
    let intent = call.state.get(&account, Kind::PaymentIntent, id)?;
    if !matches!(
        intent.text("status"),
        "requires_payment_method" | "requires_confirmation" | "requires_action"
    ) {
        return Err(intents::unexpected_state(
            &intent,
            "confirm",
            "confirmed: requires_payment_method, requires_confirmation, requires_action",
        ));
    }
    let Some(method) = call.given("payment_method").or_else(|| intent.opt_text("_method")).map(str::to_owned)
    else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(StripeError::invalid(message).code("payment_intent_unexpected_state"));
    };
    let instrument = Instrument::named(&method)?;
    let return_url = call.params.get("return_url").cloned().unwrap_or_default();
    call.state.update(&account, Kind::PaymentIntent, id, |intent| {
        intent.put("_method", method);
        intent.put("_return_url", return_url);
    });
    check(call, &intent, intent.int("amount"), intent.text("currency"))?;
    attempts::attempt(call.state, &account, id, &instrument, Challenge::Shown, &Value::Null)?;
    let after = call.state.get(&account, Kind::PaymentIntent, id)?;
    if after.text("status") == "requires_action" && call.params.flag("error_on_requires_action") {
        let error = StripeError::card(
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        );
        return Err(attempts::fail(call.state, &account, id, &Value::Null, error));
    }
    Ok(after)
}

fn capture(call: &mut Call<'_>) -> Answer {
    let (account, id, params) = (call.account.clone(), call.arg(0).to_owned(), call.params.clone());
    intents::capture(call.state, &account, &id, &params)
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let (account, id) = (call.account.clone(), call.arg(0).to_owned());
    let reason = call.given("cancellation_reason").map(str::to_owned);
    intents::cancel(call.state, &account, &id, reason.as_deref())
}
