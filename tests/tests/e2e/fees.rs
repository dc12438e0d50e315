//! Fees that don't add up: the failures 24, 27 and 29, and which fee schedule holds for which order.

use serde_json::{Value, json};

use crate::support::World;

async fn set_fee(world: &World, path: &str, body: Value) {
    world.admin().await.put(path, body).await.expect(200);
}

async fn fee_of_a_new_order(world: &World, slot: &Value, quantity: i64) -> i64 {
    let started = world.anonymous().checkout(slot, quantity).await.expect(201);
    started["order"]["application_fee"]["amount"].as_i64().unwrap()
}

// 24: `refund_application_fee` with a fee of zero is refused by Stripe; the refund fails.
#[tokio::test]
async fn a_sale_without_a_fee_can_be_refunded() {
    let world = World::start().await;
    set_fee(&world, "/v1/admin/fee-schedule", json!({"fee_bps": 0})).await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 5, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({})).await.expect(200);
        let order = world.order_becomes(&started, "paid").await;
        assert_eq!(order["application_fee"]["amount"], 0);
        let path = format!("/v1/orders/{}/refunds", order["id"].as_str().unwrap());
        for (key, amount) in [("part", json!(1_000)), ("rest", Value::Null)] {
            let body = json!({"amount": amount});
            let refund =
                world.admin().await.post_once(&path, &format!("{model}-{key}"), body).await.expect(201);
            assert_eq!(refund["status"], "succeeded", "{refund}");
            assert_eq!(refund["application_fee_refunded"]["amount"], 0);
        }
        let charge = world.charge(&started).await;
        assert_eq!(charge["refunded"], true);
        if let Some(transfer) = charge["transfer"].as_str() {
            let transfer = world.stripe_get(None, &format!("/v1/transfers/{transfer}")).await;
            assert_eq!(transfer["amount_reversed"], transfer["amount"]);
        }
        // Unfulfillable orders give back as much.
        let late = world.anonymous().checkout(&slot, 4).await.expect(201);
        world.lose_hold(&late).await;
        let next = world.anonymous().checkout(&slot, 4).await.expect(201);
        world.pay(&late, json!({})).await.expect(200);
        world.order_becomes(&late, "unfulfillable").await;
        world.comes_back_whole(&late).await;
        world.cancel(&next).await.expect(200);
    }
    world.finish().await;
}

// 27: zero-decimal currency charged a hundredfold. Also three-decimal currencies.
#[tokio::test]
async fn every_currency_is_charged_what_it_says() {
    let world = World::start().await;
    // Price, application fee at 10 %.
    for (currency, price, fee) in
        [("jpy", 2_505, 251), ("krw", 30_000, 3_000), ("kwd", 12_350, 1_240), ("eur", 1_999, 200)]
    {
        for model in ["direct", "destination"] {
            let listing = json!({"title": "T", "price": {"amount": price, "currency": currency}});
            let slot = world.slot_with(model, 3, listing).await;
            let started = world.anonymous().checkout(&slot, 2).await.expect(201);
            assert_eq!(started["order"]["total"], json!({"amount": 2 * price, "currency": currency}));
            let session = world.session(&started).await;
            assert_eq!(
                (&session["amount_total"], &session["currency"]),
                (&json!(2 * price), &json!(currency))
            );
            world.pay(&started, json!({})).await.expect(200);
            world.order_becomes(&started, "paid").await;
            let charge = world.charge(&started).await;
            assert_eq!((&charge["amount"], &charge["currency"]), (&json!(2 * price), &json!(currency)));

            let single = world.anonymous().checkout(&slot, 1).await.expect(201);
            assert_eq!(single["order"]["application_fee"], json!({"amount": fee, "currency": currency}));
        }
    }
    // What can't be charged in a currency can't be asked for in it.
    let (owner, seller) = world.seller("direct").await;
    let odd = json!({"title": "T", "price": {"amount": 12_345, "currency": "kwd"}});
    assert!(owner.post(&format!("/v1/sellers/{seller}/listings"), odd).await.status.is_client_error());
    world.finish().await;
}

// 29: a discount makes a total negative, or smaller than the provider's minimum charge.
#[tokio::test]
async fn a_discount_makes_no_total_negative_or_too_small_to_be_charged() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (code, amount) in [("MORE", 99_999), ("ALMOST", 2_480), ("LEAST", 2_450)] {
        let body = json!({"code": code, "amount_off": {"amount": amount, "currency": "usd"}});
        admin.post("/v1/admin/promotions", body).await.expect(201);
    }
    set_fee(&world, "/v1/admin/fee-schedule", json!({"fee_bps": 1_000, "fixed": 300})).await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let with = |code: &str| json!({"items": [{"slot_id": slot["id"], "quantity": 1}], "email": "guest@example.com", "promo_code": code});
        world.anonymous().checkout_with(with("ALMOST")).await.refused(422, "amount_too_small");
        assert_eq!(world.public_slot(&slot).await["available"], 2, "a refusal holds no seat");
        let free = world.anonymous().checkout_with(with("MORE")).await.expect(201);
        let amounts =
            ["discount", "total", "application_fee"].map(|name| free["order"][name]["amount"].clone());
        assert_eq!(amounts, [2_500, 0, 0].map(|amount| json!(amount)));
        world.pay(&free, json!({})).await.expect(200);
        world.order_becomes(&free, "paid").await;
        // The fee is never more than what is paid.
        let least = world.anonymous().checkout_with(with("LEAST")).await.expect(201);
        assert_eq!(
            (&least["order"]["total"]["amount"], &least["order"]["application_fee"]["amount"]),
            (&json!(50), &json!(50))
        );
        world.pay(&least, json!({})).await.expect(200);
        world.order_becomes(&least, "paid").await;
    }
    let tiny =
        world.slot_with("direct", 1, json!({"title": "T", "price": {"amount": 50, "currency": "usd"}})).await;
    let body = json!({"items": [{"slot_id": tiny["id"], "quantity": 1}], "email": "guest@example.com", "promo_code": "WELCOME10"});
    world.anonymous().checkout_with(body).await.refused(422, "amount_too_small");
    let promotions = admin.get("/v1/admin/promotions").await.expect(200);
    let almost =
        promotions["data"].as_array().unwrap().iter().find(|row| row["code"] == "ALMOST").unwrap().clone();
    assert_eq!(almost["redeemed"], 0, "a refusal uses no code up");
    world.finish().await;
}

#[tokio::test]
async fn the_fee_is_the_sellers_own_or_the_default_and_frozen_when_the_order_is_made() {
    let world = World::start().await;
    let (owner, seller) = world.seller("destination").await;
    let slot = world.slot("destination", 30, 2_500).await;
    let other = world.slot("direct", 30, 2_500).await;
    assert_eq!(fee_of_a_new_order(&world, &slot, 1).await, 250);
    let before = world.anonymous().checkout(&slot, 2).await.expect(201);

    let own = format!("/v1/admin/sellers/{seller}/fee-schedule");
    set_fee(&world, &own, json!({"fee_bps": 250, "fixed": 30, "max": 200})).await;
    assert_eq!(fee_of_a_new_order(&world, &slot, 1).await, 93, "62.5 half up, and 30");
    assert_eq!(fee_of_a_new_order(&world, &slot, 10).await, 200, "at most");
    assert_eq!(fee_of_a_new_order(&world, &other, 1).await, 250, "another seller's is the default");
    set_fee(&world, "/v1/admin/fee-schedule", json!({"fee_bps": 100, "min": 77})).await;
    assert_eq!(fee_of_a_new_order(&world, &slot, 1).await, 93, "its own stays");
    assert_eq!(fee_of_a_new_order(&world, &other, 1).await, 77, "at least");

    // What was promised when the order was made holds when it is paid.
    world.pay(&before, json!({})).await.expect(200);
    let order = world.order_becomes(&before, "paid").await;
    assert_eq!(order["application_fee"]["amount"], 500);
    let charge = world.charge(&before).await;
    let fee = charge["application_fee"].as_str().unwrap();
    assert_eq!(world.stripe_get(None, &format!("/v1/application_fees/{fee}")).await["amount"], 500);

    for bad in [
        json!({"fee_bps": -1}),
        json!({"fee_bps": 10_001}),
        json!({"fee_bps": 1, "min": 5, "max": 4}),
        json!({"fee_bps": 1, "fixed": -1}),
        json!({"fee_bps": 1, "fixed": {"amount": 5, "currency": "eur"}}),
    ] {
        world.admin().await.put(&own, bad.clone()).await.refused(400, "invalid_field");
    }
    owner.put(&own, json!({"fee_bps": 0})).await.refused(403, "forbidden");
    let shown = world.admin().await.get(&own).await.expect(200);
    assert_eq!((&shown["fee_bps"], &shown["seller_id"]), (&json!(250), &json!(seller)));
    world.finish().await;
}
