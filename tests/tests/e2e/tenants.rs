//! What is somebody else's is not there: another marketplace's, another seller's, another buyer's.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, World};

async fn newcomer(world: &World) -> Api {
    let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
    let body = json!({"email": email, "password": "a long enough password"});
    let registered = world.anonymous().post("/v1/auth/register", body).await.expect(201);
    world.anonymous().with_token(registered["access_token"].as_str().unwrap())
}

async fn paid_by(world: &World, buyer: &Api, model: &str) -> Value {
    let slot = world.slot(model, 5, 2_500).await;
    let started = buyer.checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    started
}

#[tokio::test]
async fn a_login_of_one_marketplace_is_nobody_in_the_other() {
    let world = World::start().await;
    let login = &world.info().tenants[0].admin;
    let second = world.anonymous_at_second();
    let body = json!({"email": login.email, "password": login.password});
    let answer = world.anonymous().post("/v1/auth/login", body.clone()).await.expect(200);
    let (access, refresh) =
        (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
    second.post("/v1/auth/login", body).await.refused(401, "invalid_credentials");
    let stranger = second.with_token(access);
    for path in ["/v1/me", "/v1/admin/orders", "/v1/admin/sellers", "/v1/admin/webhook-events"] {
        stranger.get(path).await.refused(401, "unauthenticated");
    }
    let reply = second.post("/v1/auth/refresh", json!({"refresh_token": refresh})).await;
    assert_eq!(reply.status, 401);
    // A wrong token is not nobody: it is refused even where nobody in particular is needed.
    let listings = world.anonymous_at_second().get("/v1/listings").await.expect(200);
    let slots = format!("/v1/listings/{}/slots", listings["data"][0]["id"].as_str().unwrap());
    let slot = world.anonymous_at_second().get(&slots).await.expect(200)["data"][0].clone();
    stranger.checkout(&slot, 1).await.refused(401, "unauthenticated");
    // An unknown host is no marketplace at all.
    let request = world.anonymous().request(Method::GET, "/v1/listings").header("host", "elsewhere.example");
    world.anonymous().send(request).await.refused(404, "unknown_host");
    world.finish().await;
}

#[tokio::test]
async fn another_marketplaces_things_are_not_there() {
    let world = World::start().await;
    let started = paid_by(&world, &world.anonymous(), "direct").await;
    let order = &started["order"];
    let line = &order["lines"][0];
    let (seller, listing) = (line["seller_id"].as_str().unwrap(), line["listing_id"].as_str().unwrap());
    let login = &world.info().tenants[1].admin;
    let admin = world.anonymous_at_second().log_in(&login.email, &login.password).await;
    let order_path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    let token = started["order_token"].as_str().unwrap();
    for path in [
        order_path.clone(),
        format!("{order_path}?token={token}"),
        format!("{order_path}/refunds?token={token}"),
        format!("/v1/listings/{listing}"),
        format!("/v1/listings/{listing}/slots"),
        format!("/v1/sellers/{seller}"),
        format!("/v1/sellers/{seller}/orders"),
        format!("/v1/admin/sellers/{seller}/fee-schedule"),
    ] {
        assert_eq!(admin.get(&path).await.status, 404, "{path}");
    }
    for what in ["verify", "cancel"] {
        let path = format!("{order_path}/{what}?token={token}");
        assert_eq!(admin.post(&path, json!({})).await.status, 404, "{path}");
    }
    assert_eq!(admin.post_once(&format!("{order_path}/refunds"), "k", json!({})).await.status, 404);
    admin.checkout(&json!({"id": line["slot_id"]}), 1).await.refused(404, "slot_not_found");
    assert_eq!(admin.post(&format!("/v1/admin/sellers/{seller}/suspend"), json!({})).await.status, 404);
    let fee = json!({"fee_bps": 5});
    assert_eq!(admin.put(&format!("/v1/admin/sellers/{seller}/fee-schedule"), fee).await.status, 404);

    let own = world.admin().await;
    let event = own.get("/v1/admin/webhook-events").await.expect(200)["data"][0].clone();
    let job = own.get("/v1/admin/jobs").await.expect(200)["data"][0].clone();
    let (event, job) = (event["id"].as_str().unwrap(), job["id"].as_str().unwrap());
    assert_eq!(admin.post(&format!("/v1/admin/webhook-events/{event}/replay"), json!({})).await.status, 404);
    assert_eq!(admin.post(&format!("/v1/admin/jobs/{job}/retry"), json!({})).await.status, 404);
    for list in ["/v1/admin/orders", "/v1/admin/payments", "/v1/admin/jobs"] {
        assert_eq!(admin.get(list).await.expect(200)["data"], json!([]), "{list}");
    }
    world.finish().await;
}

#[tokio::test]
async fn another_sellers_things_are_not_there() {
    let world = World::start().await;
    let started = paid_by(&world, &world.anonymous(), "direct").await;
    let order = &started["order"];
    let line = &order["lines"][0];
    let (seller, listing, slot) = (
        line["seller_id"].as_str().unwrap(),
        line["listing_id"].as_str().unwrap(),
        line["slot_id"].as_str().unwrap(),
    );
    let (other, other_seller) = world.seller("destination").await;
    let order_path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    for path in [order_path.clone(), format!("/v1/sellers/{seller}"), format!("/v1/sellers/{seller}/orders")]
    {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(other.post_once(&format!("{order_path}/refunds"), "k", json!({})).await.status, 404);
    for what in ["onboarding-link", "dashboard-link", "account-session"] {
        assert_eq!(
            other.post(&format!("/v1/sellers/{seller}/{what}"), json!({})).await.status,
            404,
            "{what}"
        );
    }
    let new = json!({"title": "T", "price": {"amount": 1, "currency": "usd"}});
    assert_eq!(other.post(&format!("/v1/sellers/{seller}/listings"), new).await.status, 404);
    // Neither by the right seller's path nor by their own.
    for owner in [seller, other_seller.as_str()] {
        let listing = format!("/v1/sellers/{owner}/listings/{listing}");
        assert_eq!(other.patch(&listing, json!({"title": "Mine"})).await.status, 404);
        assert_eq!(other.patch(&format!("{listing}/slots/{slot}"), json!({"capacity": 1})).await.status, 404);
    }
    assert_eq!(other.get("/v1/admin/orders").await.status, 403);
    // Its own seller sees it and may give the money back.
    let (own, _) = world.seller("direct").await;
    own.get(&order_path).await.expect(200);
    own.post_once(&format!("{order_path}/refunds"), "k", json!({"amount": 100})).await.expect(201);
    own.post(&format!("{order_path}/cancel"), json!({})).await.refused(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn another_buyers_order_is_not_there() {
    let world = World::start().await;
    let buyer = world.buyer().await;
    let mine = paid_by(&world, &buyer, "destination").await;
    let slot = world.slot("destination", 2, 2_500).await;
    let guests = world.anonymous().checkout(&slot, 1).await.expect(201);
    let other = newcomer(&world).await;
    let path = format!("/v1/orders/{}", mine["order"]["id"].as_str().unwrap());
    let guest_path = format!("/v1/orders/{}", guests["order"]["id"].as_str().unwrap());
    let wrong = guests["order_token"].as_str().unwrap();
    for api in [&other, &world.anonymous()] {
        for path in
            [path.clone(), format!("{path}?token={wrong}"), format!("{path}?token="), guest_path.clone()]
        {
            assert_eq!(api.get(&path).await.status, 404, "{path}");
        }
        for what in ["verify", "cancel"] {
            assert_eq!(api.post(&format!("{path}/{what}"), json!({})).await.status, 404);
            assert_eq!(api.post(&format!("{guest_path}/{what}?token=x"), json!({})).await.status, 404);
        }
        assert_eq!(api.get(&format!("{path}/events")).await.status, 404);
        assert_eq!(api.post_once(&format!("{path}/refunds"), "k", json!({})).await.status, 404);
    }
    assert_eq!(world.order(&guests).await["status"], "pending");
    // Its buyer sees it, and can't refund it; neither can a guest.
    buyer.get(&path).await.expect(200);
    buyer.post_once(&format!("{path}/refunds"), "k", json!({})).await.refused(403, "forbidden");
    let refunds = World::order_path(&guests, "/refunds");
    world.anonymous().post_once(&refunds, "k", json!({})).await.refused(403, "forbidden");
    let orders = other.get("/v1/me/orders").await.expect(200);
    assert_eq!(orders["data"], json!([]));
    assert_eq!(other.get(&format!("{path}x")).await.status, 404);
    assert_eq!(other.get("/v1/orders/ord_0").await.status, 404);
    world.finish().await;
}
