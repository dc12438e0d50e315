//! One seat, two people: the failures 9 to 15 of marketplaces that sold what they did not have.

use futures_util::future::join_all;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use souk_infra::entity::slot_holds;

use crate::support::{World, eventually};

// 9: an unpaid holder pays late; both buyers own the slot.
#[tokio::test]
async fn a_holder_who_pays_late_does_not_share_the_seat_with_the_next_buyer() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let late = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.lose_hold(&late).await;
    let next = world.anonymous().checkout(&slot, 1).await.expect(201);
    // The late one's money arrives first, while the next one still holds the seat.
    world.pay(&late, json!({})).await.expect(200);
    world.order_becomes(&late, "unfulfillable").await;
    world.comes_back_whole(&late).await;
    world.pay(&next, json!({})).await.expect(200);
    world.order_becomes(&next, "paid").await;
    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    world.finish().await;
}

// 10: abandon payment, book the same slot again, be confirmed without paying.
#[tokio::test]
async fn an_abandoned_payment_confirms_no_second_booking() {
    let world = World::start().await;
    let slot = world.slot("destination", 2, 2_500).await;
    let buyer = world.buyer().await;
    let abandoned = buyer.checkout(&slot, 1).await.expect(201);
    let again = buyer.checkout(&slot, 1).await.expect(201);
    assert_ne!(abandoned["order"]["id"], again["order"]["id"]);
    assert_ne!(abandoned["checkout"]["session_id"], again["checkout"]["session_id"]);
    for _ in 0..2 {
        assert_eq!(world.verify(&again).await["status"], "pending");
    }
    // Paying one of them confirms that one.
    world.pay(&abandoned, json!({})).await.expect(200);
    world.order_becomes(&abandoned, "paid").await;
    assert_eq!(world.verify(&again).await["status"], "pending");

    // A paid session that names the unpaid order as its own, if such a thing came, is of another session.
    let mut session = world.session(&abandoned).await;
    session["metadata"]["souk_order"] = again["order"]["id"].clone();
    session["metadata"]["souk_payment"] = again["order"]["payments"][0]["id"].clone();
    let event = World::event("checkout.session.completed", &session, None);
    world.deliver(&event).await.expect(200);
    assert_eq!(world.event_outcome(&event).await["status"], "ignored");
    assert_eq!(world.verify(&again).await["status"], "pending");
    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    world.finish().await;
}

// 11: simultaneous bookings of a many-seat slot.
#[tokio::test]
async fn simultaneous_bookings_of_a_many_seat_slot_never_hold_more_than_there_is() {
    let world = World::start().await;
    let slot = world.slot("direct", 10, 2_500).await;
    let replies = join_all((0..20).map(|n| {
        let (buyer, slot) = (world.anonymous(), slot.clone());
        async move { buyer.checkout(&slot, 1 + n % 3).await }
    }))
    .await;
    let mut held = 0;
    let mut started = Vec::new();
    for reply in replies {
        if reply.status == 201 {
            held += reply.body["order"]["lines"][0]["quantity"].as_i64().unwrap();
            started.push(reply.body);
        } else {
            let problem = reply.refused(409, "sold_out");
            assert_eq!(problem["slot_id"], slot["id"], "the refusal names the slot");
        }
    }
    assert!((8..=10).contains(&held), "nobody who asked for what was left was sent away: {held}");
    assert_eq!(world.public_slot(&slot).await["available"], 10 - held);
    join_all(started.iter().map(|order| async { world.pay(order, json!({})).await.expect(200) })).await;
    for order in &started {
        world.order_becomes(order, "paid").await;
    }
    let sold = world.public_slot(&slot).await;
    assert_eq!((&sold["sold"], &sold["available"]), (&json!(held), &json!(10 - held)));
    world.finish().await;
}

// 12: the lock was skipped "for performance"; the last ticket was sold twice.
#[tokio::test]
async fn the_last_ticket_is_sold_once() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let replies = join_all((0..16).map(|_| {
        let (buyer, slot) = (world.anonymous(), slot.clone());
        async move { buyer.checkout(&slot, 1).await }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(won.len(), 1);
    for reply in lost {
        reply.refused(409, "sold_out");
    }
    world.pay(&won[0].body, json!({})).await.expect(200);
    world.order_becomes(&won[0].body, "paid").await;
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    world.finish().await;
}

// 12, the other end: eight who have all lost their hold pay for the last ticket at the same moment.
#[tokio::test]
async fn the_last_ticket_paid_for_by_many_at_once_goes_to_one_and_the_rest_is_refunded() {
    let world = World::start().await;
    let slot = world.slot("direct", 1, 2_500).await;
    let mut started = Vec::new();
    for _ in 0..8 {
        let order = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&order).await;
        started.push(order);
    }
    join_all(started.iter().map(|order| async {
        world.pay(order, json!({})).await.expect(200);
        world.verify_reply(order).await;
    }))
    .await;
    let mut paid = 0;
    for order in &started {
        let order = eventually("the order is decided", || async {
            let order = world.order(order).await;
            if order["status"] == "expired" { Err(order.to_string()) } else { Ok(order) }
        })
        .await;
        paid += i32::from(order["status"] == "paid");
    }
    assert_eq!(paid, 1);
    for order in &started {
        if world.order(order).await["status"] == "unfulfillable" {
            world.comes_back_whole(order).await;
        }
    }
    world.finish().await;
}

// 13: asynchronous payment methods walk past the ticket limit.
#[tokio::test]
async fn a_bank_debit_under_way_keeps_its_seat_and_nobody_elses() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let slow = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&slow, json!({"payment_method": "bank_debit"})).await.expect(200);
    world.order_becomes(&slow, "processing").await;
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    // The hold's time runs out while the bank takes its days.
    world.let_holds_expire();
    release_job_done(&world, &slow).await;
    assert_eq!(world.order(&slow).await["status"], "processing");
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");

    let intent = world.session(&slow).await["payment_intent"].as_str().unwrap().to_owned();
    let settle = format!("/_sandbox/payment_intents/{intent}/settle");
    world.sandbox().post(&settle, json!({"outcome": "succeeded"})).await.expect(200);
    world.order_becomes(&slow, "paid").await;
    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    world.finish().await;
}

// 14: an expiry UPDATE without an owner guard releases the next buyer's seat.
#[tokio::test]
async fn the_end_of_one_hold_told_again_leaves_the_next_buyers_seat_alone() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let first = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.let_holds_expire();
    world.order_becomes(&first, "expired").await;
    let next = world.anonymous().checkout(&slot, 1).await.expect(201);

    // The provider tells of the first one's end again, and once more by another event; the job runs again.
    let session = world.session(&first).await;
    assert_eq!(session["status"], "expired");
    let event = World::event("checkout.session.expired", &session, None);
    for _ in 0..2 {
        world.deliver(&event).await.expect(200);
    }
    world.event_outcome(&event).await;
    release_job_done(&world, &first).await;
    world.cancel(&first).await.refused(409, "order_not_cancellable");
    assert_eq!(world.verify(&first).await["status"], "expired");

    assert_eq!(world.order(&next).await["status"], "pending");
    assert_eq!(slot_holds::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap().len(), 1);
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    world.pay(&next, json!({})).await.expect(200);
    world.order_becomes(&next, "paid").await;
    world.finish().await;
}

// 15: a hold is released while the provider still lets the buyer pay.
#[tokio::test]
async fn a_hold_is_kept_while_the_provider_can_not_be_told_to_stop() {
    let world = World::start().await;
    let slot = world.slot("direct", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.faults(json!({"api": {"error_500": 1.0, "only": "/expire"}})).await;
    world.let_holds_expire();
    let job = eventually("the release has been tried in vain", || async {
        let jobs = world.admin().await.get("/v1/admin/jobs?status=pending&limit=100").await.expect(200);
        let failed = jobs["data"].as_array().unwrap().iter().find(|job| {
            job["kind"] == "release_hold"
                && job["subject"] == started["order"]["id"]
                && !job["last_error"].is_null()
        });
        failed.cloned().ok_or_else(|| jobs.to_string())
    })
    .await;
    assert_eq!(world.order(&started).await["status"], "pending");
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");

    world
        .sandbox()
        .send(world.sandbox().request(reqwest::Method::DELETE, "/_sandbox/faults"))
        .await
        .expect(200);
    let retry = format!("/v1/admin/jobs/{}/retry", job["id"].as_str().unwrap());
    assert_eq!(world.admin().await.post(&retry, json!({})).await.status, 202);
    world.order_becomes(&started, "expired").await;
    assert_eq!(world.session(&started).await["status"], "expired");
    // Now nobody can pay for it any more, and somebody else can have it.
    assert!(world.pay(&started, json!({})).await.status.is_client_error());
    world.anonymous().checkout(&slot, 1).await.expect(201);
    world.finish().await;
}

/// Waits until the order's `release_hold` job is done.
async fn release_job_done(world: &World, started: &Value) {
    eventually("the release job is done", || async {
        let jobs = world.admin().await.get("/v1/admin/jobs?status=done&limit=100").await.expect(200);
        let done = jobs["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|job| job["kind"] == "release_hold" && job["subject"] == started["order"]["id"]);
        if done { Ok(()) } else { Err(jobs.to_string()) }
    })
    .await;
}
