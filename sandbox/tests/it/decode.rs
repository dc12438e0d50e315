//! Every object decodes with the types that a Rust client has for it: no required field is missing, none has
//! the wrong type. The decoder is the one that the client uses.

use serde_json::{Value, json};

use crate::support::{Platform, World, destination, text};

fn decodes<T: miniserde::Deserialize>(value: &Value) {
    let json = value.to_string();
    assert!(
        miniserde::json::from_str::<T>(&json).is_ok(),
        "{} does not decode as {}: {json}",
        value["object"],
        std::any::type_name::<T>()
    );
}

async fn one(platform: &Platform, path: &str) -> Value {
    platform.get(path).await.ok()["data"][0].clone()
}

#[tokio::test]
async fn accounts_and_links() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let fresh = platform.post("accounts", &[("type", "express")]).await.ok();
    decodes::<stripe_shared::Account>(&fresh);
    let id = platform.seller(&world, &[("type", "express")]).await;
    decodes::<stripe_shared::Account>(&platform.get(&format!("accounts/{id}")).await.ok());
    decodes::<stripe_shared::Account>(&platform.get("account").await.ok());
    let form =
        [("settings[payouts][schedule][delay_days]", "7"), ("business_profile[estimated_worker_count]", "3")];
    let changed = platform.post(&format!("accounts/{id}"), &form).await.ok();
    assert_eq!(changed["settings"]["payouts"]["schedule"]["delay_days"], 7);
    decodes::<stripe_shared::Account>(&changed);
    decodes::<stripe_shared::Capability>(
        &platform.get(&format!("accounts/{id}/capabilities/transfers")).await.ok(),
    );
    let form = [
        ("account", id.as_str()),
        ("type", "account_onboarding"),
        ("refresh_url", "https://a.example"),
        ("return_url", "https://a.example"),
    ];
    decodes::<stripe_connect::AccountLink>(&platform.post("account_links", &form).await.ok());
    let form = [("account", id.as_str()), ("components[payments][enabled]", "true")];
    decodes::<stripe_connect::AccountSession>(&platform.post("account_sessions", &form).await.ok());
    decodes::<stripe_connect::LoginLink>(
        &platform.post(&format!("accounts/{id}/login_links"), &[]).await.ok(),
    );
    let events = platform.on(&id).get("events").await.ok();
    for event in events["data"].as_array().unwrap() {
        decodes::<stripe_shared::Event>(event);
    }
    world.finish().await;
}

#[tokio::test]
async fn sessions_in_every_state() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let coupon = platform.post("coupons", &[("id", "ALL"), ("percent_off", "100")]).await.ok();
    decodes::<stripe_shared::Coupon>(&coupon);
    let code = [("promotion[type]", "coupon"), ("promotion[coupon]", "ALL"), ("code", "X")];
    decodes::<stripe_shared::PromotionCode>(&platform.post("promotion_codes", &code).await.ok());
    let modes: [&[(&str, &str)]; 4] = [
        &[],
        &[("ui_mode", "embedded_page"), ("return_url", "https://a.example")],
        &[("ui_mode", "elements"), ("return_url", "https://a.example")],
        &[("discounts[0][coupon]", "ALL")],
    ];
    for more in modes {
        let session = platform.session(1_000, more).await;
        decodes::<stripe_shared::CheckoutSession>(&session);
        let id = text(&session, "id");
        let expanded = format!(
            "checkout/sessions/{id}?expand[]=line_items&expand[]=payment_intent.latest_charge.balance_transaction"
        );
        decodes::<stripe_shared::CheckoutSession>(&platform.get(&expanded).await.ok());
        let done = world.control(&format!("checkout/sessions/{id}/complete"), json!({})).await.ok();
        decodes::<stripe_shared::CheckoutSession>(&done);
        decodes::<stripe_shared::CheckoutSession>(&platform.get(&expanded).await.ok());
    }
    world.finish().await;
}

#[tokio::test]
async fn money_and_what_undoes_it() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let card = json!({ "card": "4000000000003220" });
    let intent = platform.paid_with(&world, 1_000, &destination(&seller, "100"), card).await;
    decodes::<stripe_shared::PaymentIntent>(&intent);
    let form = [
        ("payment_intent", text(&intent, "id")),
        ("amount", "500".into()),
        ("reverse_transfer", "true".into()),
        ("refund_application_fee", "true".into()),
    ];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    decodes::<stripe_shared::Refund>(&platform.post("refunds", &form).await.ok());
    decodes::<stripe_shared::Charge>(&one(&platform, "charges?expand[]=data.refunds").await);
    decodes::<stripe_shared::Charge>(&one(&platform.on(&seller), "charges").await);
    decodes::<stripe_shared::Transfer>(&one(&platform, "transfers").await);
    let transfer = one(&platform, "transfers").await;
    decodes::<stripe_shared::TransferReversal>(&transfer["reversals"]["data"][0]);
    let fee = one(&platform, "application_fees").await;
    decodes::<stripe_shared::ApplicationFee>(&fee);
    decodes::<stripe_shared::ApplicationFeeRefund>(&fee["refunds"]["data"][0]);
    world.control(&format!("charges/{}/dispute", text(&intent["latest_charge"], "id")), json!({})).await.ok();
    decodes::<stripe_shared::Dispute>(&one(&platform, "disputes").await);
    platform.paid_with(&world, 9_000, &[], json!({ "card": "4000000000000077" })).await;
    let payout = platform.post("payouts", &[("amount", "100"), ("currency", "usd")]).await.ok();
    decodes::<stripe_shared::Payout>(&payout);
    for transaction in platform.transactions().await {
        decodes::<stripe_shared::BalanceTransaction>(&transaction);
    }
    let customer = platform.post("customers", &[("email", "a@example.com")]).await.ok();
    decodes::<stripe_shared::Customer>(&customer);
    let events = platform.get("events?limit=100").await.ok();
    for event in events["data"].as_array().unwrap() {
        decodes::<stripe_shared::Event>(event);
        match text(&event["data"]["object"], "object").as_str() {
            "charge" => decodes::<stripe_shared::Charge>(&event["data"]["object"]),
            "payment_intent" => decodes::<stripe_shared::PaymentIntent>(&event["data"]["object"]),
            "refund" => decodes::<stripe_shared::Refund>(&event["data"]["object"]),
            _ => {}
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn what_was_refused() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let session = platform.session(1_000, &[]).await;
    let path = format!("checkout/sessions/{}/complete", text(&session, "id"));
    let declined = world.control(&path, json!({ "card": "4000000000000002" })).await;
    decodes::<stripe_shared::ApiErrors>(&declined.json["error"]);
    decodes::<stripe_shared::PaymentIntent>(&declined.json["error"]["payment_intent"]);
    decodes::<stripe_shared::PaymentIntent>(&one(&platform, "payment_intents").await);
    let debit = json!({ "payment_method": "bank_debit" });
    world.control(&path, debit).await.ok();
    decodes::<stripe_shared::PaymentIntent>(
        &one(&platform, "payment_intents?expand[]=data.payment_method").await,
    );
    decodes::<stripe_shared::Charge>(&one(&platform, "charges").await);
    world.finish().await;
}
