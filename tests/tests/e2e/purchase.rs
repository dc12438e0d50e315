//! The main path: a buyer pays, the seat is sold, the fee is booked.

use serde_json::json;

use crate::support::{World, eventually};

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

#[tokio::test]
async fn a_failure_that_is_told_before_the_beginning_ends_the_order_all_the_same() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 3, 2_500).await;
        world.faults(json!({"hold_webhooks": true, "types": ["checkout.session.completed"]})).await;
        let started = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&started, json!({"payment_method": "bank_debit"})).await.expect(200);
        let intent = world.session(&started).await["payment_intent"].as_str().unwrap().to_owned();
        let settle = format!("/_sandbox/payment_intents/{intent}/settle");
        world.sandbox().post(&settle, json!({"outcome": "failed"})).await.expect(200);
        world.order_becomes(&started, "failed").await;
        world.let_webhooks_go().await;

        eventually("the beginning is told at last", || async {
            let told = world.sandbox().get("/_sandbox/deliveries").await.expect(200);
            let of_it = |row: &&serde_json::Value| {
                row["type"] == "checkout.session.completed" && row["status"] == 200
            };
            let times = told["data"].as_array().unwrap().iter().filter(of_it).count();
            if times > usize::from(model == "destination") {
                Ok(())
            } else {
                Err(format!("told {times} times"))
            }
        })
        .await;
        let admin = world.admin().await;
        eventually("it is worked off", || async {
            let open = admin.get("/v1/admin/webhook-events?status=pending").await.expect(200);
            if open["data"] == json!([]) { Ok(()) } else { Err(open.to_string()) }
        })
        .await;
        assert_eq!(world.order(&started).await["status"], "failed");
        assert_eq!(world.public_slot(&slot).await["available"], 3);
    }
    world.finish().await;
}
