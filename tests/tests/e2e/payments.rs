//! Payments that take a detour: declines, authentication, slow methods, capture after the seat, wrong amounts.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk_domain::ids::{OrderId, PaymentId};
use souk_infra::entity::{orders, payments};

use crate::support::{World, eventually};

const NO_FUNDS: &str = "4000000000009995";
const ASKS: &str = "4000002760003184";
const ASKS_THEN_DECLINES: &str = "4000008400001629";

async fn on_confirmation(world: &World, model: &str, capacity: i64) -> Value {
    let listing =
        json!({"title": "Kiln", "price": {"amount": 4_000, "currency": "usd"}, "capture": "on_confirmation"});
    world.slot_with(model, capacity, listing).await
}

async fn settle(world: &World, started: &Value, outcome: &str) {
    let intent = world.session(started).await["payment_intent"].as_str().unwrap().to_owned();
    let path = format!("/_sandbox/payment_intents/{intent}/settle");
    world.sandbox().post(&path, json!({"outcome": outcome})).await.expect(200);
}

async fn intent_of(world: &World, started: &Value) -> Value {
    let place = world.place(started).await;
    let intent = world.session(started).await["payment_intent"].as_str().unwrap().to_owned();
    world.stripe_get(place.as_deref(), &format!("/v1/payment_intents/{intent}")).await
}

#[tokio::test]
async fn a_declined_card_keeps_the_seat_for_another_try() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        for card in [NO_FUNDS, "4000000000009987", "4000000000000069", "4242424242424241"] {
            assert_eq!(world.pay(&started, json!({"card": card})).await.status, 402);
            assert_eq!(world.verify(&started).await["status"], "pending");
        }
        let payment: PaymentId = started["order"]["payments"][0]["id"].as_str().unwrap().parse().unwrap();
        eventually("the decline's code is noted", || async {
            let row = payments::Entity::find()
                .filter(payments::Column::Id.eq(payment.uuid()))
                .one(world.demo.souk.db.unscoped())
                .await
                .unwrap()
                .unwrap();
            row.failure.ok_or(row.status)
        })
        .await;
        world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn authentication_that_passes_pays_and_one_that_fails_does_not() {
    let world = World::start().await;
    let slot = world.slot("destination", 3, 2_500).await;
    let passes = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&passes, json!({"card": ASKS, "three_d_secure": "pass"})).await.expect(200);
    world.order_becomes(&passes, "paid").await;

    let fails = world.anonymous().checkout(&slot, 1).await.expect(201);
    assert_eq!(world.pay(&fails, json!({"card": ASKS, "three_d_secure": "fail"})).await.status, 402);
    let declined = world.pay(&fails, json!({"card": ASKS_THEN_DECLINES, "three_d_secure": "pass"})).await;
    assert_eq!(declined.status, 402);
    assert_eq!(world.verify(&fails).await["status"], "pending");

    // The buyer is asked and does not answer yet: nothing is paid, the seat stays.
    let asked = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&asked, json!({"card": ASKS, "three_d_secure": "pending"})).await.expect(200);
    assert_eq!(world.verify(&asked).await["status"], "pending");
    assert_eq!(world.public_slot(&slot).await["available"], 0);
    world.pay(&asked, json!({"card": ASKS, "three_d_secure": "pass"})).await.expect(200);
    world.order_becomes(&asked, "paid").await;
    world.finish().await;
}

#[tokio::test]
async fn a_bank_debit_that_succeeds_pays_days_later() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({"payment_method": "bank_debit"})).await.expect(200);
        let order = world.order_becomes(&started, "processing").await;
        assert_eq!(order["payments"][0]["status"], "processing");
        assert_eq!(order["paid_at"], Value::Null);
        assert_eq!(world.public_slot(&slot).await["sold"], 0);
        world.cancel(&started).await.refused(409, "order_not_cancellable");
        settle(&world, &started, "succeeded").await;
        world.order_becomes(&started, "paid").await;
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_bank_debit_that_fails_gives_the_seat_to_the_next_buyer() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({"payment_method": "bank_debit"})).await.expect(200);
        world.order_becomes(&started, "processing").await;
        settle(&world, &started, "failed").await;
        let order = world.order_becomes(&started, "failed").await;
        assert_eq!(order["payments"][0]["status"], "failed");
        let next = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&next, json!({})).await.expect(200);
        world.order_becomes(&next, "paid").await;
    }
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn capture_on_confirmation_takes_the_money_after_the_seat() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = on_confirmation(&world, model, 2).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        // While the capture is on its way, the money is only reserved and the seat is held.
        world.faults(json!({"next": [{"path": "/capture", "kind": "error_500", "times": 4}]})).await;
        world.pay(&started, json!({})).await.expect(200);
        let order = world.order_becomes(&started, "processing").await;
        assert_eq!(order["payments"][0]["status"], "authorised");
        let held = world.public_slot(&slot).await;
        assert_eq!((&held["sold"], &held["available"]), (&json!(0), &json!(1)));
        assert_eq!(intent_of(&world, &started).await["status"], "requires_capture");
        world.demo.souk.clock.advance(10);
        let order = world.order_becomes(&started, "paid").await;
        assert_eq!(order["payments"][0]["status"], "succeeded");
        let charge = world.charge(&started).await;
        assert_eq!((&charge["captured"], &charge["amount_captured"]), (&json!(true), &json!(4_000)));
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn an_authorisation_is_given_up_when_the_seat_is_gone_and_the_buyer_is_never_charged() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = on_confirmation(&world, model, 1).await;
        let late = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&late).await;
        let next = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&late, json!({})).await.expect(200);
        world.order_becomes(&late, "unfulfillable").await;
        eventually("the authorisation is given up", || async {
            let intent = intent_of(&world, &late).await;
            if intent["status"] == "canceled" { Ok(()) } else { Err(intent.to_string()) }
        })
        .await;
        assert_eq!(world.charge(&late).await["captured"], false);
        world.pay(&next, json!({})).await.expect(200);
        world.order_becomes(&next, "paid").await;
    }
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn what_was_not_asked_for_goes_to_review_and_is_neither_confirmed_nor_kept_from_the_buyer() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        // What souk wants is no longer what its session asks for.
        let order: OrderId = started["order"]["id"].as_str().unwrap().parse().unwrap();
        orders::Entity::update_many()
            .col_expr(orders::Column::Subtotal, Expr::value(2_600))
            .col_expr(orders::Column::Total, Expr::value(2_600))
            .filter(orders::Column::Id.eq(order.uuid()))
            .exec(world.demo.souk.db.unscoped())
            .await
            .unwrap();
        world.pay(&started, json!({})).await.expect(200);
        let order = world.order_becomes(&started, "review").await;
        assert_eq!(order["review_reason"], "amount_mismatch");
        assert_eq!(order["payments"][0]["amount"]["amount"], 2_500, "what was really paid");
        assert_eq!(world.public_slot(&slot).await["sold"], 0);
        assert_eq!(world.verify(&started).await["status"], "review");
        world.cancel(&started).await.refused(409, "order_not_cancellable");

        // The admin decides: all of it goes back, and the seat with it.
        let admin = world.admin().await;
        let review = admin.get("/v1/admin/orders?status=review").await.expect(200);
        assert!(review["data"].as_array().unwrap().iter().any(|row| row["id"] == order["id"]));
        let path = format!("/v1/orders/{}/refunds", order["id"].as_str().unwrap());
        let refund =
            admin.post_once(&path, &format!("review-{model}"), json!({"release": true})).await.expect(201);
        assert_eq!((&refund["status"], &refund["amount"]["amount"]), (&json!("succeeded"), &json!(2_500)));
        world.comes_back_whole(&started).await;
        assert_eq!(world.public_slot(&slot).await["available"], 2, "a seat that nobody has is for sale");
    }
    world.finish().await;
}

#[tokio::test]
async fn money_of_another_currency_goes_to_review() {
    let world = World::start().await;
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let mut session = world.session(&started).await;
    session["currency"] = json!("jpy");
    let event = World::event("checkout.session.completed", &session, None);
    world.deliver(&event).await.expect(200);
    let order = world.order_becomes(&started, "review").await;
    assert_eq!(order["review_reason"], "currency_mismatch");
    assert_eq!(world.public_slot(&slot).await["sold"], 0);
    world.finish().await;
}
