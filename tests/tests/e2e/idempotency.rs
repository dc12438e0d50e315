//! Idempotency: a request repeated, for whatever reason, is one purchase.

use futures_util::future::join_all;
use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use souk_infra::entity::{orders, slot_holds};

use crate::support::World;

fn basket(slot: &Value, quantity: i64) -> Value {
    json!({"items": [{"slot_id": slot["id"], "quantity": quantity}], "email": "guest@example.com"})
}

async fn sessions_at_provider(world: &World) -> usize {
    let list = world.stripe_get(None, "/v1/checkout/sessions?limit=100").await;
    list["data"].as_array().unwrap().len()
}

async fn orders_here(world: &World) -> usize {
    orders::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap().len()
}

#[tokio::test]
async fn money_moves_only_with_a_key() {
    let world = World::start().await;
    let slot = world.slot("destination", 5, 2_500).await;
    let anonymous = world.anonymous();
    anonymous.post("/v1/checkouts", basket(&slot, 1)).await.refused(400, "idempotency_key_required");
    anonymous.post_once("/v1/checkouts", "", basket(&slot, 1)).await.refused(400, "idempotency_key_required");
    let long = "k".repeat(256);
    for bad in [long.as_str(), "with space", "tab\there"] {
        anonymous
            .post_once("/v1/checkouts", bad, basket(&slot, 1))
            .await
            .refused(400, "invalid_idempotency_key");
    }
    let twice = anonymous
        .request(Method::POST, "/v1/checkouts")
        .header("idempotency-key", "a")
        .header("idempotency-key", "b")
        .json(&basket(&slot, 1));
    anonymous.send(twice).await.refused(400, "invalid_idempotency_key");
    assert_eq!(orders_here(&world).await, 0);
    anonymous.post_once("/v1/checkouts", &"k".repeat(255), basket(&slot, 1)).await.expect(201);

    let started = anonymous.checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let path = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
    world.admin().await.post(&path, json!({})).await.refused(400, "idempotency_key_required");
    world.finish().await;
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_answer_and_another_one_is_refused() {
    let world = World::start().await;
    let slot = world.slot("destination", 5, 2_500).await;
    let anonymous = world.anonymous();
    let first = anonymous.post_once("/v1/checkouts", "key-1", basket(&slot, 1)).await;
    assert!(first.headers.get("idempotent-replayed").is_none());
    let first = first.expect(201);
    let again = anonymous.post_once("/v1/checkouts", "key-1", basket(&slot, 1)).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), first, "to the letter");
    // The same request in other words: fields in another order, a default written out.
    let mut same = basket(&slot, 1);
    same["ui_mode"] = json!("hosted");
    assert_eq!(anonymous.post_once("/v1/checkouts", "key-1", same).await.expect(201), first);
    anonymous
        .post_once("/v1/checkouts", "key-1", basket(&slot, 2))
        .await
        .refused(422, "idempotency_key_reused");

    // Even after it was paid, the first answer is the answer.
    world.pay(&first, json!({})).await.expect(200);
    world.order_becomes(&first, "paid").await;
    let late = anonymous.post_once("/v1/checkouts", "key-1", basket(&slot, 1)).await.expect(201);
    assert_eq!(late["order"]["id"], first["order"]["id"]);
    // Somebody else's key is another key, though it reads the same; so is the other marketplace's.
    let other = world.buyer().await.post_once("/v1/checkouts", "key-1", basket(&slot, 1)).await.expect(201);
    assert_ne!(other["order"]["id"], first["order"]["id"]);
    world
        .anonymous_at_second()
        .post_once("/v1/checkouts", "key-1", basket(&slot, 1))
        .await
        .refused(404, "slot_not_found");

    let path = format!("/v1/orders/{}/refunds", first["order"]["id"].as_str().unwrap());
    let admin = world.admin().await;
    let refund = admin.post_once(&path, "key-1", json!({"amount": 500})).await.expect(201);
    let again = admin.post_once(&path, "key-1", json!({"amount": 500})).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), refund);
    admin.post_once(&path, "key-1", json!({"amount": 501})).await.refused(422, "idempotency_key_reused");
    assert_eq!(world.order(&first).await["refunded"]["amount"], 500);
    assert_eq!(world.refunds_at_provider(&first).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_does_not_use_a_key_up() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let anonymous = world.anonymous();
    let first = anonymous.checkout(&slot, 1).await.expect(201);
    anonymous.post_once("/v1/checkouts", "patient", basket(&slot, 1)).await.refused(409, "sold_out");
    world.cancel(&first).await.expect(200);
    anonymous.post_once("/v1/checkouts", "patient", basket(&slot, 1)).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn many_at_once_with_one_key_make_one_order() {
    let world = World::start().await;
    let slot = world.slot("destination", 9, 2_500).await;
    let slow = json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": "slow", "delay_ms": 1_500});
    world.faults(json!({"next": [slow]})).await;
    let anonymous = world.anonymous();
    let replies =
        join_all((0..6).map(|_| anonymous.post_once("/v1/checkouts", "impatient", basket(&slot, 1)))).await;
    let (made, waiting): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in waiting {
        reply.refused(409, "idempotency_in_progress");
    }
    let again = anonymous.post_once("/v1/checkouts", "impatient", basket(&slot, 1)).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), made[0].body);
    assert_eq!((orders_here(&world).await, sessions_at_provider(&world).await), (1, 1));
    world.finish().await;
}

#[tokio::test]
async fn an_answer_of_the_provider_that_is_lost_leaves_one_session_and_one_order() {
    let world = World::start().await;
    let slot = world.slot("destination", 9, 2_500).await;
    let anonymous = world.anonymous();
    for (index, kind) in ["drop_after_work", "timeout_after_work"].into_iter().enumerate() {
        let fault = json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": kind});
        world.faults(json!({"next": [fault]})).await;
        let started = anonymous.post_once("/v1/checkouts", kind, basket(&slot, 1)).await.expect(201);
        assert_eq!(started["order"]["status"], "pending");
        assert_eq!((orders_here(&world).await, sessions_at_provider(&world).await), (index + 1, index + 1));
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_caller_who_was_told_to_try_again_gets_the_order_that_was_begun() {
    let world = World::start().await;
    let slot = world.slot("direct", 9, 2_500).await;
    let anonymous = world.anonymous();
    let cut =
        json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": "drop_after_work", "times": 4});
    world.faults(json!({"next": [cut]})).await;
    let failed = anonymous.post_once("/v1/checkouts", "again", basket(&slot, 2)).await;
    assert!(failed.headers.contains_key("retry-after"));
    failed.refused(503, "provider_unavailable");
    assert_eq!(world.public_slot(&slot).await["available"], 7, "its seats are held, once");
    anonymous
        .post_once("/v1/checkouts", "again", basket(&slot, 3))
        .await
        .refused(422, "idempotency_key_reused");
    let started = anonymous.post_once("/v1/checkouts", "again", basket(&slot, 2)).await.expect(201);
    assert_eq!(orders_here(&world).await, 1);
    assert_eq!(world.public_slot(&slot).await["available"], 7);
    let account = world.account("direct").await;
    let list = world.stripe_get(Some(&account), "/v1/checkout/sessions").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    assert_eq!(world.public_slot(&slot).await["sold"], 2);
    world.finish().await;
}

#[tokio::test]
async fn a_caller_who_never_comes_back_leaves_no_seat_taken() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let cut =
        json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": "drop_after_work", "times": 4});
    world.faults(json!({"next": [cut]})).await;
    world.anonymous().checkout(&slot, 1).await.refused(503, "provider_unavailable");
    // The job asks again for the session whose answer was lost, and ends it when its time has come.
    world.let_holds_expire();
    crate::support::eventually("the seat is free again", || async {
        let holds = slot_holds::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap();
        if holds.is_empty() { Ok(()) } else { Err(format!("{holds:?}")) }
    })
    .await;
    let list = world.stripe_get(None, "/v1/checkout/sessions").await;
    let statuses: Vec<_> = list["data"].as_array().unwrap().iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, [json!("expired")]);
    world.anonymous().checkout(&slot, 1).await.expect(201);
    world.finish().await;
}
