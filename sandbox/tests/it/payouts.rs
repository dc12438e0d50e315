//! Money becoming available and leaving for the bank.

use serde_json::json;

use crate::support::{World, destination, text};

#[tokio::test]
async fn pending_money_becomes_available() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let me = platform.id().await;
    platform.paid(&world, 1_000, &[]).await;
    assert_eq!(world.balance(&me).await, (0, 941));
    assert_eq!(platform.transactions().await[0]["status"], "pending");
    let early = platform.post("payouts", &[("amount", "100"), ("currency", "usd")]).await;
    assert_eq!(early.error().1, "balance_insufficient");
    world.control("clock/advance", json!({ "seconds": 2 * 86_400 + 5 })).await.ok();
    assert_eq!(world.balance(&me).await, (941, 0));
    assert_eq!(platform.transactions().await[0]["status"], "available");
    let balance = platform.get("balance").await.ok();
    assert_eq!(
        (&balance["available"][0]["amount"], &balance["pending"][0]["amount"]),
        (&json!(941), &json!(0))
    );
    // The card that skips the wait.
    platform.paid_with(&world, 1_000, &[], json!({ "card": "4000000000000077" })).await;
    assert_eq!(world.balance(&me).await, (1_882, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_payout_arrives_or_comes_back() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let me = platform.id().await;
    platform.paid_with(&world, 1_000, &[], json!({ "card": "4000000000000077" })).await;
    let form = [("amount", "400"), ("currency", "usd")];
    let payout = platform.post("payouts", &form).await.ok();
    assert_eq!((&payout["status"], &payout["automatic"]), (&json!("in_transit"), &json!(false)));
    assert_eq!(world.total(&me).await, 541);
    world.control("clock/advance", json!({ "seconds": 3 * 86_400 })).await.ok();
    let paid = platform.get(&format!("payouts/{}", text(&payout, "id"))).await.ok();
    assert_eq!(paid["status"], "paid");
    let second = text(&platform.post("payouts", &form).await.ok(), "id");
    world.control(&format!("payouts/{second}/fail"), json!({})).await.ok();
    let third = text(&platform.post("payouts", &form).await.ok(), "id");
    platform.post(&format!("payouts/{third}/cancel"), &[]).await.ok();
    assert_eq!(world.total(&me).await, 541);
    let kinds: Vec<String> =
        platform.events().await.into_iter().filter(|kind| kind.starts_with("payout")).collect();
    assert_eq!(
        kinds,
        [
            "payout.created",
            "payout.paid",
            "payout.created",
            "payout.failed",
            "payout.created",
            "payout.canceled"
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn an_automatic_payout_is_the_sum_of_its_transactions() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    for amount in [1_000, 2_000] {
        platform.paid(&world, amount, &destination(&seller, "100")).await;
    }
    world.control("clock/advance", json!({ "seconds": 3 * 86_400 })).await.ok();
    platform.paid(&world, 5_000, &destination(&seller, "100")).await;
    let path = format!("accounts/{seller}/payout");
    let payout = world.control(&path, json!({})).await.ok()["payout"].clone();
    assert_eq!((&payout["amount"], &payout["automatic"]), (&json!(2_800), &json!(true)));
    let side = platform.on(&seller);
    let rows = side.get(&format!("balance_transactions?payout={}", text(&payout, "id"))).await.ok();
    let rows = rows["data"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let earned: i64 =
        rows.iter().filter(|row| row["type"] != "payout").map(|row| row["net"].as_i64().unwrap()).sum();
    assert_eq!(earned, 2_800);
    assert_eq!(world.control(&path, json!({})).await.ok()["payout"], json!(null));
    world.control("clock/advance", json!({ "seconds": 3 * 86_400 })).await.ok();
    assert!(side.events().await.contains(&"payout.reconciliation_completed".to_owned()));
    world.finish().await;
}
