//! Payment intents confirmed through the API.

use serde_json::json;

use crate::support::{World, text};

#[tokio::test]
async fn an_intent_is_confirmed_in_one_or_two_steps() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let made = platform.post("payment_intents", &[("amount", "700"), ("currency", "usd")]).await.ok();
    assert_eq!(made["status"], "requires_payment_method");
    let path = format!("payment_intents/{}", text(&made, "id"));
    assert_eq!(
        platform.post(&format!("{path}/confirm"), &[]).await.error().1,
        "payment_intent_unexpected_state"
    );
    platform.post(&path, &[("amount", "800")]).await.ok();
    let declined =
        platform.post(&format!("{path}/confirm"), &[("payment_method", "pm_card_chargeDeclined")]).await;
    assert_eq!((declined.error().0, declined.error().1.as_str()), (402, "card_declined"));
    let paid = platform.post(&format!("{path}/confirm"), &[("payment_method", "pm_card_visa")]).await.ok();
    assert_eq!((&paid["status"], &paid["amount_received"]), (&json!("succeeded"), &json!(800)));
    assert_eq!(platform.post(&path, &[("amount", "900")]).await.error().1, "payment_intent_unexpected_state");
    assert_eq!(
        platform.post(&format!("{path}/cancel"), &[]).await.error().1,
        "payment_intent_unexpected_state"
    );
    world.finish().await;
}

#[tokio::test]
async fn three_d_secure_waits_for_the_buyer() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [
        ("amount", "700"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("return_url", "https://shop.example"),
    ];
    let waiting = platform.post("payment_intents", &form).await.ok();
    assert_eq!(
        (&waiting["status"], &waiting["next_action"]["type"]),
        (&json!("requires_action"), &json!("redirect_to_url"))
    );
    let control = format!("payment_intents/{}/authenticate", text(&waiting, "id"));
    assert_eq!(world.control(&control, json!({ "outcome": "fail" })).await.status, 402);
    let path = format!("payment_intents/{}/confirm", text(&waiting, "id"));
    platform.post(&path, &[("payment_method", "pm_card_threeDSecure2Required")]).await.ok();
    assert_eq!(world.control(&control, json!({ "outcome": "pass" })).await.ok()["status"], "succeeded");
    assert!(platform.events().await.contains(&"payment_intent.requires_action".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn less_can_be_captured_than_was_authorised() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [
        ("amount", "1000"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ];
    let held = platform.post("payment_intents", &form).await.ok();
    assert_eq!((&held["status"], &held["amount_capturable"]), (&json!("requires_capture"), &json!(1_000)));
    let path = format!("payment_intents/{}/capture", text(&held, "id"));
    assert_eq!(platform.post(&path, &[("amount_to_capture", "1001")]).await.error().2, "amount_to_capture");
    let captured = platform.post(&path, &[("amount_to_capture", "600")]).await.ok();
    assert_eq!(captured["amount_received"], 600);
    assert_eq!(platform.movements().await, ["charge 600/47"]);
    let over = platform.post("refunds", &[("payment_intent", &text(&held, "id")), ("amount", "601")]).await;
    assert_eq!(over.error().2, "amount");
    platform.post("refunds", &[("payment_intent", &text(&held, "id"))]).await.ok();
    assert_eq!(platform.movements().await[1], "refund -600/0");
    world.finish().await;
}
