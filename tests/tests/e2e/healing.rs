//! Nothing depends on webhooks arriving, nor on the provider's being well.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk_domain::ids::PaymentId;
use souk_infra::entity::{payments, webhook_events};
use souk_infra::{gap_fill, sweeper};

use crate::support::{World, eventually};

async fn lose_all(world: &World) {
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
}

async fn lose_nothing(world: &World) {
    world.faults(json!({"webhooks": {"lose": 0.0}})).await;
}

async fn paid_unheard(world: &World, model: &str, how: Value) -> Value {
    let slot = world.slot(model, 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, how).await.expect(200);
    started
}

#[tokio::test]
async fn lost_webhooks_are_made_up_for_by_the_sweeper() {
    let world = World::start().await;
    lose_all(&world).await;
    let mut cards = Vec::new();
    for model in ["direct", "destination"] {
        cards.push(paid_unheard(&world, model, json!({})).await);
    }
    let debit = paid_unheard(&world, "destination", json!({"payment_method": "bank_debit"})).await;
    // Nobody is asked about before a minute has passed: the webhook may still be on its way.
    sweeper::sweep(world.demo.souk.clone()).await.unwrap();
    for order in cards.iter().chain([&debit]) {
        assert_eq!(world.order(order).await["status"], "pending");
    }
    world.demo.souk.clock.advance(61);
    sweeper::sweep(world.demo.souk.clone()).await.unwrap();
    for order in &cards {
        world.order_becomes(order, "paid").await;
    }
    world.order_becomes(&debit, "processing").await;
    let intent = world.session(&debit).await["payment_intent"].as_str().unwrap().to_owned();
    let settle = format!("/_sandbox/payment_intents/{intent}/settle");
    world.sandbox().post(&settle, json!({"outcome": "succeeded"})).await.expect(200);
    world.demo.souk.clock.advance(61);
    sweeper::sweep(world.demo.souk.clone()).await.unwrap();
    world.order_becomes(&debit, "paid").await;
    world.finish().await;
}

#[tokio::test]
async fn lost_webhooks_are_made_up_for_by_the_providers_list_of_events() {
    let world = World::start().await;
    for round in 0..2 {
        lose_all(&world).await;
        let mut started = Vec::new();
        for model in ["direct", "destination"] {
            started.push(paid_unheard(&world, model, json!({})).await);
        }
        lose_nothing(&world).await;
        gap_fill::fill(world.demo.souk.clone()).await.unwrap();
        for order in &started {
            world.order_becomes(order, "paid").await;
        }
        // Those that were lost arrive after all, once each: they are known already.
        let before = webhook_events::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap().len();
        let deliveries = world.sandbox().get("/_sandbox/deliveries").await.expect(200);
        let lost = deliveries["data"].as_array().unwrap().iter().filter(|row| {
            row["type"] == "checkout.session.completed" && row["status"].is_null() && row["attempt"] == 0
        });
        let mut resent = 0;
        for row in lost {
            let path = format!("/_sandbox/deliveries/{}/resend", row["id"].as_str().unwrap());
            world.sandbox().post(&path, json!({})).await.expect(200);
            resent += 1;
        }
        assert_eq!(resent, 2 * (round + 1));
        eventually("they have been delivered", || async {
            let deliveries = world.sandbox().get("/_sandbox/deliveries").await.expect(200);
            let arrived = deliveries["data"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| row["type"] == "checkout.session.completed" && row["status"] == 200);
            if arrived.count() >= 2 * (round + 1) { Ok(()) } else { Err("not yet") }.map_err(str::to_owned)
        })
        .await;
        let after = webhook_events::Entity::find().all(world.demo.souk.db.unscoped()).await.unwrap().len();
        assert_eq!(before, after, "the listed event and the delivered one are the same");
    }
    let events = world.admin().await.get("/v1/admin/webhook-events?status=done&limit=100").await.expect(200);
    let account = world.account("direct").await;
    let direct = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["type"] == "checkout.session.completed" && row["account"] == json!(account));
    assert_eq!(direct.expect("as the webhook would have come")["endpoint"], "connect");
    world.finish().await;
}

#[tokio::test]
async fn a_seller_whose_account_events_are_lost_is_not_forgotten() {
    let world = World::start().await;
    lose_all(&world).await;
    for model in ["direct", "destination"] {
        let email = format!("{model}@example.com");
        let body = json!({"email": email, "password": "a long enough password"});
        world.anonymous().post("/v1/auth/register", body).await.expect(201);
        let owner = world.anonymous().log_in(&email, "a long enough password").await;
        let body = json!({"display_name": "New", "country": "US", "charge_model": model});
        let seller = owner.post("/v1/sellers", body).await.expect(201)["id"].as_str().unwrap().to_owned();
        owner.post(&format!("/v1/sellers/{seller}/onboarding-link"), json!({})).await.expect(201);
        let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
        let account = view["connected_account"]["id"].as_str().unwrap();
        let path = format!("/_sandbox/accounts/{account}/complete_onboarding");
        world.sandbox().post(&path, json!({})).await.expect(200);
        world.demo.souk.clock.advance(10 * 60);
        gap_fill::fill(world.demo.souk.clone()).await.unwrap();
        sweeper::sweep(world.demo.souk.clone()).await.unwrap();
        let owner = world.anonymous().log_in(&email, "a long enough password").await;
        eventually("the seller is active", || async {
            let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
            if view["status"] == "active" { Ok(()) } else { Err(view.to_string()) }
        })
        .await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_busy_or_broken_for_a_moment_is_asked_again() {
    let world = World::start().await;
    for (model, kind) in [("direct", "error_429"), ("destination", "error_500"), ("direct", "drop_before")] {
        let fault = json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": kind, "times": 2});
        world.faults(json!({"next": [fault]})).await;
        let slot = world.slot(model, 1, 2_500).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_provider_that_stays_broken_is_a_503_and_no_seat_is_lost() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    world.faults(json!({"api": {"error_500": 1.0, "only": "/v1/checkout/sessions"}})).await;
    let basket = json!({"items": [{"slot_id": slot["id"], "quantity": 1}], "email": "guest@example.com"});
    let reply = world.anonymous().post_once("/v1/checkouts", "patient", basket.clone()).await;
    assert!(reply.headers.contains_key("retry-after"));
    reply.refused(503, "provider_unavailable");
    world.faults(json!({"api": {}})).await;
    let started = world.anonymous().post_once("/v1/checkouts", "patient", basket).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    world.finish().await;
}

#[tokio::test]
async fn an_error_that_the_provider_keeps_under_the_key_does_not_keep_the_seat_for_a_day() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let fault =
        json!({"path": "/v1/checkout/sessions", "method": "POST", "kind": "error_500", "saved": true});
    world.faults(json!({"next": [fault]})).await;
    world.anonymous().checkout(&slot, 1).await.refused(503, "provider_unavailable");
    world.let_holds_expire();
    world.anonymous().checkout(&slot, 1).await.refused(409, "sold_out");
    // Once the session, if there is one, has ended by itself, nobody can pay any more.
    eventually("the seat is free again", || async {
        world.demo.souk.clock.advance(5 * 60);
        tokio::task::yield_now().await;
        let slot = world.public_slot(&slot).await;
        if slot["available"] == 1 { Ok(()) } else { Err(slot.to_string()) }
    })
    .await;
    world.anonymous().checkout(&slot, 1).await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn an_ignored_event_can_be_replayed_when_its_reason_is_gone() {
    let world = World::start().await;
    let slot = world.slot("destination", 1, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let payment: PaymentId = started["order"]["payments"][0]["id"].as_str().unwrap().parse().unwrap();
    let set_session = async |session: &str| {
        payments::Entity::update_many()
            .col_expr(payments::Column::Session, Expr::value(session))
            .filter(payments::Column::Id.eq(payment.uuid()))
            .exec(world.demo.souk.db.unscoped())
            .await
            .unwrap();
    };
    set_session("cs_test_other").await;
    world.pay(&started, json!({})).await.expect(200);
    let admin = world.admin().await;
    let ignored = eventually("the event is ignored", || async {
        let list = admin.get("/v1/admin/webhook-events?status=ignored&limit=100").await.expect(200);
        let rows = list["data"].as_array().unwrap();
        rows.iter()
            .find(|row| row["type"] == "checkout.session.completed")
            .cloned()
            .ok_or_else(|| list.to_string())
    })
    .await;
    assert_eq!(ignored["reason"], "the payment has another session");
    assert_eq!(world.order(&started).await["status"], "pending");
    set_session(started["checkout"]["session_id"].as_str().unwrap()).await;
    let path = format!("/v1/admin/webhook-events/{}/replay", ignored["id"].as_str().unwrap());
    assert_eq!(admin.post(&path, json!({})).await.status, 202);
    world.order_becomes(&started, "paid").await;
    // Who replayed it is written down, and doing so again is harmless.
    assert_eq!(admin.post(&path, json!({})).await.status, 202);
    let audit = admin
        .get(&format!("/v1/admin/audit-log?subject={}", ignored["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(audit["data"][0]["action"], "webhook.replay");
    assert_eq!(audit["data"][0]["actor_kind"], "user");
    world.finish().await;
}
