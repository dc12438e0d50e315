//! The controls that other tests don't use in passing.

use serde_json::json;

use crate::support::{World, destination, text};

#[tokio::test]
async fn requests_are_remembered_without_their_secrets() {
    let world = World::start().await;
    let platform = world.platform("sk_test_verysecret");
    platform.keyed("key-9", "coupons", &[("percent_off", "10"), ("name", "4242424242424242")]).await.ok();
    world.platform("nonsense").get("coupons").await;
    let log = world.look("requests").await;
    let rows = log["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["method"], &rows[0]["path"], &rows[0]["status"]),
        (&json!("POST"), &json!("/v1/coupons"), &json!(200))
    );
    assert_eq!(rows[0]["headers"]["idempotency-key"], "key-9");
    assert_eq!(rows[0]["params"]["percent_off"], "10");
    assert_eq!(rows[1]["status"], 401);
    let text = log.to_string();
    assert!(!text.contains("verysecret") && !text.contains("4242424242424242"), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn tampered_books_do_not_balance() {
    for kind in ["fee_off_by_one", "drop", "extra"] {
        let world = World::start().await;
        let platform = world.platform("sk_test_one");
        let seller = platform.seller(&world, &[]).await;
        for _ in 0..3 {
            platform.paid(&world, 1_000, &destination(&seller, "100")).await;
        }
        let answer =
            world.control("balance_transactions/tamper", json!({ "kind": kind, "count": 2 })).await.ok();
        let ids = answer["ids"].as_array().unwrap();
        assert_eq!(ids.len(), 2);
        assert_eq!(world.look("books").await["balanced"], false);
        for id in ids {
            let path = format!("balance_transactions/{}", id.as_str().unwrap());
            assert_eq!(platform.get(&path).await.status == 404, kind == "drop", "{kind}");
        }
        world.sandbox.stop().await;
    }
}

#[tokio::test]
async fn the_clock_goes_forwards_only() {
    let world = World::start().await;
    let before = world.look("clock").await["now"].as_i64().unwrap();
    let after =
        world.control("clock/advance", json!({ "seconds": 1_000 })).await.ok()["now"].as_i64().unwrap();
    assert!((1_000..1_005).contains(&(after - before)));
    assert_eq!(world.control("clock/advance", json!({ "seconds": -1 })).await.status, 400);
    let coupon = world.platform("sk_test_one").post("coupons", &[("percent_off", "1")]).await.ok();
    assert!(coupon["created"].as_i64().unwrap() >= after);
    world.finish().await;
}

#[tokio::test]
async fn unknown_things_cannot_be_controlled() {
    let world = World::start().await;
    for path in [
        "checkout/sessions/cs_x/complete",
        "accounts/acct_x/restrict",
        "accounts/acct_x/deauthorize",
        "payment_intents/pi_x/settle",
        "deliveries/dlv_x/resend",
    ] {
        assert_eq!(world.control(path, json!({})).await.status, 404, "{path}");
    }
    assert_eq!(world.control("settings", json!({ "weather": "rain" })).await.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_silent_requests() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    world.control("faults", json!({ "next": [{ "kind": "timeout_after_work", "path": "/v1" }] })).await.ok();
    let silent = tokio::spawn({
        let platform = platform.clone();
        async move { platform.try_keyed("k", "coupons", &[("percent_off", "1")]).await.is_err() }
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let begun = std::time::Instant::now();
    world.sandbox.stop().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert!(silent.await.unwrap());
    assert_eq!(text(&json!({ "a": "b" }), "a"), "b");
}
