//! A real child process is killed (`kill -9`) between any two steps of checkout, confirm, release, refund and
//! capture; after a restart on the same database everything heals by itself.

mod child;

use serde_json::{Value, json};

use self::child::{Child, Installation};
use crate::support::eventually;

/// A buyer's checkout during which souk dies at `place`; the buyer's client then repeats its request.
async fn checkout_survives(place: &str) {
    let souk = Installation::prepare().await;
    let child = Child::start_paused(&souk, place).await;
    let slot = souk.slot(&child, "automatic").await;
    let body = json!({"items": [{"slot_id": slot["id"], "quantity": 1}], "email": "guest@example.com"});
    let api = child.api();
    let attempt = api.post_once_unanswered("/v1/checkouts", "the-only-purchase", body.clone());
    child.paused_then_killed(attempt).await;

    let child = Child::start(&souk).await;
    let started = eventually("the repeated request is answered", || async {
        let reply = child.api().post_once("/v1/checkouts", "the-only-purchase", body.clone()).await;
        if reply.status == 201 { Ok(reply.body) } else { Err(reply.body.to_string()) }
    })
    .await;
    souk.pay(&started).await;
    let order = souk.order_becomes(&child, &started, "paid").await;
    assert_eq!(order["payments"].as_array().unwrap().len(), 1);
    souk.assert_sold_once(&child, &slot).await;
    assert_eq!(souk.sessions().await, 1, "the provider has one session");
}

/// A payment during whose confirmation souk dies at `place`.
async fn confirmation_survives(place: &str) {
    let souk = Installation::prepare().await;
    let child = Child::start(&souk).await;
    let slot = souk.slot(&child, "automatic").await;
    let started = child.api().checkout(&slot, 1).await.expect(201);
    child.kill().await;
    let child = Child::start_paused(&souk, place).await;
    // The sandbox is another process's work: the payment is made whether souk listens or not.
    souk.pay(&started).await;
    child.paused_then_killed(async {}).await;
    let child = Child::start(&souk).await;
    souk.order_becomes(&child, &started, "paid").await;
    souk.assert_sold_once(&child, &slot).await;
}

#[tokio::test]
async fn killed_before_the_claim_is_committed() {
    checkout_survives("checkout.claiming").await;
}

#[tokio::test]
async fn killed_between_the_claim_and_the_call() {
    checkout_survives("checkout.claimed").await;
}

#[tokio::test]
async fn killed_between_the_call_and_noting_its_answer() {
    checkout_survives("checkout.answered").await;
}

#[tokio::test]
async fn killed_between_noting_the_answer_and_answering() {
    checkout_survives("checkout.attached").await;
}

#[tokio::test]
async fn killed_between_storing_a_webhook_and_answering_it() {
    confirmation_survives("inbox.stored").await;
}

#[tokio::test]
async fn killed_between_leasing_a_webhook_and_working_on_it() {
    confirmation_survives("inbox.leased").await;
}

#[tokio::test]
async fn killed_inside_the_confirming_transaction() {
    confirmation_survives("confirm.written").await;
}

#[tokio::test]
async fn killed_right_after_the_confirming_transaction() {
    confirmation_survives("confirm.committed").await;
}

#[tokio::test]
async fn killed_between_ending_the_session_and_letting_the_seats_go() {
    let souk = Installation::prepare().await;
    let child = Child::start_paused(&souk, "release.told").await;
    let slot = souk.slot(&child, "automatic").await;
    let started = child.api().checkout(&slot, 1).await.expect(201);
    let (id, token) = (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
    let path = format!("/v1/orders/{id}/cancel?token={token}");
    let api = child.api();
    child.paused_then_killed(api.post_once_unanswered(&path, "cancel", json!({}))).await;
    // The provider has ended the session and says so; nobody needs to ask again.
    let child = Child::start(&souk).await;
    souk.order_becomes(&child, &started, "expired").await;
    assert_eq!(souk.public_slot(&child, &slot).await["available"], 1);
}

async fn refund_survives(place: &str) {
    let souk = Installation::prepare().await;
    let child = Child::start_paused(&souk, place).await;
    let slot = souk.slot(&child, "automatic").await;
    let started = child.api().checkout(&slot, 1).await.expect(201);
    souk.pay(&started).await;
    souk.order_becomes(&child, &started, "paid").await;
    let path = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
    let admin = souk.admin(&child).await;
    child.paused_then_killed(admin.post_once_unanswered(&path, "the-only-refund", json!({}))).await;

    let child = Child::start(&souk).await;
    let admin = souk.admin(&child).await;
    let refund: Value = eventually("the repeated refund is answered as succeeded", || async {
        let reply = admin.post_once(&path, "the-only-refund", json!({})).await;
        let done = reply.status == 201 && reply.body["status"] == "succeeded";
        if done { Ok(reply.body) } else { Err(reply.body.to_string()) }
    })
    .await;
    assert_eq!(refund["amount"]["amount"], 2_500);
    assert_eq!(souk.refunds().await, 1, "the provider has one refund");
}

#[tokio::test]
async fn killed_between_reserving_a_refund_and_asking_for_it() {
    refund_survives("refund.reserved").await;
}

#[tokio::test]
async fn killed_between_a_refund_and_noting_it() {
    refund_survives("refund.answered").await;
}

#[tokio::test]
async fn killed_between_a_capture_and_confirming_it() {
    let souk = Installation::prepare().await;
    let child = Child::start(&souk).await;
    let slot = souk.slot(&child, "on_confirmation").await;
    let started = child.api().checkout(&slot, 1).await.expect(201);
    child.kill().await;
    let child = Child::start_paused(&souk, "capture.answered").await;
    souk.pay(&started).await;
    child.paused_then_killed(async {}).await;
    // The job's lease has to run out before another process takes the job for its own.
    let child = Child::start(&souk).await;
    souk.verify_until(&child, &started, "paid").await;
    souk.assert_sold_once(&child, &slot).await;
}
