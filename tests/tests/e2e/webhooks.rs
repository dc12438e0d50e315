//! Webhooks: the failures 31 to 37. What is not rightly signed does nothing; what is, is never lost.

use std::io;
use std::sync::{Arc, Mutex};

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk_infra::entity::{jobs, mails, webhook_events};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{World, eventually, post_webhook, signature};

/// A paid session's event that the provider never delivered, and its order.
async fn undelivered_sale(world: &World, model: &str) -> (Value, Value) {
    world.faults(json!({"webhooks": {"lose": 1.0}})).await;
    let slot = world.slot(model, 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let session = world.session(&started).await;
    let place = world.place(&started).await;
    let event = World::event("checkout.session.completed", &session, place.as_deref());
    (event, started)
}

/// How many events of the platform's endpoint are stored; the connect endpoint still hears of the sellers' onboarding.
async fn stored_events(world: &World) -> usize {
    webhook_events::Entity::find()
        .filter(webhook_events::Column::Endpoint.eq("platform"))
        .all(world.demo.souk.db.unscoped())
        .await
        .unwrap()
        .len()
}

/// Whether the event is stored.
async fn is_stored(world: &World, event: &Value) -> bool {
    webhook_events::Entity::find()
        .filter(webhook_events::Column::ProviderEvent.eq(event["id"].as_str().unwrap()))
        .one(world.demo.souk.db.unscoped())
        .await
        .unwrap()
        .is_some()
}

// 31: signature checked after the work is done, or after the 200.
#[tokio::test]
async fn a_webhook_that_is_not_rightly_signed_is_refused_and_does_nothing() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let (event, started) = undelivered_sale(&world, model).await;
        let info = &world.info().tenants[0];
        let (own, other, path) = if model == "direct" {
            (&info.connect_webhook_secret, &info.webhook_secret, "/webhooks/stripe/connect")
        } else {
            (&info.webhook_secret, &info.connect_webhook_secret, "/webhooks/stripe")
        };
        let foreign = &world.info().tenants[1].webhook_secret;
        let body = event.to_string();
        let now = chrono::Utc::now().timestamp();
        let good = signature(own, now, &body);
        for bad in [
            String::new(),
            "t=1".to_owned(),
            signature("whsec_guess", now, &body),
            signature("", now, &body),
            // The other endpoint's secret, and the other marketplace's.
            signature(other, now, &body),
            signature(foreign, now, &body),
            // Too old, from the future, another body, another time, another scheme.
            signature(own, now - 400, &body),
            signature(own, now + 400, &body),
            signature(own, now, &format!("{body} ")),
            good.replacen(&format!("t={now}"), &format!("t={}", now + 1), 1),
            good.replacen("v1=", "v0=", 1),
        ] {
            post_webhook(&world.anonymous(), path, &body, &bad).await.refused(400, "bad_signature");
        }
        let unsigned = world.anonymous().post(path, event.clone()).await;
        unsigned.refused(400, "bad_signature");
        assert!(!is_stored(&world, &event).await, "what is refused is not stored");
        assert_eq!(world.order(&started).await["status"], "pending");

        // While a secret is rolled, there is one signature for each.
        let rolling =
            format!("{},v1={}", signature("whsec_old", now, &body), &good[good.find("v1=").unwrap() + 3..]);
        let reply = post_webhook(&world.anonymous(), path, &body, &rolling).await;
        assert_eq!(reply.expect(200), json!({"received": true}));
        world.order_becomes(&started, "paid").await;
    }
    world.finish().await;
}

// 31, the order of things: when the answer is given, the event is durable.
#[tokio::test]
async fn an_event_is_durable_when_it_is_answered_and_a_wrong_one_is_never_a_500() {
    let world = World::start().await;
    let info = &world.info().tenants[0];
    for (index, body) in [
        "",
        "not JSON",
        "[]",
        "null",
        "{}",
        r#"{"id": 5, "type": ["x"], "livemode": "yes", "created": "today", "data": 3}"#,
        r#"{"id": "evt_odd_1", "type": "checkout.session.completed", "livemode": false, "data": {"object": {}}}"#,
        r#"{"id": "evt_odd_2", "type": "checkout.session.completed", "livemode": false}"#,
        r#"{"id": "evt_odd_3", "type": "checkout.session.completed", "livemode": false, "data": {"object": {"id": "cs_1", "payment_status": "paid", "created": 1, "expires_at": 1, "metadata": {"souk_payment": "pay_nonsense", "souk_order": "ord_nonsense"}}}}"#,
        r#"{"id": "evt_odd_4", "type": "a.type.of.tomorrow", "livemode": false, "data": {"object": {"id": "x"}}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let before = stored_events(&world).await;
        let now = chrono::Utc::now().timestamp();
        let reply =
            post_webhook(&world.anonymous(), "/webhooks/stripe", body, &signature(&info.webhook_secret, now, body))
                .await;
        assert_eq!(reply.expect(200), json!({"received": true}), "{index}: {body}");
        assert_eq!(stored_events(&world).await, before + 1, "{index}: kept, whatever it is: {body}");
    }
    let bytes = [b'{', 0xff, 0xfe, 0x00, b'}'];
    let now = chrono::Utc::now().timestamp();
    let request = world
        .anonymous()
        .request(reqwest::Method::POST, "/webhooks/stripe")
        .header("stripe-signature", signature("whsec_guess", now, "x"))
        .body(bytes.to_vec());
    world.anonymous().send(request).await.refused(400, "bad_signature");
    let large = format!("{{\"pad\": \"{}\"}}", "x".repeat(1024 * 1024));
    let signed = signature(&info.webhook_secret, now, &large);
    assert_eq!(post_webhook(&world.anonymous(), "/webhooks/stripe", &large, &signed).await.status, 413);

    // None of them is lost, and an admin can read what became of each, or why it is tried again.
    eventually("each has a reason", || async {
        let all = world.admin().await.get("/v1/admin/webhook-events?limit=100").await.expect(200);
        let odd: Vec<_> =
            all["data"].as_array().unwrap().iter().filter(|row| row["endpoint"] == "platform").collect();
        let explained = odd.iter().all(|row| row["reason"].is_string() && row["status"] != "done");
        if odd.len() == 10 && explained { Ok(()) } else { Err(format!("{odd:?}")) }
    })
    .await;
    world.demo.stop().await;
}

/// Everything that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// 32: the raw payload, with the buyer's name and address, is in the log when a signature fails.
#[tokio::test]
async fn no_payload_and_no_secret_is_logged_whether_the_signature_is_good_or_bad() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_env_filter("trace,souk_sandbox=off,stripe_sandbox=off,hyper=info,hyper_util=info,sqlx=info")
        .with_writer(log.clone())
        .with_ansi(false)
        .init();
    let world = World::start().await;
    let (mut event, started) = undelivered_sale(&world, "direct").await;
    event["data"]["object"]["customer_details"] = json!({
        "name": "Xaver Zwiebelmeier", "email": "xaver.zwiebelmeier@example.com",
        "address": {"line1": "Zwiebelgasse 77"},
    });
    let info = &world.info().tenants[0];
    let body = event.to_string();
    let now = chrono::Utc::now().timestamp();
    let path = "/webhooks/stripe/connect";
    let wrong = signature("whsec_guess", now, &body);
    post_webhook(&world.anonymous(), path, &body, &wrong).await.refused(400, "bad_signature");
    post_webhook(&world.anonymous(), path, &body, &signature(&info.connect_webhook_secret, now, &body))
        .await
        .expect(200);
    world.order_becomes(&started, "paid").await;
    // One that fails while it is worked on, too.
    let mut broken = event.clone();
    broken["id"] = json!("evt_broken");
    broken["data"]["object"].as_object_mut().unwrap().remove("payment_status");
    world.deliver(&broken).await.expect(200);
    eventually("the broken event has been tried", || async {
        let rows = webhook_events::Entity::find()
            .filter(webhook_events::Column::ProviderEvent.eq("evt_broken"))
            .filter(webhook_events::Column::Reason.is_not_null())
            .all(world.demo.souk.db.unscoped())
            .await
            .unwrap();
        if rows.len() == 1 { Ok(()) } else { Err(format!("{rows:?}")) }
    })
    .await;

    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("webhook refused"), "the refusal itself is logged");
    for personal in ["Zwiebel", "xaver", "guest@example.com"] {
        assert!(!text.contains(personal), "{personal} is in the log");
    }
    for secret in [&info.stripe_secret_key, &info.webhook_secret, &info.connect_webhook_secret, &wrong] {
        assert!(!text.contains(secret.as_str()), "{secret} is in the log");
    }
    world.demo.stop().await;
}

// 33: events deduplicated in a cache for an hour; Stripe retries for three days.
#[tokio::test]
async fn an_event_that_comes_again_after_three_days_is_the_same_event() {
    let world = World::start().await;
    let (event, started) = undelivered_sale(&world, "destination").await;
    world.deliver(&event).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let before = stored_events(&world).await;
    for _ in 0..3 {
        world.demo.souk.clock.advance(25 * 3_600);
        souk_infra::idempotency::purge(&world.demo.souk).await.unwrap();
        assert_eq!(world.deliver(&event).await.expect(200), json!({"received": true}));
    }
    assert_eq!(stored_events(&world).await, before);
    assert_eq!(world.event_outcome(&event).await["attempts"], 1);
    assert_eq!(world.order(&started).await["status"], "paid");
    world.finish().await;
}

// 34: a redelivered old `account.updated` revokes what a newer one granted.
#[tokio::test]
async fn an_old_account_event_that_comes_again_revokes_nothing() {
    let world = World::start().await;
    let account = world.account("direct").await;
    let (owner, seller) = world.seller("direct").await;
    let status_is = async |wanted: &str| {
        eventually("the seller's status follows", || async {
            let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
            if view["status"] == wanted { Ok(()) } else { Err(view.to_string()) }
        })
        .await;
    };
    world.sandbox().post(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await.expect(200);
    status_is("restricted").await;
    let restricted = world.stripe_get(None, &format!("/v1/accounts/{account}")).await;
    world
        .sandbox()
        .post(&format!("/_sandbox/accounts/{account}/complete_onboarding"), json!({}))
        .await
        .expect(200);
    status_is("active").await;

    let mut stale = World::event("account.updated", &restricted, Some(&account));
    stale["created"] = json!(chrono::Utc::now().timestamp() - 7_200);
    world.deliver(&stale).await.expect(200);
    assert_eq!(world.event_outcome(&stale).await["status"], "done");
    status_is("active").await;

    // The other way round: an old event that granted does not lift a restriction.
    let granted = world.stripe_get(None, &format!("/v1/accounts/{account}")).await;
    world.sandbox().post(&format!("/_sandbox/accounts/{account}/restrict"), json!({})).await.expect(200);
    status_is("restricted").await;
    let stale = World::event("account.updated", &granted, Some(&account));
    world.deliver(&stale).await.expect(200);
    world.event_outcome(&stale).await;
    status_is("restricted").await;
    world.finish().await;
}

// 35: test-mode events arrive at a live connect endpoint; here the other way round.
#[tokio::test]
async fn an_event_of_the_other_mode_is_kept_and_ignored() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let (mut event, started) = undelivered_sale(&world, model).await;
        event["livemode"] = json!(true);
        world.deliver(&event).await.expect(200);
        let row = world.event_outcome(&event).await;
        assert_eq!((&row["status"], &row["livemode"]), (&json!("ignored"), &json!(true)));
        assert!(row["reason"].as_str().unwrap().contains("live mode"), "{row}");
        assert_eq!(world.order(&started).await["status"], "pending");
        world.verify(&started).await;
    }
    world.finish().await;
}

// 36: an event for an account of another tenant is accepted.
#[tokio::test]
async fn an_event_of_an_account_that_is_not_this_tenants_is_kept_and_ignored() {
    let world = World::start().await;
    let second = &world.info().tenants[1];
    let stripe = world.sandbox().with_token(&second.stripe_secret_key);
    let accounts = stripe.get("/v1/accounts").await.expect(200);
    let foreign = accounts["data"][0]["id"].as_str().unwrap().to_owned();

    let (sale, started) = undelivered_sale(&world, "direct").await;
    for account in [foreign.as_str(), "acct_nobody", &world.account("destination").await] {
        let mut event = sale.clone();
        event["id"] = json!(format!("evt_{account}"));
        event["account"] = json!(account);
        world.deliver(&event).await.expect(200);
        let row = world.event_outcome(&event).await;
        assert_eq!(row["status"], "ignored", "{row}");
        assert!(row["reason"].is_string());
    }
    // At the platform's endpoint, as if it were the platform's own.
    let mut event = sale.clone();
    event["id"] = json!("evt_platform");
    event.as_object_mut().unwrap().remove("account");
    world.deliver(&event).await.expect(200);
    assert_eq!(world.event_outcome(&event).await["status"], "ignored");
    // That account's deauthorisation is not this tenant's business either.
    let gone = World::event("account.application.deauthorized", &json!({"id": "ca_1"}), Some(&foreign));
    world.deliver(&gone).await.expect(200);
    assert_eq!(world.event_outcome(&gone).await["status"], "ignored");
    assert_eq!(world.order(&started).await["status"], "pending");

    let listings = world.anonymous_at_second().get("/v1/listings").await.expect(200);
    assert_eq!(listings["data"].as_array().unwrap().len(), 1, "the other marketplace's seller still sells");
    world.verify(&started).await;
    world.finish().await;
}

// 37: the queue is sent to after commit, the process dies in between: the job is gone.
#[tokio::test]
async fn what_a_dead_worker_had_taken_is_done_by_another() {
    let world = World::start().await;
    let (event, started) = undelivered_sale(&world, "destination").await;
    let db = world.demo.souk.db.unscoped();
    world.deliver(&event).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let order = world.order(&started).await;
    eventually("the mail is written", || async {
        let mails = mails::Entity::find().all(db).await.unwrap().len();
        if mails == 1 { Ok(()) } else { Err(mails.to_string()) }
    })
    .await;

    // The mail's job was written with the order. Event and job are put back to where a worker leaves them that leased
    // them a moment ago and died.
    let late = world.demo.souk.clock.now() + chrono::Duration::seconds(60);
    mails::Entity::delete_many().exec(db).await.unwrap();
    let job = jobs::Entity::update_many()
        .col_expr(jobs::Column::Status, Expr::value("pending"))
        .col_expr(jobs::Column::RunAt, Expr::value(late))
        .col_expr(jobs::Column::FinishedAt, Expr::value(Option::<chrono::DateTime<chrono::Utc>>::None))
        .filter(jobs::Column::Kind.eq("order_mail"))
        .filter(jobs::Column::Subject.eq(order["id"].as_str().unwrap()))
        .exec(db)
        .await
        .unwrap();
    assert_eq!(job.rows_affected, 1, "the job is in the database, not in a queue beside it");
    webhook_events::Entity::update_many()
        .col_expr(webhook_events::Column::Status, Expr::value("pending"))
        .col_expr(webhook_events::Column::RunAt, Expr::value(late))
        .filter(webhook_events::Column::ProviderEvent.eq(event["id"].as_str().unwrap()))
        .exec(db)
        .await
        .unwrap();
    world.demo.souk.clock.advance(61);
    assert_eq!(world.event_outcome(&event).await["status"], "done");
    eventually("the mail is written again", || async {
        let mails = mails::Entity::find().all(db).await.unwrap().len();
        if mails == 1 { Ok(()) } else { Err(mails.to_string()) }
    })
    .await;
    assert_eq!(world.order(&started).await["status"], "paid");
    world.finish().await;
}
