//! Sellers on their way to the provider, and what the provider says of them afterwards.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Api, World, eventually};

/// A new seller of the first marketplace: its owner and its id.
async fn newcomer(world: &World, model: &str) -> (Api, String) {
    let email = format!("{}@example.com", uuid::Uuid::now_v7().simple());
    let body = json!({"email": email, "password": "a long enough password"});
    let registered = world.anonymous().post("/v1/auth/register", body).await.expect(201);
    let owner = world.anonymous().with_token(registered["access_token"].as_str().unwrap());
    let body = json!({"display_name": "New", "country": "US", "charge_model": model});
    let seller = owner.post("/v1/sellers", body).await.expect(201);
    assert_eq!((&seller["status"], &seller["connected_account"]), (&json!("pending"), &Value::Null));
    (owner, seller["id"].as_str().unwrap().to_owned())
}

async fn seller_becomes(owner: &Api, seller: &str, status: &str) -> Value {
    eventually(&format!("the seller becomes {status}"), || async {
        let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
        if view["status"] == status { Ok(view) } else { Err(view.to_string()) }
    })
    .await
}

async fn control(world: &World, account: &str, what: &str) {
    world.sandbox().post(&format!("/_sandbox/accounts/{account}/{what}"), json!({})).await.expect(200);
}

async fn accounts_at_provider(world: &World) -> usize {
    world.stripe_get(None, "/v1/accounts?limit=100").await["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn one_account_is_opened_however_often_at_once_it_is_asked_for() {
    let world = World::start().await;
    let (owner, seller) = newcomer(&world, "direct").await;
    let before = accounts_at_provider(&world).await;
    let slow = json!({"path": "/v1/accounts", "method": "POST", "kind": "slow", "delay_ms": 400});
    let cut = json!({"path": "/v1/accounts", "method": "POST", "kind": "drop_after_work"});
    world.faults(json!({"next": [slow, cut]})).await;
    let path = format!("/v1/sellers/{seller}/onboarding-link");
    let replies = join_all((0..8).map(|_| owner.post(&path, json!({})))).await;
    let links: Vec<Value> = replies.into_iter().map(|reply| reply.expect(201)).collect();
    for link in &links {
        assert!(link["url"].as_str().unwrap().starts_with(&world.info().sandbox_url), "{link}");
    }
    owner.post(&path, json!({})).await.expect(201);
    assert_eq!(accounts_at_provider(&world).await, before + 1);
    let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
    assert_eq!(view["status"], "onboarding");
    assert_eq!(view["connected_account"]["charges_enabled"], false);
    world.finish().await;
}

#[tokio::test]
async fn only_active_sellers_sell() {
    let world = World::start().await;
    for model in ["direct", "destination"] {
        let (owner, seller) = newcomer(&world, model).await;
        let listing = json!({"title": "New thing", "price": {"amount": 2_500, "currency": "usd"}});
        let listing = owner.post(&format!("/v1/sellers/{seller}/listings"), listing).await.expect(201);
        let starts_at = chrono::Utc::now() + chrono::Duration::days(3);
        let slot =
            json!({"starts_at": starts_at, "ends_at": starts_at + chrono::Duration::hours(1), "capacity": 5});
        let listing_id = listing["id"].as_str().unwrap();
        let slots = format!("/v1/sellers/{seller}/listings/{listing_id}/slots");
        let slot = owner.post(&slots, slot).await.expect(201);
        let sells = async |wanted: bool| {
            let page = world.anonymous().get(&format!("/v1/listings/{listing_id}")).await;
            let reply = world.anonymous().checkout(&slot, 1).await;
            if wanted {
                page.expect(200);
                Some(reply.expect(201))
            } else {
                assert_eq!(page.status, 404);
                reply.refused(409, "seller_not_active");
                None
            }
        };
        sells(false).await;
        owner.post(&format!("/v1/sellers/{seller}/onboarding-link"), json!({})).await.expect(201);
        sells(false).await;
        let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
        let account = view["connected_account"]["id"].as_str().unwrap().to_owned();
        control(&world, &account, "complete_onboarding").await;
        seller_becomes(&owner, &seller, "active").await;
        let begun = sells(true).await.unwrap();

        control(&world, &account, "restrict").await;
        let view = seller_becomes(&owner, &seller, "restricted").await;
        assert_eq!(view["connected_account"]["charges_enabled"], false);
        assert_eq!(view["connected_account"]["requirements"]["disabled_reason"], "requirements.past_due");
        sells(false).await;
        control(&world, &account, "complete_onboarding").await;
        seller_becomes(&owner, &seller, "active").await;

        let admin = world.admin().await;
        let suspended =
            admin.post(&format!("/v1/admin/sellers/{seller}/suspend"), json!({})).await.expect(200);
        assert_eq!(suspended["status"], "suspended");
        sells(false).await;
        // What the provider says does not lift what an admin has decided.
        let object = world.stripe_get(None, &format!("/v1/accounts/{account}")).await;
        let event = World::event("account.updated", &object, Some(&account));
        world.deliver(&event).await.expect(200);
        world.event_outcome(&event).await;
        sells(false).await;
        let back = admin.post(&format!("/v1/admin/sellers/{seller}/reinstate"), json!({})).await.expect(200);
        assert_eq!(back["status"], "active");
        sells(true).await;
        // Who had begun to pay may finish.
        world.pay(&begun, json!({})).await.expect(200);
        world.order_becomes(&begun, "paid").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_seller_who_cuts_the_connection_sells_no_more_and_no_late_event_brings_it_back() {
    let world = World::start().await;
    let (owner, seller) = world.seller("direct").await;
    let account = world.account("direct").await;
    let slot = world.slot("direct", 2, 2_500).await;
    let object = world.stripe_get(None, &format!("/v1/accounts/{account}")).await;
    control(&world, &account, "deauthorize").await;
    seller_becomes(&owner, &seller, "deauthorized").await;
    world.anonymous().checkout(&slot, 1).await.refused(409, "seller_not_active");
    let event = World::event("account.updated", &object, Some(&account));
    world.deliver(&event).await.expect(200);
    eventually("the late event has been tried", || async {
        let list = world.admin().await.get("/v1/admin/webhook-events?limit=100").await.expect(200);
        let rows = list["data"].as_array().unwrap();
        let row =
            rows.iter().find(|row| row["provider_event_id"] == event["id"]).cloned().unwrap_or_default();
        if row["status"] != "pending" || row["reason"].is_string() { Ok(()) } else { Err(row.to_string()) }
    })
    .await;
    seller_becomes(&owner, &seller, "deauthorized").await;
    owner
        .post(&format!("/v1/sellers/{seller}/onboarding-link"), json!({}))
        .await
        .refused(409, "seller_deauthorized");
    world.demo.stop().await;
}

#[tokio::test]
async fn coming_back_from_the_form_proves_nothing() {
    let world = World::start().await;
    let (owner, seller) = newcomer(&world, "destination").await;
    let path = format!("/v1/sellers/{seller}/onboarding-link");
    let here = format!("{}/seller/{seller}/onboarding/return", world.info().base_url);
    owner.post(&path, json!({"return_url": here})).await.expect(201);
    // The browser comes back without the form having been filled in.
    owner.get(&format!("/seller/{seller}/onboarding/return")).await;
    world.anonymous().get(&format!("/seller/{seller}/onboarding/return")).await;
    let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
    assert_eq!(view["status"], "onboarding");
    // An event that claims it all the same makes souk ask, and the provider says no.
    let account = view["connected_account"]["id"].as_str().unwrap().to_owned();
    let mut object = world.stripe_get(None, &format!("/v1/accounts/{account}")).await;
    for field in ["charges_enabled", "payouts_enabled", "details_submitted"] {
        object[field] = json!(true);
    }
    let event = World::event("account.updated", &object, Some(&account));
    world.deliver(&event).await.expect(200);
    assert_eq!(world.event_outcome(&event).await["status"], "done");
    let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
    assert_eq!(view["status"], "onboarding");
    owner.post(&path, json!({"return_url": "javascript:alert(1)"})).await.refused(400, "invalid_field");
    world.finish().await;
}
