//! Things going wrong on purpose.

use serde_json::json;

use crate::support::{Inbox, World, text};

#[tokio::test]
async fn work_can_be_done_without_an_answer() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [("percent_off", "10")];
    for (kind, done) in [("timeout_after_work", true), ("drop_after_work", true), ("drop_before", false)] {
        world.control("faults", json!({ "next": [{ "path": "/v1/coupons", "kind": kind }] })).await.ok();
        let key = format!("key-{kind}");
        assert!(platform.try_keyed(&key, "coupons", &form).await.is_err(), "{kind} was answered");
        let retried = platform.keyed(&key, "coupons", &form).await;
        assert_eq!(retried.header("idempotent-replayed").is_some(), done, "{kind}");
        assert_eq!(retried.status, 200);
    }
    assert_eq!(platform.get("coupons").await.ok()["data"].as_array().unwrap().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn limits_and_breakdowns_come_when_called() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let plan = json!({ "next": [
        { "path": "/v1/coupons", "kind": "error_429", "times": 2 },
        { "path": "/v1/coupons", "kind": "error_500" },
        { "path": "/v1/coupons", "kind": "error_500", "saved": true, "method": "POST" },
    ] });
    world.control("faults", plan).await.ok();
    let form = [("percent_off", "10")];
    for _ in 0..2 {
        let limited = platform.keyed("k", "coupons", &form).await;
        assert_eq!(limited.status, 429);
        assert_eq!(limited.header("stripe-rate-limited-reason"), Some("global-rate"));
    }
    assert_eq!(platform.keyed("k", "coupons", &form).await.status, 500);
    assert_eq!(platform.keyed("k", "coupons", &form).await.status, 500);
    let kept = platform.keyed("k", "coupons", &form).await;
    assert_eq!((kept.status, kept.header("idempotent-replayed")), (500, Some("true")));
    assert_eq!(platform.keyed("other", "coupons", &form).await.status, 200);
    assert_eq!(world.control("faults", json!({ "nxt": [] })).await.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn a_seeded_plan_repeats_itself() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::start().await;
        let platform = world.platform("sk_test_one");
        let plan = json!({ "seed": 7, "api": { "error_500": 0.5, "only": "/coupons", "count": 10 } });
        world.control("faults", plan).await.ok();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(platform.get("coupons").await.status);
            assert_eq!(platform.get("balance").await.status, 200);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 10);
        runs.push(statuses);
        let url = format!("{}/_sandbox/faults", world.sandbox.base_url());
        world.http.delete(url).send().await.unwrap();
        assert_eq!(platform.get("coupons").await.status, 200);
        world.finish().await;
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn webhooks_are_lost_and_doubled() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let inbox = Inbox::open().await;
    platform.listen(&inbox.url(), false).await;
    world
        .control("faults", json!({ "seed": 1, "webhooks": { "duplicate": 1.0, "delay_ms": 20 } }))
        .await
        .ok();
    platform.paid(&world, 1_000, &[]).await;
    let two = inbox.wait("checkout.session.completed", 2).await;
    assert_eq!(two[0].event()["id"], two[1].event()["id"]);
    inbox.wait("charge.succeeded", 2).await;
    inbox.wait("payment_intent.succeeded", 2).await;
    inbox.wait("payment_intent.created", 2).await;
    let before = inbox.all().len();
    world.control("faults", json!({ "webhooks": { "lose": 1.0 } })).await.ok();
    platform.paid(&world, 1_000, &[]).await;
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(inbox.all().len(), before);
    let rows = world.look("deliveries").await;
    let lost =
        rows["data"].as_array().unwrap().iter().filter(|row| row["note"] == "lost by the fault plan").count();
    assert_eq!(lost, 4);
    // They can still be read where Stripe keeps them.
    assert_eq!(platform.events().await.len(), 8);
    world.finish().await;
}

#[tokio::test]
async fn a_run_with_a_seed_has_the_same_ids() {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let config = stripe_sandbox::SandboxConfig { seed: Some(5), ..Default::default() };
        let world = World::start_with(config).await;
        ids.push(text(&world.platform("sk_test_one").session(1_000, &[]).await, "id"));
        world.finish().await;
    }
    assert_eq!(ids[0], ids[1]);
}
