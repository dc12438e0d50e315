//! Paid, and nothing to show for it: the failures 1 to 8 of marketplaces that lost an order and kept the money.

use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use souk_domain::ids::PaymentId;
use souk_infra::entity::payments;

use crate::support::{World, eventually};

// 1: capacity ran out after a successful payment; the money is taken, the order is not.
#[tokio::test]
async fn capacity_that_runs_out_after_payment_refunds_in_full() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let late = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&late).await;
        let first = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&first, json!({})).await.expect(200);
        world.order_becomes(&first, "paid").await;

        world.pay(&late, json!({})).await.expect(200);
        let order = world.order_becomes(&late, "unfulfillable").await;
        assert_eq!(order["refunded"], json!({"amount": 2_500, "currency": "usd"}));
        world.comes_back_whole(&late).await;
        assert_eq!(world.public_slot(&slot).await["sold"], 1);
        assert_eq!(world.order(&first).await["status"], "paid");
    }
    world.finish().await;
}

// 1, another way: the seller calls the slot off while a buyer is on the provider's page.
#[tokio::test]
async fn a_slot_called_off_during_payment_refunds_in_full() {
    let world = World::start().await;
    let slot = world.slot("destination", 5, 2_500).await;
    let started = world.anonymous().checkout(&slot, 2).await.expect(201);
    let (owner, seller) = world.seller("destination").await;
    let path = format!(
        "/v1/sellers/{seller}/listings/{}/slots/{}",
        slot["listing_id"].as_str().unwrap(),
        slot["id"].as_str().unwrap()
    );
    owner.patch(&path, json!({"status": "cancelled"})).await.expect(200);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "unfulfillable").await;
    world.comes_back_whole(&started).await;
    world.finish().await;
}

// 2: paid in time, the webhook was processed after the hold expired; refunded though seats were free.
#[tokio::test]
async fn paid_in_time_and_heard_of_late_is_confirmed() {
    let world = World::start().await;
    world.hold_webhooks().await;
    let slot = world.slot("direct", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.let_holds_expire();
    let order = world.order_becomes(&started, "paid").await;
    // By the provider's time, which is the wall clock's, not by that of souk's queue.
    let paid_at: chrono::DateTime<chrono::Utc> = order["paid_at"].as_str().unwrap().parse().unwrap();
    assert!(paid_at < chrono::Utc::now() + chrono::Duration::seconds(5), "{paid_at}");
    world.let_webhooks_go().await;
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    world.finish().await;
}

// 3: a payment for an expired order should try to claim a seat again before it gives up.
#[tokio::test]
async fn a_payment_for_an_expired_order_claims_its_seats_again() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 2, 2_500).await;
        let started = world.anonymous().checkout(&slot, 2).await.expect(201);
        world.lose_hold(&started).await;
        assert_eq!(world.public_slot(&slot).await["available"], 2);
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
        assert_eq!(world.public_slot(&slot).await["sold"], 2);
    }
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    world.finish().await;
}

// 4: a fully charged checkout can't become an order, the money is stranded.
#[tokio::test]
async fn money_that_reaches_an_order_in_any_status_buys_seats_or_comes_back() {
    let world = World::start().await;
    let slot = world.slot("destination", 9, 2_500).await;
    for status in ["expired", "cancelled", "failed"] {
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&started).await;
        world.set_status(&started, status).await;
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    for status in ["unfulfillable", "review"] {
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&started).await;
        world.set_status(&started, status).await;
        world.pay(&started, json!({})).await.expect(200);
        world.comes_back_whole(&started).await;
        assert_eq!(world.order(&started).await["status"], status);
    }
    assert_eq!(world.public_slot(&slot).await["sold"], 3);
    world.finish().await;
}

// 5: the webhook handler logs a failed transition and answers 200; the order stays unplaced for ever.
#[tokio::test]
async fn a_webhook_that_can_not_be_worked_off_is_kept_with_its_reason_until_it_can() {
    let world = World::start().await;
    let slot = world.slot("destination", 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let payment: PaymentId = started["order"]["payments"][0]["id"].as_str().unwrap().parse().unwrap();
    let row = payments::Entity::find()
        .filter(payments::Column::Id.eq(payment.uuid()))
        .one(world.demo.souk.db.unscoped())
        .await
        .unwrap()
        .unwrap();
    let write_request = async |request: serde_json::Value| {
        payments::Entity::update_many()
            .col_expr(payments::Column::Request, Expr::value(request))
            .filter(payments::Column::Id.eq(payment.uuid()))
            .exec(world.demo.souk.db.unscoped())
            .await
            .unwrap();
    };
    write_request(json!({"spoilt": true})).await;
    world.pay(&started, json!({})).await.expect(200);

    let admin = world.admin().await;
    let dead = eventually("the webhook is given up where an admin sees it", || async {
        let list = admin.get("/v1/admin/webhook-events?status=dead").await.expect(200);
        list["data"].get(0).cloned().ok_or_else(|| list.to_string())
    })
    .await;
    assert_eq!(dead["type"], "checkout.session.completed");
    assert!(dead["reason"].as_str().unwrap().contains("payments.request"), "{dead}");
    assert_eq!(world.order(&started).await["status"], "pending");
    assert_eq!(world.public_slot(&slot).await["available"], 1, "the seat stays held meanwhile");

    write_request(row.request).await;
    let replay = format!("/v1/admin/webhook-events/{}/replay", dead["id"].as_str().unwrap());
    assert_eq!(admin.post(&replay, json!({})).await.status, 202);
    world.order_becomes(&started, "paid").await;
    world.finish().await;
}

// 6: the browser's confirmation and the webhook race; about one order in twenty vanishes.
#[tokio::test]
async fn the_browsers_verify_racing_the_webhook_loses_no_order() {
    let world = World::start().await;
    let slot = world.slot("destination", 16, 2_500).await;
    let started =
        join_all((0..16).map(|_| async { world.anonymous().checkout(&slot, 1).await.expect(201) })).await;
    join_all(started.iter().map(|order| async {
        world.pay(order, json!({})).await.expect(200);
        let replies = join_all((0..3).map(|_| world.verify_reply(order))).await;
        for reply in replies {
            assert_eq!(reply.expect(200)["status"], "paid");
        }
    }))
    .await;
    assert_eq!(world.public_slot(&slot).await["sold"], 16);
    world.finish().await;
}

// 7: the event's API version is newer than the SDK can decode; payments stay unconfirmed.
#[tokio::test]
async fn an_event_of_an_api_version_from_the_future_still_confirms() {
    let world = World::start().await;
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({})).await.expect(200);
        let mut session = world.session(&started).await;
        session["ui_mode"] = json!("telepathy");
        session["payment_method_types"] = json!([{"shape": "unknown"}]);
        session["total_details"]["breakdown"] = json!("no longer an object");
        session["customer_details"] = json!(["now", "an", "array"]);
        session.as_object_mut().unwrap().remove("automatic_tax");
        let place = world.place(&started).await;
        let mut event = World::event("checkout.session.completed", &session, place.as_deref());
        event["api_version"] = json!("2031-01-01.xylophone");
        event["request"] = json!("req_1");
        world.deliver(&event).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

// 8: with direct charges `checkout.session.completed` never arrives, since the connect endpoint does not listen to it.
#[tokio::test]
async fn a_direct_sale_is_heard_of_at_the_connect_endpoint() {
    let world = World::start().await;
    let endpoints = world.stripe_get(None, "/v1/webhook_endpoints").await;
    let connect = endpoints["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["url"].as_str().unwrap().ends_with("/webhooks/stripe/connect"));
    let types = connect.unwrap()["enabled_events"].as_array().unwrap();
    assert!(types.contains(&json!("checkout.session.completed")), "{types:?}");

    let slot = world.slot("direct", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let account = world.account("direct").await;
    let events = world.admin().await.get("/v1/admin/webhook-events?status=done").await.expect(200);
    let sale =
        events["data"].as_array().unwrap().iter().find(|row| row["type"] == "checkout.session.completed");
    let sale = sale.unwrap();
    assert_eq!((&sale["endpoint"], &sale["account"]), (&json!("connect"), &json!(account)));
    world.finish().await;
}
