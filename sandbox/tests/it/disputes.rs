//! Disputes, from the card that causes them to the bank's answer.

use serde_json::json;

use crate::support::{World, destination, text};

#[tokio::test]
async fn a_disputed_charge_is_won_or_lost() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    for (evidence, status, total) in
        [("winning_evidence", "won", -1_500 + 64), ("losing_evidence", "lost", -2_500 + 64)]
    {
        let world = World::start().await;
        let platform = world.platform("sk_test_one");
        let seller = platform.seller(&world, &[]).await;
        let me = platform.id().await;
        let card = json!({ "card": "4000000000000259" });
        let intent = platform.paid_with(&world, 1_000, &destination(&seller, "123"), card).await;
        let dispute = &platform.get("disputes").await.ok()["data"][0];
        assert_eq!(
            (&dispute["status"], &dispute["reason"]),
            (&json!("needs_response"), &json!("fraudulent"))
        );
        assert_eq!(dispute["balance_transactions"][0]["net"], -2_500);
        assert_eq!(world.total(&me).await, 64 - 2_500);
        // The platform bears it, the seller keeps the transfer.
        assert_eq!(world.total(&seller).await, 877);
        let refund = platform.post("refunds", &[("payment_intent", &text(&intent, "id"))]).await;
        assert_eq!(refund.error().1, "charge_disputed");
        let path = format!("disputes/{}", text(dispute, "id"));
        let ended = platform.post(&path, &[("evidence[uncategorized_text]", evidence)]).await.ok();
        assert_eq!(ended["status"], status);
        assert_eq!(world.total(&me).await, total);
        let kinds = platform.events().await;
        for kind in ["created", "funds_withdrawn", "updated", "closed"] {
            assert!(kinds.contains(&format!("charge.dispute.{kind}")), "{kind}");
        }
        assert_eq!(kinds.contains(&"charge.dispute.funds_reinstated".to_owned()), status == "won");
        assert_eq!(platform.post(&path, &[("evidence[uncategorized_text]", "late")]).await.status, 400);
        world.finish().await;
    }
    // On a direct charge it is the seller's.
    let side = platform.on(&seller);
    side.paid_with(&world, 1_000, &[], json!({ "card": "4000000000002685" })).await;
    assert_eq!(world.total(&seller).await, 941 - 2_500);
    let dispute = &side.get("disputes").await.ok()["data"][0];
    assert_eq!(dispute["reason"], "product_not_received");
    let closed = side.post(&format!("disputes/{}/close", text(dispute, "id")), &[]).await.ok();
    assert_eq!(closed["status"], "lost");
    world.finish().await;
}

#[tokio::test]
async fn an_inquiry_moves_no_money() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let intent = platform.paid_with(&world, 1_000, &[], json!({ "card": "4000000000001976" })).await;
    let dispute = &platform.get("disputes").await.ok()["data"][0];
    assert_eq!(
        (&dispute["status"], &dispute["balance_transactions"]),
        (&json!("warning_needs_response"), &json!([]))
    );
    assert_eq!(platform.movements().await, ["charge 1000/59"]);
    assert_eq!(platform.post("refunds", &[("payment_intent", &text(&intent, "id"))]).await.status, 200);
    let ended = world
        .control(&format!("disputes/{}/resolve", text(dispute, "id")), json!({ "outcome": "won" }))
        .await
        .ok();
    assert_eq!(ended["status"], "warning_closed");
    world.finish().await;
}

#[tokio::test]
async fn a_won_dispute_can_give_its_fee_back() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    world.control("settings", json!({ "dispute_won_returns_fee": true })).await.ok();
    let intent = platform.paid(&world, 1_000, &[]).await;
    let charge = text(&intent["latest_charge"], "id");
    let dispute =
        world.control(&format!("charges/{charge}/dispute"), json!({ "reason": "general" })).await.ok();
    world
        .control(&format!("disputes/{}/resolve", text(&dispute, "id")), json!({ "outcome": "won" }))
        .await
        .ok();
    assert_eq!(world.total(&platform.id().await).await, 941);
    assert_eq!(
        platform.movements().await,
        ["charge 1000/59", "adjustment -1000/1500", "adjustment 1000/-1500"]
    );
    world.finish().await;
}
