//! Charged or refunded twice: the failures 16 to 21.

use std::collections::HashSet;

use futures_util::future::join_all;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk_domain::ids::{PaymentId, TenantId};
use souk_domain::people::Scope;
use souk_infra::entity::{mails, payment_receipts, payments};

use crate::support::{Reply, World, eventually};

async fn paid(world: &World, model: &str, price: i64) -> Value {
    let slot = world.slot(model, 5, price).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    started
}

async fn refund(world: &World, started: &Value, key: &str, body: Value) -> Reply {
    let path = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
    world.admin().await.post_once(&path, key, body).await
}

async fn refund_becomes(world: &World, started: &Value, status: &str) {
    let path = World::order_path(started, "/refunds");
    eventually("the refund ends", || async {
        let list = world.anonymous().get(&path).await.expect(200);
        if list["data"][0]["status"] == status { Ok(()) } else { Err(list.to_string()) }
    })
    .await;
}

// 16: a refund retried after a time-out gets a new idempotency key: refunded twice.
#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_asked_for_again_with_the_same_key() {
    let world = World::start().await;
    // One answer never comes; the other's connection is cut each time. The work is done whenever it is asked for.
    let silent = json!({"path": "/v1/refunds", "method": "POST", "kind": "timeout_after_work"});
    let cut = json!({"path": "/v1/refunds", "method": "POST", "kind": "drop_after_work", "times": 5});
    for (model, fault) in [("destination", silent), ("direct", cut)] {
        let started = paid(&world, model, 2_500).await;
        world.faults(json!({"next": [fault]})).await;
        let first =
            refund(&world, &started, &format!("{model}-1"), json!({"amount": 1_000})).await.expect(201);
        assert_eq!(first["amount"], json!({"amount": 1_000, "currency": "usd"}));
        // The job goes on where the caller gave up.
        world.demo.souk.clock.advance(30);
        refund_becomes(&world, &started, "succeeded").await;
        let again = refund(&world, &started, &format!("{model}-1"), json!({"amount": 1_000})).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(again.expect(201)["id"], first["id"]);

        let refunds = world.refunds_at_provider(&started).await;
        assert_eq!(refunds.len(), 1, "{refunds:?}");
        assert_eq!(world.charge(&started).await["amount_refunded"], 1_000);
        assert_eq!(world.order(&started).await["refunded"]["amount"], 1_000);
    }
    let calls = world.calls("POST", "/v1/refunds").await;
    let keys: HashSet<&str> =
        calls.iter().map(|call| call["headers"]["idempotency-key"].as_str().unwrap()).collect();
    assert!(calls.len() > 2, "it was tried more than once");
    assert_eq!(keys.len(), 2, "one key per refund: {keys:?}");
    world.finish().await;
}

// 17: the reservation id is the idempotency key; a second attempt after a decline is `idempotency_error`.
#[tokio::test]
async fn a_second_attempt_after_a_decline_is_an_attempt_of_its_own() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        for _ in 0..2 {
            assert_eq!(world.pay(&started, json!({"card": "4000000000000002"})).await.status, 402);
        }
        assert_eq!(world.verify(&started).await["status"], "pending");
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;

        // Given up after a decline, and tried anew as another order.
        let declined = world.anonymous().checkout(&slot, 1).await.expect(201);
        assert_eq!(world.pay(&declined, json!({"card": "4000000000000002"})).await.status, 402);
        assert_eq!(world.cancel(&declined).await.expect(200)["status"], "cancelled");
        let anew = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&anew, json!({})).await.expect(200);
        world.order_becomes(&anew, "paid").await;
    }
    world.finish().await;
}

// 18: two refunds of 60 both succeed on a payment of 100.
#[tokio::test]
async fn two_refunds_at_once_never_give_back_more_than_was_paid() {
    let world = World::start().await;
    let started = paid(&world, "destination", 10_000).await;
    let replies =
        join_all(["a", "b", "c"].map(|key| refund(&world, &started, key, json!({"amount": 6_000})))).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in refused {
        reply.refused(409, "refund_exceeds_payment");
    }
    refund(&world, &started, "d", json!({"amount": 4_001})).await.refused(409, "refund_exceeds_payment");
    refund(&world, &started, "e", json!({"amount": 4_000})).await.expect(201);
    refund(&world, &started, "f", json!({})).await.refused(409, "refund_exceeds_payment");
    eventually("both refunds arrive", || async {
        let charge = world.charge(&started).await;
        if charge["refunded"] == true { Ok(()) } else { Err(charge.to_string()) }
    })
    .await;
    assert_eq!(world.refunds_at_provider(&started).await.len(), 2);
    world.finish().await;
}

// 19: two simultaneous webhooks make two payments.
#[tokio::test]
async fn simultaneous_and_repeated_webhooks_make_one_payment() {
    let world = World::start().await;
    // The provider sends everything twice, and the other way round.
    world.faults(json!({"seed": 1, "webhooks": {"duplicate": 1.0, "reorder": 0.5}})).await;
    let slot = world.slot("destination", 5, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let session = world.session(&started).await;
    // One change told by several events, as Stripe documents, at the same moment.
    let events: Vec<Value> =
        (0..6).map(|_| World::event("checkout.session.completed", &session, None)).collect();
    join_all(events.iter().flat_map(|event| [world.deliver(event), world.deliver(event)])).await;
    for event in &events {
        assert_eq!(world.event_outcome(event).await["status"], "done");
    }
    let order = world.order_becomes(&started, "paid").await;
    assert_eq!(order["payments"].as_array().unwrap().len(), 1);

    let deliveries = world.sandbox().get("/_sandbox/deliveries").await.expect(200);
    let sale = deliveries["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["type"] == "checkout.session.completed" && row["status"] == 200)
        .unwrap();
    let resend = format!("/_sandbox/deliveries/{}/resend", sale["id"].as_str().unwrap());
    world.sandbox().post(&resend, json!({})).await.expect(200);

    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    let db = world.demo.souk.db.unscoped();
    assert_eq!(payment_receipts::Entity::find().all(db).await.unwrap().len(), 1);
    eventually("the buyer's mail is written", || async {
        let mails = mails::Entity::find().all(db).await.unwrap().len();
        if mails == 1 { Ok(()) } else { Err(mails.to_string()) }
    })
    .await;
    world.finish().await;
}

// 20: capture of an already captured intent fails, and the failure triggers a refund.
#[tokio::test]
async fn a_payment_captured_already_is_confirmed_and_not_refunded() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world
            .slot_with(
                model,
                1,
                json!({"title": "T", "price": {"amount": 2_500, "currency": "usd"}, "capture": "on_confirmation"}),
            )
            .await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.hold_webhooks().await;
        world.pay(&started, json!({})).await.expect(200);
        // Somebody captures it in the provider's dashboard before souk does.
        let intent = world.session(&started).await["payment_intent"].as_str().unwrap().to_owned();
        let place = world.place(&started).await;
        world.stripe_post(place.as_deref(), &format!("/v1/payment_intents/{intent}/capture"), &[]).await;
        world.let_webhooks_go().await;
        world.order_becomes(&started, "paid").await;
    }
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    assert_eq!(world.calls("POST", "/cancel").await.len(), 0);
    world.finish().await;
}

// 20, as it comes about by itself: the capture is done and its answer is lost.
#[tokio::test]
async fn a_capture_whose_answer_is_lost_captures_once() {
    let world = World::start().await;
    let slot = world
        .slot_with(
            "destination",
            1,
            json!({"title": "T", "price": {"amount": 2_500, "currency": "usd"}, "capture": "on_confirmation"}),
        )
        .await;
    world.faults(json!({"next": [{"path": "/capture", "kind": "drop_after_work", "times": 2}]})).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let charge = world.charge(&started).await;
    assert_eq!((&charge["amount_captured"], &charge["amount_refunded"]), (&json!(2_500), &json!(0)));
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    world.finish().await;
}

// 21: one order, two tabs, two sessions, both paid: the second payment must come back by itself.
#[tokio::test]
async fn the_second_payment_of_one_order_comes_back_by_itself() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 3, 2_500).await;
        let first = world.anonymous().checkout(&slot, 1).await.expect(201);
        let second = second_session(&world, &first).await;
        assert_ne!(first["checkout"]["session_id"], second["checkout"]["session_id"]);
        // Both tabs pay before souk hears of either.
        world.hold_webhooks().await;
        world.pay(&first, json!({})).await.expect(200);
        world.pay(&second, json!({})).await.expect(200);
        world.let_webhooks_go().await;

        let order = world.order_becomes(&first, "paid").await;
        assert_eq!(order["refunded"]["amount"], 0, "the order's own money stays");
        let refunded = eventually("one of the two comes back", || async {
            let charges = [world.charge(&first).await, world.charge(&second).await];
            let back = charges.iter().filter(|charge| charge["refunded"] == true).count();
            if back == 1 { Ok(charges[1]["refunded"] == true) } else { Err(format!("{back} came back")) }
        })
        .await;
        world.comes_back_whole(if refunded { &second } else { &first }).await;
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
        let statuses: Vec<_> = world.order(&first).await["payments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|payment| payment["status"].clone())
            .collect();
        assert_eq!(statuses, [json!("succeeded"), json!("succeeded")]);
    }
    world.finish().await;
}

/// Another attempt to pay the same order, set up with the provider by the same function as the first.
async fn second_session(world: &World, started: &Value) -> Value {
    let souk = &world.demo.souk;
    let first: PaymentId = started["order"]["payments"][0]["id"].as_str().unwrap().parse().unwrap();
    let row = payments::Entity::find()
        .filter(payments::Column::Id.eq(first.uuid()))
        .one(souk.db.unscoped())
        .await
        .unwrap()
        .unwrap();
    let (tenant, second) = (TenantId::from(row.tenant_id), PaymentId::new());
    let mut request = row.request.clone();
    request["payment"] = json!(second.to_string());
    let mut row = payments::ActiveModel::from(row).reset_all();
    row.id = Set(second.uuid());
    row.request = Set(request);
    row.status = Set("created".to_owned());
    row.session = Set(None);
    row.checkout_url = Set(None);
    payments::Entity::insert(row).exec_without_returning(souk.db.unscoped()).await.unwrap();
    souk_infra::checkout::resume(souk, &Scope::system(tenant), second).await.unwrap();
    let made = payments::Entity::find()
        .filter(payments::Column::Id.eq(second.uuid()))
        .one(souk.db.unscoped())
        .await
        .unwrap()
        .unwrap();
    let mut started = started.clone();
    started["checkout"]["session_id"] = json!(made.session.unwrap());
    started
}
