//! The main path: a buyer pays, the seat is sold, the fee is booked.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_paid_checkout_sells_the_seat_once_for_each_charge_model() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 3, 2_500).await;
        let started = world.anonymous().checkout(&slot, 2).await.expect(201);
        assert_eq!(started["order"]["status"], "pending");
        assert_eq!(started["order"]["total"], json!({"amount": 5_000, "currency": "usd"}));
        assert_eq!(started["order"]["application_fee"], json!({"amount": 500, "currency": "usd"}));
        let held = world.public_slot(&slot).await;
        assert_eq!((&held["sold"], &held["available"]), (&json!(0), &json!(1)));

        world.pay(&started, json!({})).await.expect(200);
        let order = world.order_becomes(&started, "paid").await;
        assert_eq!(order["charge_model"], model);
        assert_eq!(order["payments"][0]["status"], "succeeded");
        let sold = world.public_slot(&slot).await;
        assert_eq!((&sold["sold"], &sold["available"]), (&json!(2), &json!(1)));
    }
    world.finish().await;
}

#[tokio::test]
async fn the_browsers_verify_confirms_without_any_webhook() {
    let world = World::start().await;
    world.sandbox().post("/_sandbox/faults", json!({"webhooks": {"lose": 1.0}})).await.expect(200);
    let slot = world.slot("direct", 3, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let (id, token) = (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
    for _ in 0..3 {
        let order = world
            .anonymous()
            .post(&format!("/v1/orders/{id}/verify?token={token}"), json!({}))
            .await
            .expect(200);
        assert_eq!(order["status"], "paid");
    }
    assert_eq!(world.public_slot(&slot).await["sold"], 1);
    world.finish().await;
}
