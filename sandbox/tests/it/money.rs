//! Who has how much after a payment, in every charge model: the worked examples of Stripe's documents.

use serde_json::{Value, json};

use crate::support::{World, destination, text};

const PLATFORM_PAYS: &[(&str, &str)] = &[
    ("controller[fees][payer]", "application"),
    ("controller[losses][payments]", "application"),
    ("controller[stripe_dashboard][type]", "express"),
];

#[tokio::test]
async fn direct_charge() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    for (controller, seller_net, platform_net) in [
        (&[("type", "standard")][..], 818, 123),
        (&[("type", "express")][..], 818, 123),
        (PLATFORM_PAYS, 877, 64),
    ] {
        let world = World::start().await;
        let platform = world.platform("sk_test_one");
        let seller = platform.seller(&world, controller).await;
        let terms = [("payment_intent_data[application_fee_amount]", "123")];
        let intent = platform.on(&seller).paid(&world, 1_000, &terms).await;
        assert_eq!(world.balance(&seller).await, (0, seller_net));
        assert_eq!(world.balance(&platform.id().await).await, (0, platform_net));
        let fees = platform.get("application_fees").await.ok();
        let fee = &fees["data"][0];
        assert_eq!((&fee["amount"], &fee["account"]), (&json!(123), &json!(seller)));
        assert_eq!(fee["charge"], intent["latest_charge"]["id"]);
        assert_eq!(intent["latest_charge"]["application_fee"], fee["id"]);
        // The platform hears of its fee, the account of everything else.
        assert_eq!(platform.events().await, ["application_fee.created"]);
        assert!(platform.on(&seller).events().await.contains(&"checkout.session.completed".to_owned()));
        assert_eq!(platform.get(&format!("payment_intents/{}", text(&intent, "id"))).await.status, 404);
        world.finish().await;
    }
    assert_eq!(platform.transactions().await, Vec::<Value>::new());
    world.finish().await;
}

#[tokio::test]
async fn destination_charge_with_a_fee() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let intent = platform.paid(&world, 1_000, &destination(&seller, "123")).await;
    assert_eq!(world.balance(&seller).await, (0, 877));
    assert_eq!(world.balance(&platform.id().await).await, (0, 64));
    assert_eq!(platform.movements().await, ["charge 1000/59", "transfer -1000/0", "application_fee 123/0"]);
    assert_eq!(platform.on(&seller).movements().await, ["payment 1000/123"]);
    let charge = &intent["latest_charge"];
    let transfer = platform.get(&format!("transfers/{}", text(charge, "transfer"))).await.ok();
    assert_eq!(transfer["source_transaction"], charge["id"]);
    assert_eq!(text(&transfer, "transfer_group"), format!("group_{}", text(&intent, "id")));
    let payment = text(&transfer, "destination_payment");
    assert_eq!(platform.get(&format!("charges/{payment}")).await.status, 404);
    let payment =
        platform.on(&seller).get(&format!("charges/{payment}?expand[]=balance_transaction")).await.ok();
    assert_eq!(
        (&payment["source_transfer"], &payment["balance_transaction"]["net"]),
        (&transfer["id"], &json!(877))
    );
    let fee = platform.get(&format!("application_fees/{}", text(charge, "application_fee"))).await.ok();
    assert_eq!((&fee["originating_transaction"], &fee["charge"]), (&charge["id"], &payment["id"]));
    assert_eq!(platform.on(&seller).events().await.last().unwrap(), "capability.updated");
    world.finish().await;
}

#[tokio::test]
async fn destination_charge_with_a_transfer_amount() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let terms = [
        ("payment_intent_data[transfer_data][destination]", seller.as_str()),
        ("payment_intent_data[transfer_data][amount]", "877"),
    ];
    platform.paid(&world, 1_000, &terms).await;
    assert_eq!((world.total(&seller).await, world.total(&platform.id().await).await), (877, 64));
    assert_eq!(platform.movements().await, ["charge 1000/59", "transfer -877/0"]);
    assert_eq!(platform.get("application_fees").await.ok()["data"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn a_fee_smaller_than_stripes_loses_money() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    platform.paid(&world, 1_482, &destination(&seller, "22")).await;
    assert_eq!(platform.movements().await, ["charge 1482/73", "transfer -1482/0", "application_fee 22/0"]);
    assert_eq!(world.total(&platform.id().await).await, -51);
    world.finish().await;
}

#[tokio::test]
async fn separate_charge_and_transfers() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let (one, two) = (platform.seller(&world, &[]).await, platform.seller(&world, &[]).await);
    let intent = platform.paid(&world, 10_000, &[("payment_intent_data[transfer_group]", "order-7")]).await;
    let charge = text(&intent["latest_charge"], "id");
    for (seller, amount) in [(&one, "7000"), (&two, "2000")] {
        let form = [
            ("amount", amount),
            ("currency", "usd"),
            ("destination", seller),
            ("source_transaction", &charge),
        ];
        let transfer = platform.post("transfers", &form).await.ok();
        assert_eq!(transfer["transfer_group"], "order-7");
    }
    assert_eq!((world.total(&one).await, world.total(&two).await), (7_000, 2_000));
    assert_eq!(world.total(&platform.id().await).await, 680);
    let form = [
        ("amount", "1001"),
        ("currency", "usd"),
        ("destination", one.as_str()),
        ("source_transaction", charge.as_str()),
    ];
    assert_eq!(platform.post("transfers", &form).await.error().2, "amount");
    let form = [
        ("amount", "10"),
        ("currency", "eur"),
        ("destination", one.as_str()),
        ("source_transaction", charge.as_str()),
    ];
    assert_eq!(platform.post("transfers", &form).await.error().2, "currency");
    // Without a source, money must have become available first.
    let form = [("amount", "500"), ("currency", "usd"), ("destination", one.as_str())];
    assert_eq!(platform.post("transfers", &form).await.error().1, "balance_insufficient");
    world.control("clock/advance", json!({ "seconds": 3 * 86_400 })).await.ok();
    platform.post("transfers", &form).await.ok();
    let list = platform.get("transfers?transfer_group=order-7").await.ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);

    let transfer = text(&list["data"][1], "id");
    let reversal =
        platform.post(&format!("transfers/{transfer}/reversals"), &[("amount", "1000")]).await.ok();
    assert_eq!(reversal["amount"], 1_000);
    let after = platform.get(&format!("transfers/{transfer}")).await.ok();
    assert_eq!((&after["amount_reversed"], &after["reversed"]), (&json!(1_000), &json!(false)));
    assert_eq!(after["reversals"]["data"][0]["id"], reversal["id"]);
    let over = platform.post(&format!("transfers/{transfer}/reversals"), &[("amount", "6001")]).await;
    assert_eq!(over.error().2, "amount");
    platform.post(&format!("transfers/{transfer}/reversals"), &[]).await.ok();
    assert_eq!(platform.get(&format!("transfers/{transfer}")).await.ok()["reversed"], true);
    assert_eq!(world.total(&one).await, 500);
    world.finish().await;
}

#[tokio::test]
async fn currencies_without_and_with_three_decimals() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let intent = |amount: &'static str, currency: &'static str| {
        let platform = platform.clone();
        async move {
            let form = [
                ("amount", amount),
                ("currency", currency),
                ("confirm", "true"),
                ("payment_method", "pm_card_visa"),
            ];
            platform.post("payment_intents", &form).await
        }
    };
    assert_eq!(intent("500", "jpy").await.ok()["amount_received"], 500);
    assert_eq!(intent("49", "jpy").await.error().1, "amount_too_small");
    assert_eq!(intent("5120", "KWD").await.ok()["currency"], "kwd");
    assert_eq!(intent("5124", "kwd").await.error().2, "amount");
    assert_eq!(intent("550", "ugx").await.error().2, "amount");
    assert_eq!(intent("0", "usd").await.error().1, "parameter_invalid_integer");
    let mut mixed = vec![
        ("line_items[1][quantity]", "1"),
        ("line_items[1][price_data][currency]", "eur"),
        ("line_items[1][price_data][unit_amount]", "100"),
        ("line_items[1][price_data][product_data][name]", "x"),
    ];
    assert_eq!(platform.try_session(1_000, &mixed).await.error().2, "line_items[1]");
    mixed.truncate(0);
    world.finish().await;
}
