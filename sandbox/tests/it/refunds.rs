//! Refunds: the buyer's money, the seller's transfer and the platform's fee, together or not at all.

use serde_json::{Value, json};

use crate::support::{World, destination, text};

#[tokio::test]
async fn a_direct_charge_is_refunded_with_and_without_its_fee() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let terms = [("payment_intent_data[application_fee_amount]", "123")];
    let side = platform.on(&seller);
    let intent = text(&side.paid(&world, 1_000, &terms).await, "id");
    let kept = side.post("refunds", &[("payment_intent", &intent), ("amount", "400")]).await.ok();
    assert_eq!(kept["status"], "succeeded");
    assert_eq!((world.total(&seller).await, world.total(&platform.id().await).await), (418, 123));
    let form = [("payment_intent", intent.as_str()), ("refund_application_fee", "true")];
    side.post("refunds", &form).await.ok();
    // 600 of 1000 with the fee: 60 % of 123 rounds to 74.
    assert_eq!((world.total(&seller).await, world.total(&platform.id().await).await), (-108, 49));
    assert_eq!(side.movements().await, ["charge 1000/182", "refund -400/0", "refund -600/-74"]);
    assert_eq!(platform.movements().await, ["application_fee 123/0", "application_fee_refund -74/0"]);
    assert_eq!(platform.events().await, ["application_fee.created", "application_fee.refunded"]);
    let again = side.post("refunds", &[("payment_intent", &intent)]).await;
    assert_eq!(again.error().1, "charge_already_refunded");
    world.finish().await;
}

#[tokio::test]
async fn a_destination_charge_leaves_the_seller_alone_unless_asked() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let me = platform.id().await;
    let intent = text(&platform.paid(&world, 1_000, &destination(&seller, "123")).await, "id");
    platform.post("refunds", &[("payment_intent", &intent)]).await.ok();
    assert_eq!((world.total(&seller).await, world.total(&me).await), (877, 64 - 1_000));

    let intent = text(&platform.paid(&world, 1_000, &destination(&seller, "123")).await, "id");
    let form = [("payment_intent", intent.as_str()), ("refund_application_fee", "true")];
    assert_eq!(platform.post("refunds", &form).await.error().2, "refund_application_fee");
    let form = [
        ("payment_intent", intent.as_str()),
        ("refund_application_fee", "true"),
        ("reverse_transfer", "true"),
    ];
    let refund = platform.post("refunds", &form).await.ok();
    assert_eq!((world.total(&seller).await, world.total(&me).await), (877, 64 - 1_000 - 59));
    let transfers = platform.get("transfers?limit=1").await.ok();
    let reversal = &transfers["data"][0]["reversals"]["data"][0];
    assert_eq!((&refund["transfer_reversal"], &reversal["source_refund"]), (&reversal["id"], &refund["id"]));
    let back = text(reversal, "destination_payment_refund");
    let back = platform.on(&seller).get(&format!("refunds/{back}?expand[]=balance_transaction")).await.ok();
    assert_eq!(back["balance_transaction"]["net"], -877);
    world.finish().await;
}

#[tokio::test]
async fn partial_refunds_add_up_to_the_whole() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let intent = text(&platform.paid(&world, 1_000, &destination(&seller, "101")).await, "id");
    let before = world.total(&platform.id().await).await;
    for amount in ["333", "333", "334"] {
        let form = [
            ("payment_intent", intent.as_str()),
            ("amount", amount),
            ("refund_application_fee", "true"),
            ("reverse_transfer", "true"),
        ];
        platform.post("refunds", &form).await.ok();
    }
    assert_eq!(world.total(&seller).await, 0);
    assert_eq!(world.total(&platform.id().await).await, before - 101);
    let fee = platform.get("application_fees").await.ok();
    assert_eq!(
        (&fee["data"][0]["amount_refunded"], &fee["data"][0]["refunded"]),
        (&json!(101), &json!(true))
    );
    let charge = platform.get("charges?limit=1").await.ok();
    assert_eq!(
        (&charge["data"][0]["amount_refunded"], &charge["data"][0]["refunded"]),
        (&json!(1_000), &json!(true))
    );
    world.finish().await;
}

#[tokio::test]
async fn refunds_are_refused_for_stripes_reasons() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let intent = platform.paid(&world, 1_000, &[]).await;
    let charge = text(&intent["latest_charge"], "id");
    let over = platform.post("refunds", &[("charge", &charge), ("amount", "1100")]).await;
    assert_eq!(over.error(), (400, String::new(), "amount".into()));
    assert_eq!(
        over.json["error"]["message"],
        "Refund amount ($11.00) is greater than charge amount ($10.00)"
    );
    platform.post("refunds", &[("charge", &charge), ("amount", "600")]).await.ok();
    let over = platform.post("refunds", &[("charge", &charge), ("amount", "600")]).await;
    assert_eq!(over.error(), (400, String::new(), "amount".into()));
    for flag in ["refund_application_fee", "reverse_transfer"] {
        assert_eq!(platform.post("refunds", &[("charge", &charge), (flag, "true")]).await.error().2, flag);
    }
    // A fee of nothing is no fee.
    let seller = platform.seller(&world, &[]).await;
    let side = platform.on(&seller);
    let free = side.paid(&world, 1_000, &[("payment_intent_data[application_fee_amount]", "0")]).await;
    let form = [("payment_intent", text(&free, "id")), ("refund_application_fee", "true".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(side.post("refunds", &form).await.error().2, "refund_application_fee");
    assert_eq!(platform.post("refunds", &[("amount", "1")]).await.error().1, "parameter_missing");
    let form = [("amount", "500"), ("currency", "usd")];
    let unpaid = text(&platform.post("payment_intents", &form).await.ok(), "id");
    assert_eq!(platform.post("refunds", &[("payment_intent", &unpaid)]).await.error().2, "payment_intent");
    assert_eq!(platform.movements().await, ["charge 1000/59", "refund -600/0"]);
    world.finish().await;
}

#[tokio::test]
async fn an_empty_seller_cannot_be_reversed() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let intent = text(&platform.paid(&world, 1_000, &destination(&seller, "123")).await, "id");
    world.control("clock/advance", json!({ "seconds": 3 * 86_400 })).await.ok();
    platform.on(&seller).post("payouts", &[("amount", "877"), ("currency", "usd")]).await.ok();
    let form = [("payment_intent", intent.as_str()), ("reverse_transfer", "true")];
    assert_eq!(platform.post("refunds", &form).await.error().1, "balance_insufficient");
    // Nothing was done by halves.
    assert_eq!(platform.get("refunds").await.ok()["data"], json!([]));
    assert_eq!(platform.movements().await, ["charge 1000/59", "transfer -1000/0", "application_fee 123/0"]);
    let list = platform.get("transfers").await.ok();
    let path = format!("transfers/{}/reversals", text(&list["data"][0], "id"));
    assert_eq!(platform.post(&path, &[]).await.error().1, "balance_insufficient");
    world.finish().await;
}

#[tokio::test]
async fn refunds_that_take_time_or_come_back() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let cases =
        [("4000000000007726", "pending", "succeeded", -59), ("4000000000005126", "succeeded", "failed", 941)];
    for (card, at_first, in_the_end, total) in cases {
        let world = World::start().await;
        let intent =
            world.platform("sk_test_one").paid_with(&world, 1_000, &[], json!({ "card": card })).await;
        let platform = world.platform("sk_test_one");
        let refund = platform.post("refunds", &[("payment_intent", &text(&intent, "id"))]).await.ok();
        assert_eq!(refund["status"], at_first);
        world.control("clock/advance", json!({ "seconds": 120 })).await.ok();
        let refund = platform.get(&format!("refunds/{}", text(&refund, "id"))).await.ok();
        assert_eq!(refund["status"], in_the_end);
        assert_eq!(world.total(&platform.id().await).await, total);
        let charge = platform.get(&format!("charges/{}", text(&refund, "charge"))).await.ok();
        assert_eq!(charge["refunded"], json!(in_the_end == "succeeded"));
        let kinds = platform.events().await;
        assert_eq!(kinds.contains(&"refund.failed".to_owned()), in_the_end == "failed");
        world.finish().await;
    }
    // A short balance, when the sandbox is told to mind it.
    world.control("settings", json!({ "short_balance_refunds": "pending" })).await.ok();
    let intent = platform.paid(&world, 1_000, &[]).await;
    let refund = platform.post("refunds", &[("payment_intent", &text(&intent, "id"))]).await.ok();
    assert_eq!(refund["status"], "pending");
    assert_eq!(refund["balance_transaction"], Value::Null);
    platform.paid(&world, 1_000, &[]).await;
    world.control("clock/advance", json!({ "seconds": 120 })).await.ok();
    assert_eq!(platform.get(&format!("refunds/{}", text(&refund, "id"))).await.ok()["status"], "succeeded");
    world.finish().await;
}

#[tokio::test]
async fn an_application_fee_is_refunded_alone() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    platform.on(&seller).paid(&world, 1_000, &[("payment_intent_data[application_fee_amount]", "123")]).await;
    let fee = text(&platform.get("application_fees").await.ok()["data"][0], "id");
    let refund = platform.post(&format!("application_fees/{fee}/refunds"), &[("amount", "23")]).await.ok();
    assert_eq!((&refund["object"], &refund["amount"]), (&json!("fee_refund"), &json!(23)));
    assert_eq!((world.total(&seller).await, world.total(&platform.id().await).await), (841, 100));
    let over = platform.post(&format!("application_fees/{fee}/refunds"), &[("amount", "101")]).await;
    assert_eq!(over.error().2, "amount");
    platform.post(&format!("application_fees/{fee}/refunds"), &[]).await.ok();
    assert_eq!(platform.get(&format!("application_fees/{fee}")).await.ok()["refunded"], true);
    world.finish().await;
}
