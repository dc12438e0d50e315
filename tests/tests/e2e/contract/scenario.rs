//! Everything that souk does with the provider, once.

use serde_json::{Value, json};

use crate::support::{World, eventually};

/// A seller who applies, is onboarded, and looks at the provider's pages.
pub async fn onboard(world: &World) {
    let login = json!({"email": "contract@example.com", "password": "a long password"});
    let tokens = world.anonymous().post("/v1/auth/register", login).await.expect(201);
    let owner = world.anonymous().with_token(tokens["access_token"].as_str().unwrap());
    let application = json!({"display_name": "Contract", "country": "US", "charge_model": "direct"});
    let seller = owner.post("/v1/sellers", application).await.expect(201);
    let path = format!("/v1/sellers/{}", seller["id"].as_str().unwrap());
    owner.post(&format!("{path}/onboarding-link"), json!({})).await.expect(201);
    let account = owner.get(&path).await.expect(200)["connected_account"]["id"].as_str().unwrap().to_owned();
    world
        .sandbox()
        .post(&format!("/_sandbox/accounts/{account}/complete_onboarding"), json!({}))
        .await
        .expect(200);
    eventually("the seller is active", || async {
        let seller = owner.get(&path).await.expect(200);
        if seller["status"] == "active" { Ok(()) } else { Err(seller.to_string()) }
    })
    .await;
    owner.post(&format!("{path}/dashboard-link"), json!({})).await.expect(201);
    owner.post(&format!("{path}/account-session"), json!({})).await.expect(201);
    let control = |what: &str| format!("/_sandbox/accounts/{account}/{what}");
    world.sandbox().post(&control("restrict"), json!({})).await.expect(200);
    world.sandbox().post(&control("deauthorize"), json!({})).await.expect(200);
    eventually("the seller is gone", || async {
        let seller = owner.get(&path).await.expect(200);
        if seller["status"] == "deauthorized" { Ok(()) } else { Err(seller.to_string()) }
    })
    .await;
}

/// Purchases in every form, and what may become of them.
pub async fn sell(world: &World, model: &str) {
    let slot = world.slot(model, 100, 2_500).await;
    let checkout = async |more: Value| {
        let mut body =
            json!({"items": [{"slot_id": slot["id"], "quantity": 2}], "email": "guest@example.com"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.anonymous().checkout_with(body).await.expect(201)
    };
    let owner = world.seller(model).await.0;
    for mode in ["hosted", "embedded", "custom"] {
        let started = checkout(json!({"ui_mode": mode})).await;
        world.pay(&started, json!({})).await.expect(200);
        world.order_becomes(&started, "paid").await;
        let refunds = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
        let part = json!({"amount": 1_001, "reason": "Rain"});
        owner.post_once(&refunds, &format!("{mode}-part"), part).await.expect(201);
        owner.post_once(&refunds, &format!("{mode}-rest"), json!({"release": true})).await.expect(201);
    }
    for (code, at) in [(json!("WELCOME10"), None), (json!("FREE100"), None), (Value::Null, Some("WELCOME10"))]
    {
        let started = checkout(json!({"promo_code": code})).await;
        let options = at.map_or(json!({}), |code| json!({"promotion_code": code}));
        let reply = world.pay(&started, options).await;
        // A code that only souk knows cannot be typed in on the provider's page.
        if at.is_none() || reply.status == 200 {
            reply.expect(200);
            world.order_becomes(&started, "paid").await;
        }
    }
    let started = checkout(json!({})).await;
    world.pay(&started, json!({"card": "4000000000000002"})).await.expect(402);
    world.pay(&started, json!({"card": "4000002760003184", "three_d_secure": "pass"})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    for outcome in ["succeeded", "failed"] {
        let started = checkout(json!({})).await;
        let paid = world.pay(&started, json!({"payment_method": "bank_debit"})).await.expect(200);
        let intent = intent(world, &started, &paid).await;
        let settle = format!("/_sandbox/payment_intents/{intent}/settle");
        world.sandbox().post(&settle, json!({"outcome": outcome})).await.expect(200);
        world.order_becomes(&started, if outcome == "failed" { "failed" } else { "paid" }).await;
    }
    let started = checkout(json!({})).await;
    world.cancel(&started).await.expect(200);

    let reserved = json!({
        "title": "Reserved first", "price": {"amount": 4_000, "currency": "usd"}, "capture": "on_confirmation",
    });
    let slot = world.slot_with(model, 2, reserved).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;

    let slot = world.slot(model, 1, 2_500).await;
    let disputed = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&disputed, json!({"card": "4000000000000259"})).await.expect(200);
    world.order_becomes(&disputed, "paid").await;
}

async fn intent(world: &World, started: &Value, paid: &Value) -> String {
    let from = paid["payment_intent"].as_str().map(str::to_owned);
    match from {
        Some(intent) => intent,
        None => world.session(started).await["payment_intent"].as_str().unwrap().to_owned(),
    }
}

/// A seat is lost while its buyer pays, and holds run out.
pub async fn lose(world: &World) {
    for capture in ["automatic", "on_confirmation"] {
        let listing = json!({
            "title": "Last seat", "price": {"amount": 3_000, "currency": "usd"}, "capture": capture,
        });
        let slot = world.slot_with("destination", 1, listing).await;
        let late = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.lose_hold(&late).await;
        let quick = world.anonymous().checkout(&slot, 1).await.expect(201);
        world.pay(&quick, json!({})).await.expect(200);
        world.order_becomes(&quick, "paid").await;
        world.pay(&late, json!({})).await.expect(200);
        world.order_becomes(&late, "unfulfillable").await;
    }
    let slot = world.slot("direct", 1, 2_500).await;
    let abandoned = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.let_holds_expire();
    world.order_becomes(&abandoned, "expired").await;
}

/// Until souk has nothing more to say to the provider.
pub async fn rest(world: &World) {
    let admin = world.admin().await;
    let mut last = usize::MAX;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        let events = admin.get("/v1/admin/webhook-events?status=pending").await.expect(200);
        let calls = world.calls("POST", "/v1/").await.len();
        if events["data"] == json!([]) && calls == last {
            return;
        }
        last = calls;
    }
}
