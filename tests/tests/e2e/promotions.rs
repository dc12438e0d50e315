//! Promotion codes: souk's own, the provider's, and orders that cost nothing.

use sea_orm::EntityTrait;
use serde_json::{Value, json};
use souk_infra::entity::payment_receipts;

use crate::support::World;

fn with_code(slot: &Value, code: &str) -> Value {
    json!({"items": [{"slot_id": slot["id"], "quantity": 1}], "email": "guest@example.com", "promo_code": code})
}

async fn redeemed(world: &World, code: &str) -> i64 {
    let list = world.admin().await.get("/v1/admin/promotions").await.expect(200);
    let row = list["data"].as_array().unwrap().iter().find(|row| row["code"] == code).unwrap().clone();
    row["redeemed"].as_i64().unwrap()
}

#[tokio::test]
async fn welcome10_is_shown_by_the_provider_and_lowers_the_fee() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let started = world.anonymous().checkout_with(with_code(&slot, "welcome10")).await.expect(201);
        let order = &started["order"];
        assert_eq!(
            ["subtotal", "discount", "total", "application_fee"]
                .map(|name| order[name]["amount"].as_i64().unwrap()),
            [2_500, 250, 2_250, 225]
        );
        let session = world.session(&started).await;
        assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(2_500), &json!(2_250)));
        assert_eq!(session["total_details"]["amount_discount"], 250);
        let coupon = session["discounts"][0]["coupon"].as_str().unwrap().to_owned();
        let place = world.place(&started).await;
        let coupon = world.stripe_get(place.as_deref(), &format!("/v1/coupons/{coupon}")).await;
        assert_eq!(coupon["name"], "WELCOME10", "the buyer sees which code it was");
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
        assert_eq!(world.charge(&started).await["application_fee_amount"], 225);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_free_order_is_confirmed_by_either_word_that_the_provider_has_for_it() {
    let world = World::start().await;
    for status in ["no_payment_required", "paid"] {
        let settings = json!({"free_session_payment_status": status});
        world.sandbox().post("/_sandbox/settings", settings).await.expect(200);
        for (model, heard) in
            [("direct", true), ("destination", true), ("direct", false), ("destination", false)]
        {
            world.faults(json!({"webhooks": {"lose": if heard { 0.0 } else { 1.0 }}})).await;
            let slot = world.slot(model, 1, 2_500).await;
            let started = world.anonymous().checkout_with(with_code(&slot, "FREE100")).await.expect(201);
            assert_eq!(started["order"]["total"]["amount"], 0);
            assert_eq!(started["order"]["application_fee"]["amount"], 0);
            assert_eq!(
                started["order"]["status"], "pending",
                "nothing is sold before the provider has said so"
            );
            assert_eq!(world.verify(&started).await["status"], "pending");
            let session = world.pay(&started, json!({})).await.expect(200);
            assert_eq!(session["payment_status"], status);
            if heard {
                world.order_becomes(&started, "paid").await;
            } else {
                assert_eq!(world.verify(&started).await["status"], "paid");
            }
            let sold = world.public_slot(&slot).await;
            assert_eq!((&sold["sold"], &sold["available"]), (&json!(1), &json!(0)));
            let session = world.session(&started).await;
            assert_eq!(session["payment_intent"], Value::Null);
            let path = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
            world
                .admin()
                .await
                .post_once(&path, "free", json!({}))
                .await
                .refused(409, "order_not_refundable");
        }
    }
    let receipts = payment_receipts::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap();
    assert_eq!(receipts.len(), 8);
    assert!(
        receipts.iter().all(|row| row.kind == "free" && row.receipt.starts_with("cs_") && row.amount == 0)
    );
    assert_eq!(redeemed(&world, "FREE100").await, 8);
    world.finish().await;
}

/// A code of the provider's own, made where the session lives.
async fn provider_code(world: &World, place: Option<&str>, code: &str, percent: &str) {
    let coupon =
        world.stripe_post(place, "/v1/coupons", &[("percent_off", percent), ("duration", "once")]).await;
    let form = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", coupon["id"].as_str().unwrap()),
        ("code", code),
    ];
    world.stripe_post(place, "/v1/promotion_codes", &form).await;
}

#[tokio::test]
async fn a_code_of_the_providers_own_lowers_the_order_where_the_marketplace_allows_it() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        let place = world.place(&started).await;
        provider_code(&world, place.as_deref(), "SPRING20", "20").await;
        provider_code(&world, place.as_deref(), "ALLFREE", "100").await;
        world.pay(&started, json!({"promotion_code": "SPRING20"})).await.expect(200);
        let order = world.order_becomes(&started, "paid").await;
        let amounts = ["subtotal", "discount", "total"].map(|name| order[name]["amount"].as_i64().unwrap());
        assert_eq!(amounts, [2_500, 500, 2_000]);
        assert_eq!(order["payments"][0]["amount"]["amount"], 2_000);
        let charge = world.charge(&started).await;
        assert_eq!(order["application_fee"]["amount"], charge["application_fee_amount"]);

        let free = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&free, json!({"promotion_code": "ALLFREE"})).await.expect(200);
        let order = world.order_becomes(&free, "paid").await;
        assert_eq!((&order["total"]["amount"], &order["application_fee"]["amount"]), (&json!(0), &json!(0)));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_code_of_the_providers_own_is_refused_where_it_is_not_allowed_and_reviewed_if_it_comes_all_the_same()
 {
    let world = World::start().await;
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    let slot = world.slot("destination", 1, 2_500).await;
    // An order with one of souk's codes takes none of the provider's.
    let started = world.anonymous().checkout_with(with_code(&slot, "WELCOME10")).await.expect(201);
    provider_code(&world, None, "SPRING20", "20").await;
    assert_eq!(world.pay(&started, json!({"promotion_code": "SPRING20"})).await.status, 400);
    world.pay(&started, json!({})).await.expect(200);
    let mut session = world.session(&started).await;
    session["amount_total"] = json!(2_000);
    session["total_details"]["amount_discount"] = json!(500);
    let event = World::event("checkout.session.completed", &session, None);
    world.deliver(&event).await.expect(200);
    let order = world.order_becomes(&started, "review").await;
    assert_eq!(order["review_reason"], "amount_mismatch");
    assert_eq!(world.public_slot(&slot).await["sold"], 0);
    world.finish().await;
}

#[tokio::test]
async fn the_second_marketplace_allows_no_codes_of_the_providers() {
    let world = World::start().await;
    let anonymous = world.anonymous_at_second();
    let listings = anonymous.get("/v1/listings").await.expect(200);
    let slots = format!("/v1/listings/{}/slots", listings["data"][0]["id"].as_str().unwrap());
    let slot = anonymous.get(&slots).await.expect(200)["data"][0].clone();
    let started = anonymous.checkout(&slot, 1).await.expect(201);
    let reply = world.pay(&started, json!({"promotion_code": "ANYTHING"})).await;
    assert_eq!(reply.status, 400);
    assert!(reply.body["error"]["message"].as_str().unwrap().contains("does not accept"), "{}", reply.body);
    world.finish().await;
}

#[tokio::test]
async fn nothing_to_pay_for_an_order_that_is_not_free_confirms_nothing() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        let place = world.place(&started).await;
        let mut session = world.session(&started).await;
        session["status"] = json!("complete");
        for change in [
            json!({"payment_status": "no_payment_required"}),
            json!({"payment_status": "no_payment_required", "amount_total": 0}),
            json!({"payment_status": "no_payment_required", "amount_total": 0, "mode": "setup"}),
            json!({"payment_status": "no_payment_required", "amount_total": 0, "mode": "subscription"}),
            json!({"payment_status": "no_payment_required", "amount_total": 2_500, "payment_intent": "pi_1"}),
            json!({"payment_status": "paid", "amount_total": 0}),
            json!({"payment_status": "paid", "payment_intent": null}),
            json!({"payment_status": "a_new_word", "payment_intent": "pi_1"}),
            json!({"payment_status": "unpaid"}),
        ] {
            let mut told = session.clone();
            for (name, value) in change.as_object().unwrap() {
                told[name] = value.clone();
            }
            let event = World::event("checkout.session.completed", &told, place.as_deref());
            world.deliver(&event).await.expect(200);
            world.event_outcome(&event).await;
            let order = world.order(&started).await;
            assert!(
                ["pending", "processing"].contains(&order["status"].as_str().unwrap()),
                "{change}: {order}"
            );
            assert_ne!(order["payments"][0]["status"], "succeeded", "{change}");
            assert_eq!(world.public_slot(&slot).await["sold"], 0, "{change}");
        }
        assert_eq!(world.session(&started).await["status"], "open");
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_lie_about_a_free_order_does_not_let_its_seat_go_while_it_can_be_paid() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let mut session = world.session(&started).await;
    session["status"] = json!("complete");
    session["payment_status"] = json!("no_payment_required");
    session["amount_total"] = json!(0);
    let event = World::event("checkout.session.completed", &session, None);
    world.deliver(&event).await.expect(200);
    world.event_outcome(&event).await;
    world.let_holds_expire();
    world.order_becomes(&started, "expired").await;
    assert_eq!(world.session(&started).await["status"], "expired", "the provider was told first");
    world.finish().await;
}

#[tokio::test]
async fn a_code_is_used_up_by_orders_that_come_to_something_and_by_no_others() {
    let world = World::start().await;
    let admin = world.admin().await;
    let once = json!({"code": "ONCE", "percent_bps": 5_000, "max_redemptions": 1});
    admin.post("/v1/admin/promotions", once).await.expect(201);
    let slot = world.slot("destination", 3, 2_500).await;
    let given_up = world.anonymous().checkout_with(with_code(&slot, "ONCE")).await.expect(201);
    world.anonymous().checkout_with(with_code(&slot, "ONCE")).await.refused(422, "promo_code_invalid");
    world.anonymous().checkout_with(with_code(&slot, "NOSUCH")).await.refused(422, "promo_code_invalid");
    world.cancel(&given_up).await.expect(200);
    assert_eq!(redeemed(&world, "ONCE").await, 0);
    let kept = world.anonymous().checkout_with(with_code(&slot, "ONCE")).await.expect(201);
    world.pay(&kept, json!({})).await.expect(200);
    world.order_becomes(&kept, "paid").await;
    assert_eq!(redeemed(&world, "ONCE").await, 1);
    assert_eq!(world.public_slot(&slot).await["available"], 2, "refusals hold no seats");
    world.finish().await;
}
