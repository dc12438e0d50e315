//! No query of souk's reads or sorts a whole table: with a hundred thousand rows in each, the database is asked how it
//! would run every statement that souk has really sent.

mod fill;
mod plan;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sea_orm::Statement;
use serde_json::{Value, json};
use souk::server::Server;
use souk::{AppState, HttpSettings};
use souk_domain::ids::TenantId;
use souk_infra::db::Db;
use souk_infra::{Souk, gap_fill, idempotency, sweeper, tenants};
use tokio::net::TcpListener;

use self::plan::shape;
use crate::support::{Api, World, eventually};

/// Every statement so far, by its shape; of each the last one, with its values.
type Seen = Arc<Mutex<BTreeMap<String, Statement>>>;

#[tokio::test]
async fn no_query_reads_or_sorts_a_whole_table() {
    let mut url = String::new();
    let world = World::start_with(|options| url.clone_from(&options.database_url)).await;
    let tenant = tenants::by_slug(&world.demo.souk, &world.info().tenants[0].slug).await.unwrap().unwrap();
    fill::fill(&url, tenant.id.uuid()).await;

    // A second souk on the same database, whose every statement is noted: it serves, works and sweeps.
    let seen = Seen::default();
    let mut db = Db::connect(&url).await.unwrap();
    db.observe({
        let seen = seen.clone();
        move |statement| {
            seen.lock().unwrap().insert(shape(&statement.sql), statement.clone());
        }
    });
    let souk = Souk::new(db, world.demo.souk.settings.as_ref().clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::start(AppState::new(souk.clone(), HttpSettings::default()), listener).unwrap();

    send_webhooks_to(&world, &base).await;
    trade(&world, &base, &seen).await;
    browse(&world, &base, tenant.id).await;
    sweeper::sweep(souk.clone()).await.unwrap();
    gap_fill::fill(souk.clone()).await.unwrap();
    idempotency::purge(&souk).await.unwrap();
    server.stop().await;

    let statements: Vec<Statement> = seen.lock().unwrap().values().cloned().collect();
    assert!(statements.len() > 100, "only {} different statements", statements.len());
    let db = world.demo.souk.db.unscoped();
    let mut wrong = Vec::new();
    for statement in &statements {
        wrong.extend(plan::judge(db, statement).await);
    }
    assert!(
        wrong.is_empty(),
        "{} of {} statements:\n\n{}",
        wrong.len(),
        statements.len(),
        wrong.join("\n\n")
    );
    world.demo.stop().await;
}

/// Has the provider report to the souk at this address from now on, which then also does what follows.
async fn send_webhooks_to(world: &World, base: &str) {
    let endpoints = world.stripe_get(None, "/v1/webhook_endpoints").await;
    for endpoint in endpoints["data"].as_array().unwrap() {
        let url = endpoint["url"].as_str().unwrap().replace(&world.info().base_url, base);
        let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
        world.stripe_post(None, &path, &[("url", &url)]).await;
    }
}

/// Buys, refunds, cancels and changes, at the souk that is watched, until its workers have had their share.
async fn trade(world: &World, base: &str, seen: &Seen) {
    let anonymous = Api::new(base);
    let info = &world.info().tenants[0];
    let buyer = anonymous.log_in(&info.buyer.email, &info.buyer.password).await;
    for model in ["direct", "destination"] {
        let slot = world.slot(model, 1_000, 2_500).await;
        let login = info.sellers.iter().find(|seller| seller.charge_model == model).unwrap();
        let owner = anonymous.log_in(&login.email, &login.password).await;
        let own = format!("/v1/sellers/{}", login.id);
        eventually("the watched souk has done some of everything", || async {
            world.hold_webhooks().await;
            let order = |code: Value| {
                let items = json!([{"slot_id": slot["id"], "quantity": 1}]);
                json!({"items": items, "email": "a@b.example", "promo_code": code})
            };
            let bought = buyer.checkout_with(order(json!("WELCOME10"))).await.expect(201);
            world.pay(&bought, json!({})).await.expect(200);
            let path = format!("/v1/orders/{}", bought["order"]["id"].as_str().unwrap());
            let paid = buyer.post(&format!("{path}/verify"), json!({})).await.expect(200);
            assert_eq!(paid["status"], "paid");
            let refund = json!({"amount": 100, "release": true});
            let key = uuid::Uuid::now_v7().to_string();
            owner.post_once(&format!("{path}/refunds"), &key, refund).await.expect(201);
            let given_up = buyer.checkout_with(order(Value::Null)).await.expect(201);
            let path = format!("/v1/orders/{}/cancel", given_up["order"]["id"].as_str().unwrap());
            buyer.post(&path, json!({})).await.expect(200);
            world.let_webhooks_go().await;
            let bought = buyer.checkout_with(order(Value::Null)).await.expect(201);
            world.pay(&bought, json!({})).await.expect(200);
            world.order_becomes(&bought, "paid").await;
            let seen = seen.lock().unwrap();
            let missing = ["UPDATE \"jobs\"", "UPDATE \"webhook_events\"", "INSERT INTO \"mails\""]
                .into_iter()
                .find(|start| !seen.keys().any(|shape| shape.starts_with(start)));
            missing.map_or(Ok(()), |start| Err(format!("no {start} yet")))
        })
        .await;
        let listing = format!("{own}/listings/{}", slot["listing_id"].as_str().unwrap());
        owner.patch(&listing, json!({"title": "Changed"})).await.expect(200);
        let path = format!("{listing}/slots/{}", slot["id"].as_str().unwrap());
        owner.patch(&path, json!({"capacity": 999})).await.expect(200);
        owner.patch(&path, json!({"status": "cancelled"})).await.expect(200);
    }
}

/// Asks for every list, its first page and a later one, and for one of everything.
async fn browse(world: &World, base: &str, tenant: TenantId) {
    let anonymous = Api::new(base);
    let info = &world.info().tenants[0];
    let admin = anonymous.log_in(&info.admin.email, &info.admin.password).await;
    let buyer = anonymous.log_in(&info.buyer.email, &info.buyer.password).await;
    let seller = &info.sellers[0];
    let owner = anonymous.log_in(&seller.email, &seller.password).await;
    let listing = anonymous.get("/v1/listings?limit=1").await.expect(200)["data"][0].clone();
    let (id, of) = (listing["id"].as_str().unwrap(), listing["seller_id"].as_str().unwrap());
    let mut lists: Vec<(&Api, String)> = vec![
        (&anonymous, "/v1/listings".to_owned()),
        (&anonymous, format!("/v1/listings?seller_id={of}")),
        (&anonymous, format!("/v1/listings/{id}/slots")),
        (&anonymous, format!("/v1/listings/{id}/slots?from=2024-01-01&to=2040-01-01")),
        (&owner, format!("/v1/sellers/{}/listings", seller.id)),
        (&owner, format!("/v1/sellers/{}/orders", seller.id)),
        (&buyer, "/v1/me/orders".to_owned()),
        (&admin, "/v1/admin/audit-log?subject=subject77".to_owned()),
    ];
    for (name, statuses) in [
        ("sellers", &["onboarding", "active"][..]),
        ("orders", &["paid", "pending", "review"]),
        ("payments", &[]),
        ("webhook-events", &["done", "pending", "dead"]),
        ("jobs", &["done", "pending", "dead"]),
        ("audit-log", &[]),
        ("promotions", &[]),
    ] {
        lists.push((&admin, format!("/v1/admin/{name}")));
        lists.extend(statuses.iter().map(|status| (&admin, format!("/v1/admin/{name}?status={status}"))));
    }
    for (api, path) in lists {
        let join = if path.contains('?') { '&' } else { '?' };
        let page = api.get(&format!("{path}{join}limit=5")).await.expect(200);
        if let Some(last) = page["data"].as_array().unwrap().last() {
            let after = last["id"].as_str().unwrap();
            api.get(&format!("{path}{join}limit=100&starting_after={after}")).await.expect(200);
        }
    }
    for path in ["/v1/admin/fee-schedule".to_owned(), format!("/v1/admin/sellers/{}/fee-schedule", seller.id)]
    {
        admin.get(&path).await.expect(200);
        admin.put(&path, json!({"fee_bps": 1_100})).await.expect(200);
    }
    owner.get("/v1/me").await.expect(200);
    owner.get(&format!("/v1/sellers/{}", seller.id)).await.expect(200);
    owner.post(&format!("/v1/sellers/{}/dashboard-link", seller.id), json!({})).await.expect(201);
    let login = json!({"email": "index@example.com", "password": "a long password"});
    let tokens = anonymous.post("/v1/auth/register", login).await.expect(201);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let tokens = anonymous.post("/v1/auth/refresh", refresh).await.expect(200);
    let person = anonymous.with_token(tokens["access_token"].as_str().unwrap());
    person.post("/v1/sellers", json!({"display_name": "Another", "country": "US"})).await.expect(201);
    anonymous.post("/v1/auth/logout", json!({"refresh_token": tokens["refresh_token"]})).await.expect(204);
    let done = admin.get("/v1/admin/webhook-events?status=ignored&limit=1").await.expect(200);
    if let Some(event) = done["data"][0]["id"].as_str() {
        let replay = admin.post(&format!("/v1/admin/webhook-events/{event}/replay"), json!({})).await;
        assert_eq!(replay.status, 202, "{tenant}");
    }
}
