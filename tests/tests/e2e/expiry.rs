//! The end of a hold: by souk's clock, by the buyer's hand, by the provider's clock.

use serde_json::json;

use crate::support::{World, eventually};

#[tokio::test]
async fn a_hold_that_runs_out_ends_the_session_first_and_the_next_buyer_gets_the_seat() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
        world.let_holds_expire();
        // At the moment the seat is free, the provider takes no money for it any more.
        eventually("the seat is free", || async {
            let slot = world.public_slot(&slot).await;
            if slot["available"] == 1 { Ok(()) } else { Err(slot.to_string()) }
        })
        .await;
        assert_eq!(world.session(&started).await["status"], "expired");
        assert!(world.pay(&started, json!({})).await.status.is_client_error());
        let order = world.order(&started).await;
        assert_eq!(
            (&order["status"], &order["payments"][0]["status"]),
            (&json!("expired"), &json!("cancelled"))
        );

        let next = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&next, json!({})).await.expect(200);
        world.order_becomes(&next, "paid").await;
        assert_eq!(world.verify(&started).await["status"], "expired");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_payment_just_before_the_end_is_confirmed_by_the_release_itself() {
    let world = World::start().await;
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({})).await.expect(200);
        world.let_holds_expire();
        world.order_becomes(&started, "paid").await;
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
    }
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn a_bank_debit_begun_just_before_the_end_keeps_its_seat() {
    let world = World::start().await;
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({"payment_method": "bank_debit"})).await.expect(200);
    world.let_holds_expire();
    world.order_becomes(&started, "processing").await;
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    let intent = world.session(&started).await["payment_intent"].as_str().unwrap().to_owned();
    let settle = format!("/_sandbox/payment_intents/{intent}/settle");
    world.sandbox().post(&settle, json!({"outcome": "failed"})).await.expect(200);
    // Nobody tells souk; it asks.
    assert_eq!(world.verify(&started).await["status"], "failed");
    world.anonymous().checkout(&slot, 1).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_cancelled_order_can_not_be_paid_and_a_paid_one_can_not_be_cancelled() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        assert_eq!(world.cancel(&started).await.expect(200)["status"], "cancelled");
        assert_eq!(world.session(&started).await["status"], "expired");
        assert!(world.pay(&started, json!({})).await.status.is_client_error());
        world.cancel(&started).await.refused(409, "order_not_cancellable");

        let next = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.hold_webhooks().await;
        world.pay(&next, json!({})).await.expect(200);
        // Paid at the provider a moment ago: cancelling finds out, and confirms.
        world.cancel(&next).await.refused(409, "order_not_cancellable");
        assert_eq!(world.order(&next).await["status"], "paid");
        world.let_webhooks_go().await;
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn cancelling_needs_the_provider_and_says_so_when_it_is_away() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.faults(json!({"next": [{"path": "/expire", "kind": "drop_before", "times": 4}]})).await;
    world.cancel(&started).await.refused(503, "provider_unavailable");
    assert_eq!(world.order(&started).await["status"], "pending");
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    assert_eq!(world.cancel(&started).await.expect(200)["status"], "cancelled");
    world.anonymous().checkout(&slot, 1).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn a_session_that_ends_by_the_providers_clock_ends_the_order() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        // souk's own clock stands still: only the provider's time runs out.
        world.sandbox().post("/_sandbox/clock/advance", json!({"seconds": 40 * 60})).await.expect(200);
        world.order_becomes(&started, "expired").await;
        assert_eq!(world.session(&started).await["status"], "expired");
        world.anonymous().checkout(&slot, 1).await.expect(201);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_session_lives_as_long_as_the_provider_demands_and_the_hold_as_long_as_the_marketplace_says() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let hold: chrono::DateTime<chrono::Utc> =
        started["checkout"]["expires_at"].as_str().unwrap().parse().unwrap();
    let minutes = (hold - chrono::Utc::now()).num_minutes();
    assert!((14..=15).contains(&minutes), "{minutes}");
    assert_eq!(started["checkout"]["expires_at"], started["order"]["hold_expires_at"]);
    let session = world.session(&started).await;
    let lives = session["expires_at"].as_i64().unwrap() - session["created"].as_i64().unwrap();
    assert!((30 * 60..=24 * 3_600).contains(&lives), "{lives}");
    world.finish().await;
}
