//! Who hears of what, how it is signed, and what happens when nobody answers.

use serde_json::{Value, json};

use crate::support::{Inbox, World, destination, text};

/// Checks a signature as a receiver would.
fn verify(secret: &str, header: &str, body: &str) -> bool {
    use hmac::{Hmac, KeyInit, Mac};
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{body}", part("t=")).as_bytes());
    let age = chrono::Utc::now().timestamp() - part("t=").parse::<i64>().unwrap();
    hex::encode(mac.finalize().into_bytes()) == part("v1=") && age.abs() < 300
}

#[tokio::test]
async fn each_endpoint_hears_its_own_and_signs_with_its_own_secret() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let (plain, connect) = (Inbox::open().await, Inbox::open().await);
    let plain_secret = text(&platform.listen(&plain.url(), false).await, "secret");
    let connect_secret = text(&platform.listen(&connect.url(), true).await, "secret");
    let seller = platform.seller(&world, &[]).await;
    platform.on(&seller).paid(&world, 1_000, &[("payment_intent_data[application_fee_amount]", "100")]).await;
    let arrived = connect.wait("checkout.session.completed", 1).await;
    assert_eq!(arrived[0].event()["account"], json!(seller));
    plain.wait("application_fee.created", 1).await;
    assert!(plain.all().iter().all(|one| one.event()["type"] != "checkout.session.completed"));

    platform.paid(&world, 1_000, &destination(&seller, "100")).await;
    let completed = plain.wait("checkout.session.completed", 1).await[0].event();
    assert_eq!(completed["api_version"], "2026-09-30.endive");
    assert_eq!(completed["data"]["object"]["payment_status"], "paid");
    plain.wait("transfer.created", 1).await;
    assert!(plain.all().iter().all(|one| one.event().get("account").is_none()));
    assert!(connect.all().iter().all(|one| one.event()["account"] == json!(seller)));
    assert_eq!(
        connect.all().iter().filter(|one| one.event()["type"] == "checkout.session.completed").count(),
        1
    );
    for (inbox, right, wrong) in
        [(&plain, &plain_secret, &connect_secret), (&connect, &connect_secret, &plain_secret)]
    {
        for one in inbox.all() {
            let header = one.headers["stripe-signature"].to_str().unwrap();
            assert!(verify(right, header, &one.body));
            assert!(!verify(wrong, header, &one.body));
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn endpoints_hear_what_they_subscribed_to() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let inbox = Inbox::open().await;
    let form = [("url", inbox.url()), ("enabled_events[]", "charge.succeeded".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let endpoint = platform.post("webhook_endpoints", &form).await.ok();
    let path = format!("webhook_endpoints/{}", text(&endpoint, "id"));
    assert_eq!(platform.get(&path).await.ok().get("secret"), None);
    platform.paid(&world, 1_000, &[]).await;
    inbox.wait("charge.succeeded", 1).await;
    platform.post(&path, &[("disabled", "true")]).await.ok();
    platform.paid(&world, 1_000, &[]).await;
    platform
        .post(&path, &[("disabled", "false"), ("enabled_events[]", "payment_intent.succeeded")])
        .await
        .ok();
    platform.paid(&world, 1_000, &[]).await;
    inbox.wait("payment_intent.succeeded", 1).await;
    assert_eq!(inbox.all().len(), 2);
    assert_eq!(platform.delete(&path).await.ok()["deleted"], true);
    assert_eq!(platform.get(&path).await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn anything_but_success_is_tried_again_with_a_new_signature() {
    for status in [302, 400, 500] {
        let world = World::start().await;
        let platform = world.platform("sk_test_one");
        let inbox = Inbox::open().await;
        let form = [("url", inbox.url()), ("enabled_events[]", "charge.succeeded".to_owned())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        platform.post("webhook_endpoints", &form).await.ok();
        inbox.fail_with(status, 3);
        platform.paid(&world, 1_000, &[]).await;
        let all = inbox.wait("charge.succeeded", 4).await;
        assert!(all.iter().all(|one| one.body == all[0].body));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let rows = world.look("deliveries").await["data"].as_array().unwrap().clone();
        let seen: Vec<(Value, Value)> =
            rows.iter().map(|row| (row["status"].clone(), row["attempt"].clone())).collect();
        let expected: Vec<(Value, Value)> = [(status, 1), (status, 2), (status, 3), (200, 4)]
            .iter()
            .map(|(a, b)| (json!(a), json!(b)))
            .collect();
        assert_eq!(seen, expected);
        assert_eq!(
            platform.get("events?delivery_success=true&type=charge.succeeded").await.ok()["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        let path = format!("deliveries/{}/resend", text(&rows[0], "id"));
        world.control(&path, json!({})).await.ok();
        inbox.wait("charge.succeeded", 5).await;
        world.finish().await;
    }
}

#[tokio::test]
async fn localhost_names_are_this_machine() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let inbox = Inbox::open().await;
    platform.listen(&format!("http://second.localhost:{}/hook", inbox.port), false).await;
    platform.paid(&world, 1_000, &[]).await;
    let one = inbox.wait("charge.succeeded", 1).await.remove(0);
    assert_eq!(one.headers["host"], format!("second.localhost:{}", inbox.port));
    world.finish().await;
}

#[tokio::test]
async fn held_webhooks_wait_for_their_release() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let inbox = Inbox::open().await;
    platform.listen(&inbox.url(), false).await;
    let hold = json!({ "hold_webhooks": true, "types": ["checkout.session.completed"] });
    world.control("faults", hold).await.ok();
    platform.paid(&world, 1_000, &[]).await;
    inbox.wait("payment_intent.succeeded", 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(inbox.all().iter().all(|one| one.event()["type"] != "checkout.session.completed"));
    let released = world.control("faults", json!({ "hold_webhooks": false })).await.ok();
    assert_eq!(released["released"], 1);
    inbox.wait("checkout.session.completed", 1).await;
    world.finish().await;
}

#[tokio::test]
async fn crafted_events_go_where_they_are_aimed() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let (plain, connect) = (Inbox::open().await, Inbox::open().await);
    platform.listen(&plain.url(), false).await;
    platform.listen(&connect.url(), true).await;
    let event = json!({
        "type": "solar.flare", "object": { "id": "x" }, "livemode": true, "api_version": "2030-01-01.future",
        "id": "evt_mine", "account": "acct_foreign", "created": 1_000,
    });
    assert_eq!(world.control("events/send", event).await.ok()["endpoints"], 1);
    let one = connect.wait("solar.flare", 1).await[0].event();
    assert_eq!(
        (&one["id"], &one["account"], &one["livemode"]),
        (&json!("evt_mine"), &json!("acct_foreign"), &json!(true))
    );
    assert_eq!((&one["api_version"], &one["created"]), (&json!("2030-01-01.future"), &json!(1_000)));
    world.control("events/send", json!({ "type": "charge.succeeded", "object": {} })).await.ok();
    let one = plain.wait("charge.succeeded", 1).await[0].event();
    assert_eq!(one.get("account"), None);
    assert_eq!(platform.events().await, Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn events_can_be_read_back() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    platform.paid(&world, 1_000, &[]).await;
    let list = platform.get("events?types[0]=charge.succeeded&types[1]=payment_intent.created").await.ok();
    let kinds: Vec<String> =
        list["data"].as_array().unwrap().iter().map(|event| text(event, "type")).collect();
    assert_eq!(kinds, ["charge.succeeded", "payment_intent.created"]);
    let starred = platform.get("events?type=payment_intent.*").await.ok();
    assert_eq!(starred["data"].as_array().unwrap().len(), 2);
    let one = platform.get(&format!("events/{}", text(&list["data"][0], "id"))).await.ok();
    assert_eq!(one["data"]["object"]["object"], "charge");
    assert!(one["data"]["object"].as_object().unwrap().keys().all(|key| !key.starts_with('_')));
    let later = chrono::Utc::now().timestamp() + 100;
    let none = platform.get(&format!("events?created[gt]={later}")).await.ok();
    assert_eq!(none["data"], json!([]));
    world.finish().await;
}
