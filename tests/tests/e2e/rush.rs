//! Two hundred buyers rush for fifty seats.

use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk_infra::entity::{orders, payment_receipts, slot_holds, slots};
use tokio::sync::Semaphore;

use crate::support::{World, eventually};

const BUYERS: usize = 200;
const SEATS: usize = 50;

#[tokio::test]
async fn two_hundred_buyers_rush_for_fifty_seats_and_fifty_get_one() {
    let world = World::start().await;
    // The provider has a bad day, too: webhooks come twice and out of order.
    world.faults(json!({"seed": 11, "webhooks": {"duplicate": 0.2, "reorder": 0.3}})).await;
    let slot = world.slot("destination", i64::try_from(SEATS).unwrap(), 2_500).await;
    let buyer = world.anonymous();
    let replies = join_all((0..BUYERS).map(|_| buyer.checkout(&slot, 1))).await;
    let mut started = Vec::new();
    for reply in replies {
        if reply.status == 201 {
            started.push(reply.body);
        } else {
            let problem = reply.refused(409, "sold_out");
            assert_eq!(problem["slot_id"], slot["id"]);
        }
    }
    assert_eq!(started.len(), SEATS, "every seat found a buyer, and none found two");
    let held = world.public_slot(&slot).await;
    assert_eq!((&held["sold"], &held["available"]), (&json!(0), &json!(0)));
    let sessions: std::collections::HashSet<&Value> =
        started.iter().map(|order| &order["checkout"]["session_id"]).collect();
    assert_eq!(sessions.len(), SEATS);

    // All of them pay at once; every third browser comes back and verifies, too.
    join_all(started.iter().enumerate().map(|(index, order)| {
        let world = &world;
        async move {
            world.pay(order, json!({})).await.expect(200);
            if index % 3 == 0 {
                assert_eq!(world.verify(order).await["status"], "paid");
            }
        }
    }))
    .await;
    all_sold(&world, &slot).await;
    assert_eq!(world.calls("POST", "/v1/refunds").await.len(), 0);
    buyer.checkout(&slot, 1).await.refused(409, "sold_out");
    world.finish().await;
}

#[tokio::test]
async fn payments_for_more_than_there_is_fill_the_slot_and_the_rest_comes_back() {
    let world = World::start().await;
    let slot = world.slot("direct", 10, 2_500).await;
    // Thirty buyers whose hold was lost one after the other still stand on the provider's page.
    let mut started = Vec::new();
    for _ in 0..30 {
        let order = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&order).await;
        started.push(order);
    }
    // As many at once as browsers would.
    let gate = Semaphore::new(10);
    join_all(started.iter().map(|order| async {
        let _turn = gate.acquire().await.unwrap();
        world.pay(order, json!({})).await.expect(200);
    }))
    .await;
    let decided = eventually("every payment is decided", || async {
        let db = world.demo.souk.db.unscoped();
        let receipts = payment_receipts::Entity::find().all(db).await.unwrap();
        if receipts.len() == 30 { Ok(receipts) } else { Err(receipts.len().to_string()) }
    })
    .await;
    let verdicts = |wanted: &str| decided.iter().filter(|row| row.verdict == wanted).count();
    assert_eq!((verdicts("paid"), verdicts("unfulfillable")), (10, 20));
    assert_eq!(world.public_slot(&slot).await["sold"], 10);
    eventually("every refund is sent", || async {
        let account = world.account("direct").await;
        let refunds = world.stripe_get(Some(&account), "/v1/refunds?limit=100").await;
        let count = refunds["data"].as_array().unwrap().len();
        if count == 20 { Ok(()) } else { Err(count.to_string()) }
    })
    .await;
    world.finish().await;
}

/// Waits until all seats are sold, then looks at every row.
async fn all_sold(world: &World, slot: &Value) {
    let sold = eventually("all seats are sold", || async {
        let slot = world.public_slot(slot).await;
        if slot["sold"] == SEATS { Ok(slot) } else { Err(slot.to_string()) }
    })
    .await;
    assert_eq!(sold["available"], 0);
    let db = world.demo.souk.db.unscoped();
    let paid = orders::Entity::find().filter(orders::Column::Status.eq("paid")).all(db).await.unwrap();
    assert_eq!(paid.len(), SEATS);
    assert_eq!(payment_receipts::Entity::find().all(db).await.unwrap().len(), SEATS);
    assert!(slot_holds::Entity::find().all(db).await.unwrap().is_empty());
    let rows = slots::Entity::find().filter(slots::Column::Sold.gt(0)).all(db).await.unwrap();
    assert_eq!(rows.len(), 1);
}
