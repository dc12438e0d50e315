//! What every endpoint has in common: keys, accounts, errors, idempotency, lists, expansion, metadata.

use serde_json::json;

use crate::support::{World, text};

#[tokio::test]
async fn keys_open_platforms_of_their_own() {
    let world = World::start().await;
    let (one, two) = (world.platform("sk_test_one"), world.platform("rk_test_two"));
    assert_ne!(one.id().await, two.id().await);
    let coupon = text(&one.post("coupons", &[("percent_off", "10")]).await.ok(), "id");
    assert_eq!(one.get(&format!("coupons/{coupon}")).await.status, 200);
    assert_eq!(
        two.get(&format!("coupons/{coupon}")).await.error(),
        (404, "resource_missing".into(), "id".into())
    );
    let live = world.platform("sk_live_one").post("coupons", &[("percent_off", "10")]).await.ok();
    assert_eq!(live["livemode"], true);
    for key in ["pk_test_x123", "sk_test_", "nonsense", ""] {
        let refused = world.platform(key).get("coupons").await;
        assert_eq!(
            (refused.status, &refused.json["error"]["type"]),
            (401, &json!("invalid_request_error")),
            "{key}"
        );
    }
    let basic = world.http.get(format!("{}/v1/coupons/{coupon}", world.sandbox.base_url()));
    assert_eq!(basic.basic_auth("sk_test_one", Some("")).send().await.unwrap().status(), 200);
    world.finish().await;
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let coupon = text(&platform.post("coupons", &[("percent_off", "10")]).await.ok(), "id");
    assert_eq!(platform.on(&seller).get(&format!("coupons/{coupon}")).await.status, 404);
    let other = world.platform("sk_test_two");
    for stranger in [other.on(&seller), platform.on("acct_nobody")] {
        let refused = stranger.get("balance").await;
        assert_eq!(refused.error().0, 403);
        assert_eq!(refused.error().1, "account_invalid");
    }
    assert_eq!(other.get(&format!("accounts/{seller}")).await.error().0, 403);
    let echoed = platform.on(&seller).get("balance").await;
    assert_eq!(echoed.header("stripe-account"), Some(seller.as_str()));
    assert_eq!(echoed.header("stripe-version"), Some("2026-09-30.endive"));
    assert!(echoed.header("request-id").unwrap().starts_with("req_"));
    world.finish().await;
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let case = |status: u16, code: &str, param: &str| (status, code.to_owned(), param.to_owned());
    let unknown = platform.post("coupons", &[("percent_off", "10"), ("colour", "red")]).await;
    assert_eq!(unknown.error(), case(400, "parameter_unknown", "colour"));
    assert_eq!(unknown.header("stripe-should-retry"), None);
    let missing = platform.post("account_links", &[("account", "acct_x")]).await;
    assert_eq!(missing.error(), case(400, "parameter_missing", "type"));
    let integer = platform.post("coupons", &[("amount_off", "1.5"), ("currency", "usd")]).await;
    assert_eq!(integer.error(), case(400, "parameter_invalid_integer", "amount_off"));
    let gone = platform
        .post(
            "payment_intents",
            &[("amount", "500"), ("currency", "usd"), ("payment_method_types[]", "card")],
        )
        .await;
    assert_eq!(gone.error(), case(400, "payment_method_types_no_longer_supported", "payment_method_types"));
    let old = platform.post("promotion_codes", &[("coupon", "x"), ("code", "Y")]).await;
    assert_eq!(old.error(), case(400, "parameter_unknown", "coupon"));
    assert_eq!(platform.get("no/such/thing").await.status, 404);
    let body = platform.get("payment_intents/pi_none").await;
    assert_eq!(body.error(), case(404, "resource_missing", "id"));
    let in_body = platform.post("refunds", &[("charge", "ch_none")]).await;
    assert_eq!(in_body.error(), case(400, "resource_missing", "charge"));
    let unsimulated = platform.try_session(1_000, &[("subscription_data[metadata][a]", "b")]).await;
    assert!(unsimulated.text.contains("does not simulate"), "{}", unsimulated.text);
    world.finish().await;
}

#[tokio::test]
async fn one_key_is_one_answer() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [("percent_off", "10"), ("name", "ten")];
    let first = platform.keyed("key-1", "coupons", &form).await;
    assert_eq!(first.header("idempotency-key"), Some("key-1"));
    assert_eq!(first.header("original-request"), first.header("request-id"));
    assert_eq!(first.header("stripe-should-retry"), Some("false"));
    let again = platform.keyed("key-1", "coupons", &[("name", "ten"), ("percent_off", "10")]).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    assert_eq!(again.text, first.text);
    let changed = platform.keyed("key-1", "coupons", &[("percent_off", "20")]).await;
    assert_eq!((changed.status, &changed.json["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(platform.get("coupons").await.ok()["data"].as_array().unwrap().len(), 1);

    // A refusal before the endpoint runs is not kept; one by the endpoint is.
    assert_eq!(platform.keyed("key-2", "coupons", &[("percent", "1")]).await.status, 400);
    assert_eq!(platform.keyed("key-2", "coupons", &[("percent_off", "1")]).await.status, 200);
    let refused = platform.keyed("key-3", "coupons", &[("name", "neither")]).await;
    assert_eq!(refused.header("stripe-should-retry"), Some("false"));
    let replayed = platform.keyed("key-3", "coupons", &[("name", "neither")]).await;
    assert_eq!((replayed.status, replayed.header("idempotent-replayed")), (400, Some("true")));

    // A day later the key begins a new request.
    world.control("clock/advance", json!({ "seconds": 86_500 })).await.ok();
    let fresh = platform.keyed("key-1", "coupons", &[("percent_off", "20")]).await;
    assert_eq!((fresh.status, fresh.header("idempotent-replayed")), (200, None));
    world.finish().await;
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let slow = json!({ "next": [{ "path": "/v1/coupons", "kind": "slow", "delay_ms": 300 }] });
    world.control("faults", slow).await.ok();
    let form = [("percent_off", "10")];
    let (first, second) = tokio::join!(platform.keyed("k", "coupons", &form), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        platform.keyed("k", "coupons", &form).await
    });
    assert_eq!(first.status, 200);
    assert_eq!((second.error().0, second.error().1.as_str()), (409, "idempotency_key_in_use"));
    assert_eq!(second.header("stripe-should-retry"), Some("true"));
    world.finish().await;
}

#[tokio::test]
async fn lists_turn_pages_in_both_directions() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    for number in 0..5 {
        let id = format!("C{number}");
        platform.post("coupons", &[("id", &id), ("percent_off", "10")]).await.ok();
    }
    let ids = |page: serde_json::Value| {
        let data = page["data"].as_array().unwrap().iter().map(|row| text(row, "id")).collect::<Vec<_>>();
        (data.join(" "), page["has_more"].as_bool().unwrap())
    };
    assert_eq!(ids(platform.get("coupons?limit=2").await.ok()), ("C4 C3".into(), true));
    assert_eq!(ids(platform.get("coupons?limit=2&starting_after=C3").await.ok()), ("C2 C1".into(), true));
    assert_eq!(ids(platform.get("coupons?limit=2&starting_after=C1").await.ok()), ("C0".into(), false));
    assert_eq!(ids(platform.get("coupons?limit=2&ending_before=C0").await.ok()), ("C2 C1".into(), true));
    assert_eq!(ids(platform.get("coupons?limit=9&ending_before=C2").await.ok()), ("C4 C3".into(), false));
    assert_eq!(platform.get("coupons?limit=0").await.error().0, 400);
    assert_eq!(platform.get("coupons?limit=101").await.error().0, 400);
    assert_eq!(platform.get("coupons?starting_after=C9").await.error().1, "resource_missing");
    assert_eq!(ids(platform.get("coupons?created[gte]=99999999999").await.ok()), (String::new(), false));
    assert_eq!(ids(platform.get("coupons?created[lt]=99999999999&limit=1").await.ok()), ("C4".into(), true));
    world.finish().await;
}

#[tokio::test]
async fn expansion_replaces_ids_by_objects() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let seller = platform.seller(&world, &[]).await;
    let intent = platform.paid(&world, 1_000, &crate::support::destination(&seller, "123")).await;
    assert_eq!(intent["latest_charge"]["object"], "charge");
    let path = format!(
        "payment_intents/{}?expand[0]=latest_charge.transfer.destination_payment",
        text(&intent, "id")
    );
    let deep = platform.get(&path).await.ok();
    let payment = &deep["latest_charge"]["transfer"]["destination_payment"];
    assert_eq!((&payment["object"], &payment["amount"]), (&json!("charge"), &json!(1_000)));
    let list =
        platform.get("checkout/sessions?expand[]=data.line_items&expand[]=data.payment_intent").await.ok();
    assert_eq!(list["data"][0]["line_items"]["data"][0]["description"], "Pottery class");
    assert_eq!(list["data"][0]["payment_intent"]["status"], "succeeded");
    assert_eq!(platform.get("checkout/sessions?expand[]=data.nonsense").await.error().2, "expand");
    assert_eq!(
        platform
            .get("checkout/sessions?expand[]=data.payment_intent.latest_charge.transfer.destination")
            .await
            .status,
        400
    );
    world.finish().await;
}

#[tokio::test]
async fn metadata_is_merged_key_by_key() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [
        ("id", "M"),
        ("percent_off", "10"),
        ("metadata[a]", "1"),
        ("metadata[b]", "2"),
        ("metadata[_c]", "3"),
    ];
    let made = platform.post("coupons", &form).await.ok();
    assert_eq!(made["metadata"], json!({ "a": "1", "b": "2", "_c": "3" }));
    let merged = platform.post("coupons/M", &[("metadata[a]", ""), ("metadata[d]", "4")]).await.ok();
    assert_eq!(merged["metadata"], json!({ "b": "2", "_c": "3", "d": "4" }));
    let cleared = platform.post("coupons/M", &[("metadata", "")]).await.ok();
    assert_eq!(cleared["metadata"], json!({}));
    let long = "x".repeat(501);
    assert_eq!(platform.post("coupons/M", &[("metadata[a]", &long)]).await.status, 400);
    let long = format!("metadata[{}]", "k".repeat(41));
    assert_eq!(platform.post("coupons/M", &[(&long, "1")]).await.status, 400);
    world.finish().await;
}
