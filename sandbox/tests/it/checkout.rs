//! Checkout sessions: what is refused, what is shown, what completion and expiry cause.

use serde_json::{Value, json};

use crate::support::{World, destination, text};

/// Parameters, and the code and parameter of the error that they cause.
type Refusal<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn sessions_are_refused_for_stripes_reasons() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let soon = (chrono::Utc::now().timestamp() + 1_700).to_string();
    let late = (chrono::Utc::now().timestamp() + 90_000).to_string();
    let cases: &[Refusal<'_>] = &[
        (&[("ui_mode", "hosted")], "", "ui_mode"),
        (&[("ui_mode", "elements")], "parameter_missing", "return_url"),
        (&[("ui_mode", "embedded_page"), ("success_url", "https://a.example")], "", "success_url"),
        (&[("payment_method_types[]", "card")], "parameter_unknown", "payment_method_types"),
        (&[("expires_at", &soon)], "", "expires_at"),
        (&[("expires_at", &late)], "", "expires_at"),
        (
            &[("allow_promotion_codes", "true"), ("discounts[0][coupon]", "x")],
            "parameters_exclusive",
            "discounts",
        ),
        (&[("discounts[0][coupon]", "x")], "resource_missing", "discounts[0][coupon]"),
        (
            &[("payment_intent_data[application_fee_amount]", "10")],
            "",
            "payment_intent_data[application_fee_amount]",
        ),
        (
            &[("payment_intent_data[transfer_data][destination]", "acct_none")],
            "resource_missing",
            "payment_intent_data[transfer_data][destination]",
        ),
        (
            &[("payment_intent_data[on_behalf_of]", "acct_none")],
            "resource_missing",
            "payment_intent_data[on_behalf_of]",
        ),
        (&[("customer", "cus_none")], "resource_missing", "customer"),
        (&[("cancel_url", "nowhere")], "url_invalid", "cancel_url"),
    ];
    for (more, code, param) in cases {
        let refused = platform.try_session(1_000, more).await;
        assert_eq!(refused.error(), (400, (*code).to_owned(), (*param).to_owned()), "{more:?}");
    }
    assert_eq!(platform.try_session(49, &[]).await.error().1, "amount_too_small");
    assert_eq!(platform.try_session(100_000_000, &[]).await.error().1, "amount_too_large");
    let param = "payment_intent_data[application_fee_amount]";
    assert_eq!(platform.try_session(1_000, &destination(&seller, "1001")).await.error().2, param);
    assert_eq!(platform.on(&seller).try_session(1_000, &[(param, "1001")]).await.error().2, param);
    let mut both = destination(&seller, "100");
    both.push(("payment_intent_data[transfer_data][amount]", "800"));
    assert_eq!(platform.try_session(1_000, &both).await.error().2, param);
    // A fee of nothing is not an error.
    assert_eq!(platform.try_session(1_000, &destination(&seller, "0")).await.status, 200);
    let subscription = platform.post("checkout/sessions", &[("mode", "subscription")]).await;
    assert!(subscription.text.contains("does not simulate"));
    world.finish().await;
}

#[tokio::test]
async fn a_hosted_session_is_paid() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let more = [
        ("client_reference_id", "order-1"),
        ("metadata[order]", "1"),
        ("payment_intent_data[metadata][order]", "one"),
        ("payment_intent_data[transfer_group]", "group-1"),
    ];
    let session = platform.session(2_500, &more).await;
    let id = text(&session, "id");
    assert!(id.starts_with("cs_test_"));
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("open"), &json!("unpaid")));
    assert_eq!((&session["payment_intent"], &session["client_secret"]), (&Value::Null, &Value::Null));
    assert_eq!(text(&session, "success_url"), "https://shop.example/ok?session={CHECKOUT_SESSION_ID}");
    let done = world.control(&format!("checkout/sessions/{id}/complete"), json!({})).await.ok();
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!((&done["url"], &done["client_reference_id"]), (&Value::Null, &json!("order-1")));
    let intent = platform.get(&format!("payment_intents/{}", text(&done, "payment_intent"))).await.ok();
    assert_eq!(intent["metadata"], json!({ "order": "one" }));
    assert_eq!((&intent["amount_received"], &intent["transfer_group"]), (&json!(2_500), &json!("group-1")));
    assert_eq!(
        platform.events().await,
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed"
        ]
    );
    let again = world.control(&format!("checkout/sessions/{id}/complete"), json!({})).await;
    assert_eq!(again.status, 400);
    let expire = platform.post(&format!("checkout/sessions/{id}/expire"), &[]).await;
    assert_eq!(expire.status, 400);
    let found = platform.get(&format!("checkout/sessions?payment_intent={}", text(&intent, "id"))).await.ok();
    assert_eq!(found["data"][0]["id"], json!(id));
    let items = platform.get(&format!("checkout/sessions/{id}/line_items")).await.ok();
    assert_eq!(items["data"][0]["price"]["unit_amount"], 2_500);
    world.finish().await;
}

#[tokio::test]
async fn embedded_sessions_have_a_secret_and_no_page() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    for mode in ["embedded_page", "elements"] {
        let session =
            platform.session(1_000, &[("ui_mode", mode), ("return_url", "https://shop.example/back")]).await;
        let id = text(&session, "id");
        assert!(text(&session, "client_secret").starts_with(&format!("{id}_secret_")));
        assert_eq!(session["url"], Value::Null);
        let done = world.control(&format!("checkout/sessions/{id}/complete"), json!({})).await.ok();
        assert_eq!(done["payment_status"], "paid");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_decline_leaves_the_session_open() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let id = text(&platform.session(1_000, &[]).await, "id");
    let path = format!("checkout/sessions/{id}/complete");
    let declined = world.control(&path, json!({ "card": "4000000000009995" })).await;
    assert_eq!(declined.error(), (402, "card_declined".into(), String::new()));
    let error = &declined.json["error"];
    assert_eq!(
        (&error["type"], &error["decline_code"]),
        (&json!("card_error"), &json!("insufficient_funds"))
    );
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    let unauthenticated =
        world.control(&path, json!({ "card": "4000000000003220", "three_d_secure": "fail" })).await;
    assert_eq!(unauthenticated.error().1, "payment_intent_authentication_failure");
    let session = platform.get(&format!("checkout/sessions/{id}")).await.ok();
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("open"), &json!("unpaid")));
    let first = text(&session, "payment_intent");
    let cancel = platform.post(&format!("payment_intents/{first}/cancel"), &[]).await;
    assert_eq!(cancel.error().1, "payment_intent_unexpected_state");
    let done = world.control(&path, json!({ "card": "4000 0000 0000 3220" })).await.ok();
    assert_eq!((&done["payment_status"], text(&done, "payment_intent")), (&json!("paid"), first));
    assert_eq!(platform.transactions().await.len(), 1);
    let kinds = platform.events().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment_intent.payment_failed").count(), 2);
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment_intent.created").count(), 1);
    world.finish().await;
}

#[tokio::test]
async fn discounts_are_spread_over_the_lines() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    platform.post("coupons", &[("id", "TEN"), ("percent_off", "10")]).await.ok();
    let more = [
        ("discounts[0][coupon]", "TEN"),
        ("line_items[1][quantity]", "3"),
        ("line_items[1][price_data][currency]", "usd"),
        ("line_items[1][price_data][unit_amount]", "333"),
        ("line_items[1][price_data][product_data][name]", "Clay"),
    ];
    let session = platform.session(1_000, &more).await;
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(1_999), &json!(1_799)));
    assert_eq!(session["total_details"]["amount_discount"], 200);
    let items = platform.get(&format!("checkout/sessions/{}/line_items", text(&session, "id"))).await.ok();
    let sum: i64 =
        items["data"].as_array().unwrap().iter().map(|line| line["amount_discount"].as_i64().unwrap()).sum();
    assert_eq!(sum, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_free_order_has_no_payment() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    platform.post("coupons", &[("id", "ALL"), ("percent_off", "100"), ("max_redemptions", "3")]).await.ok();
    let code = [("promotion[type]", "coupon"), ("promotion[coupon]", "ALL"), ("code", "FREE100")];
    platform.post("promotion_codes", &code).await.ok();
    for expected in ["no_payment_required", "paid"] {
        world.control("settings", json!({ "free_session_payment_status": expected })).await.ok();
        let mut more = destination(&seller, "100");
        more.push(("allow_promotion_codes", "true"));
        let id = text(&platform.session(1_000, &more).await, "id");
        let wish = json!({ "promotion_code": "free100" });
        let done = world.control(&format!("checkout/sessions/{id}/complete"), wish).await.ok();
        assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!(expected)));
        assert_eq!((&done["amount_total"], &done["payment_intent"]), (&json!(0), &Value::Null));
        assert!(text(&done, "customer").starts_with("cus_"));
    }
    // The same by a discount that the marketplace sets; the third and last redemption.
    let session = platform.session(1_000, &[("discounts[0][coupon]", "ALL")]).await;
    world.control(&format!("checkout/sessions/{}/complete", text(&session, "id")), json!({})).await.ok();
    assert_eq!(
        platform.try_session(1_000, &[("discounts[0][coupon]", "ALL")]).await.error().1,
        "coupon_expired"
    );
    assert_eq!(platform.events().await, vec!["checkout.session.completed"; 3]);
    assert_eq!(platform.transactions().await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test]
async fn promotion_codes_keep_the_total_chargeable() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    platform.post("coupons", &[("id", "MOST"), ("amount_off", "980"), ("currency", "usd")]).await.ok();
    let code = [("promotion[type]", "coupon"), ("promotion[coupon]", "MOST"), ("code", "MOST")];
    platform.post("promotion_codes", &code).await.ok();
    let id = text(&platform.session(1_000, &[("allow_promotion_codes", "true")]).await, "id");
    let path = format!("checkout/sessions/{id}/complete");
    assert_eq!(world.control(&path, json!({ "promotion_code": "MOST" })).await.error().1, "amount_too_small");
    assert_eq!(world.control(&path, json!({ "promotion_code": "NONE" })).await.status, 400);
    assert_eq!(
        platform.try_session(1_000, &[("discounts[0][coupon]", "MOST")]).await.error().1,
        "amount_too_small"
    );
    let closed = text(&platform.session(1_000, &[]).await, "id");
    let refused = world
        .control(&format!("checkout/sessions/{closed}/complete"), json!({ "promotion_code": "MOST" }))
        .await;
    assert_eq!(refused.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn sessions_expire_by_request_and_by_the_clock() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let id = text(&platform.session(1_000, &[]).await, "id");
    let path = format!("checkout/sessions/{id}/complete");
    world.control(&path, json!({ "card": "4000000000000002" })).await;
    let expired = platform.post(&format!("checkout/sessions/{id}/expire"), &[]).await.ok();
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &Value::Null));
    let intent = platform.get(&format!("payment_intents/{}", text(&expired, "payment_intent"))).await.ok();
    assert_eq!(intent["status"], "canceled");
    assert_eq!(world.control(&path, json!({})).await.status, 400);

    let half_hour = (chrono::Utc::now().timestamp() + 1_805).to_string();
    let id = text(&platform.session(1_000, &[("expires_at", &half_hour)]).await, "id");
    world.control("clock/advance", json!({ "seconds": 1_700 })).await.ok();
    assert_eq!(platform.get(&format!("checkout/sessions/{id}")).await.ok()["status"], "open");
    world.control("clock/advance", json!({ "seconds": 110 })).await.ok();
    assert_eq!(platform.get(&format!("checkout/sessions/{id}")).await.ok()["status"], "expired");
    let kinds = platform.events().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "checkout.session.expired").count(), 2);
    // A caller who counts from the wall clock still gets its half hour.
    assert_eq!(platform.try_session(1_000, &[("expires_at", &half_hour)]).await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_bank_debit_is_known_later() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    for (outcome, status) in [("succeeded", "paid"), ("failed", "unpaid")] {
        let session = platform.session(1_000, &destination(&seller, "100")).await;
        let path = format!("checkout/sessions/{}/complete", text(&session, "id"));
        let done = world.control(&path, json!({ "payment_method": "bank_debit" })).await.ok();
        assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("unpaid")));
        let intent = text(&done, "payment_intent");
        assert_eq!(platform.get(&format!("payment_intents/{intent}")).await.ok()["status"], "processing");
        world.control(&format!("payment_intents/{intent}/settle"), json!({ "outcome": outcome })).await.ok();
        let session = platform.get(&format!("checkout/sessions/{}", text(&session, "id"))).await.ok();
        assert_eq!(session["payment_status"], status);
        let last = platform.events().await.pop().unwrap();
        assert_eq!(last, format!("checkout.session.async_payment_{outcome}"));
    }
    assert_eq!(platform.movements().await, ["payment 1000/59", "transfer -1000/0", "application_fee 100/0"]);
    // By itself, when its time has come.
    let session = platform.session(1_000, &[]).await;
    let wish = json!({ "payment_method": "bank_debit" });
    world.control(&format!("checkout/sessions/{}/complete", text(&session, "id")), wish).await.ok();
    world.control("clock/advance", json!({ "seconds": 5 * 86_400 })).await.ok();
    let session = platform.get(&format!("checkout/sessions/{}", text(&session, "id"))).await.ok();
    assert_eq!(session["payment_status"], "paid");
    world.finish().await;
}

#[tokio::test]
async fn an_authorisation_is_captured_or_released() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let manual = [
        ("payment_intent_data[capture_method]", "manual"),
        ("payment_intent_data[application_fee_amount]", "100"),
    ];
    let seller_side = platform.on(&seller);
    let session = seller_side.session(1_000, &manual).await;
    let done =
        world.control(&format!("checkout/sessions/{}/complete", text(&session, "id")), json!({})).await.ok();
    assert_eq!((&done["status"], &done["payment_status"]), (&json!("complete"), &json!("unpaid")));
    assert!(seller_side.events().await.contains(&"payment_intent.amount_capturable_updated".to_owned()));
    assert_eq!(seller_side.transactions().await, Vec::<Value>::new());
    let path = format!("payment_intents/{}", text(&done, "payment_intent"));
    assert_eq!(seller_side.get(&path).await.ok()["amount_capturable"], 1_000);
    let captured = seller_side.post(&format!("{path}/capture"), &[]).await.ok();
    assert_eq!((&captured["status"], &captured["amount_received"]), (&json!("succeeded"), &json!(1_000)));
    let again = seller_side.post(&format!("{path}/capture"), &[]).await;
    assert_eq!(again.error().1, "payment_intent_unexpected_state");
    assert_eq!(seller_side.movements().await, ["charge 1000/159"]);

    let session = seller_side.session(1_000, &manual).await;
    let done =
        world.control(&format!("checkout/sessions/{}/complete", text(&session, "id")), json!({})).await.ok();
    let path = format!("payment_intents/{}", text(&done, "payment_intent"));
    let canceled =
        seller_side.post(&format!("{path}/cancel"), &[("cancellation_reason", "abandoned")]).await.ok();
    assert_eq!((&canceled["status"], &canceled["amount_capturable"]), (&json!("canceled"), &json!(0)));
    assert_eq!(seller_side.movements().await, ["charge 1000/159"]);
    world.finish().await;
}
