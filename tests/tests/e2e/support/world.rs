//! souk, the sandbox and a database of their own, started for one test and ended with it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, Database, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use souk::demo::{Demo, Info, Login, Options};
use souk_domain::ids::OrderId;
use souk_infra::entity::{orders, slot_holds};
use tempfile::TempDir;

use super::actors::{Api, Reply};

/// How long something that happens by itself may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that one test needs.
pub struct World {
    /// The running demo: souk, its workers, and the sandbox.
    pub demo: Demo,
    /// Who is logged in, and since when by souk's clock: hashing a password again takes long.
    sessions: Mutex<HashMap<String, (DateTime<Utc>, Api)>>,
    _folder: TempDir,
}

impl World {
    /// A fresh world.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A fresh world, started differently.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = TempDir::new().unwrap();
        let url = database(&folder).await;
        let free = "127.0.0.1:0".parse().unwrap();
        let mut options = Options::new(free, free, &url);
        options.sandbox.webhook_retry_base = Duration::from_millis(100);
        change(&mut options);
        let demo = Demo::start(options).await.expect("the demo starts");
        Self { demo, sessions: Mutex::default(), _folder: folder }
    }

    /// Addresses and logins.
    pub fn info(&self) -> &Info {
        &self.demo.info
    }

    /// Somebody who is not logged in, at the first marketplace.
    pub fn anonymous(&self) -> Api {
        Api::new(&self.info().tenants[0].base_url)
    }

    /// Somebody who is not logged in, at the second marketplace.
    pub fn anonymous_at_second(&self) -> Api {
        Api::new(&self.info().tenants[1].base_url)
    }

    /// The first marketplace's admin.
    pub async fn admin(&self) -> Api {
        self.logged_in(&self.info().tenants[0].admin).await
    }

    /// The first marketplace's buyer.
    pub async fn buyer(&self) -> Api {
        self.logged_in(&self.info().tenants[0].buyer).await
    }

    /// The owner of the first seller with this charge model, and the seller's id.
    pub async fn seller(&self, charge_model: &str) -> (Api, String) {
        let seller = self.info().tenants[0].sellers.iter().find(|s| s.charge_model == charge_model).unwrap();
        let login = Login { email: seller.email.clone(), password: seller.password.clone() };
        (self.logged_in(&login).await, seller.id.clone())
    }

    /// Somebody of the first marketplace; logs in anew when souk's clock has gone past what a token lasts.
    async fn logged_in(&self, login: &Login) -> Api {
        let now = self.demo.souk.clock.now();
        let known = self.sessions.lock().unwrap().get(&login.email).cloned();
        if let Some((since, api)) = known
            && now - since < chrono::Duration::minutes(10)
        {
            return api;
        }
        let api = self.anonymous().log_in(&login.email, &login.password).await;
        self.sessions.lock().unwrap().insert(login.email.clone(), (now, api.clone()));
        api
    }

    /// The sandbox, with no key.
    pub fn sandbox(&self) -> Api {
        Api::new(&self.info().sandbox_url)
    }

    /// The sandbox as the first marketplace's platform.
    pub fn stripe(&self) -> Api {
        self.sandbox().with_token(&self.info().tenants[0].stripe_secret_key)
    }

    /// A slot of a new listing of a seller with this charge model.
    pub async fn slot(&self, charge_model: &str, capacity: i64, price: i64) -> Value {
        self.slot_with(
            charge_model,
            capacity,
            json!({"title": "Test", "price": {"amount": price, "currency": "usd"}}),
        )
        .await
    }

    /// A slot of a new listing made with this body.
    pub async fn slot_with(&self, charge_model: &str, capacity: i64, listing: Value) -> Value {
        let (owner, seller) = self.seller(charge_model).await;
        let listing = owner.post(&format!("/v1/sellers/{seller}/listings"), listing).await.expect(201);
        let path = format!("/v1/sellers/{seller}/listings/{}/slots", listing["id"].as_str().unwrap());
        let starts_at = chrono::Utc::now() + chrono::Duration::days(3);
        let body = json!({"starts_at": starts_at, "ends_at": starts_at + chrono::Duration::hours(1), "capacity": capacity});
        owner.post(&path, body).await.expect(201)
    }

    /// A slot as the public sees it now.
    pub async fn public_slot(&self, slot: &Value) -> Value {
        let listing = slot["listing_id"].as_str().unwrap();
        let list = self.anonymous().get(&format!("/v1/listings/{listing}/slots")).await.expect(200);
        list["data"].as_array().unwrap().iter().find(|row| row["id"] == slot["id"]).unwrap().clone()
    }

    /// Does what a buyer does on the hosted page; `options` as the sandbox's control takes them.
    pub async fn pay(&self, started: &Value, options: Value) -> Reply {
        let session = started["checkout"]["session_id"].as_str().unwrap();
        self.sandbox().post(&format!("/_sandbox/checkout/sessions/{session}/complete"), options).await
    }

    /// An order as its guest sees it.
    pub async fn order(&self, started: &Value) -> Value {
        let (id, token) =
            (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
        self.anonymous().get(&format!("/v1/orders/{id}?token={token}")).await.expect(200)
    }

    /// Waits, without asking souk to verify, until the order has this status.
    pub async fn order_becomes(&self, started: &Value, status: &str) -> Value {
        eventually(&format!("the order becomes {status}"), || async {
            let order = self.order(started).await;
            if order["status"] == status { Ok(order) } else { Err(format!("it is {}", order["status"])) }
        })
        .await
    }

    /// What the buyer's browser does on its return, as often as it likes.
    pub async fn verify(&self, started: &Value) -> Value {
        self.verify_reply(started).await.expect(200)
    }

    /// Like [`World::verify`], whatever the answer.
    pub async fn verify_reply(&self, started: &Value) -> Reply {
        self.anonymous().post(&Self::order_path(started, "/verify"), json!({})).await
    }

    /// The guest gives the order up.
    pub async fn cancel(&self, started: &Value) -> Reply {
        self.anonymous().post(&Self::order_path(started, "/cancel"), json!({})).await
    }

    /// The path of an order for its guest.
    pub fn order_path(started: &Value, what: &str) -> String {
        let (id, token) =
            (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
        format!("/v1/orders/{id}{what}?token={token}")
    }

    /// The worst that can have happened to a hold: the order was given up here though nobody told the provider, so
    /// that it can still be paid there.
    pub async fn lose_hold(&self, started: &Value) {
        self.set_status(started, "expired").await;
        let order: OrderId = started["order"]["id"].as_str().unwrap().parse().unwrap();
        let db = self.demo.souk.db.unscoped();
        slot_holds::Entity::delete_many()
            .filter(slot_holds::Column::OrderId.eq(order.uuid()))
            .exec(db)
            .await
            .unwrap();
    }

    /// Puts an order into a status behind souk's back.
    pub async fn set_status(&self, started: &Value, status: &str) {
        let order: OrderId = started["order"]["id"].as_str().unwrap().parse().unwrap();
        orders::Entity::update_many()
            .col_expr(orders::Column::Status, Expr::value(status))
            .filter(orders::Column::Id.eq(order.uuid()))
            .exec(self.demo.souk.db.unscoped())
            .await
            .unwrap();
    }

    /// Lets the time of every hold run out, for souk.
    pub fn let_holds_expire(&self) {
        self.demo.souk.clock.advance(15 * 60 + 1);
    }

    /// Every API call that the sandbox has seen on paths that contain `part`.
    pub async fn calls(&self, method: &str, part: &str) -> Vec<Value> {
        let all = self.sandbox().get("/_sandbox/requests").await.expect(200);
        let matches =
            |call: &&Value| call["method"] == method && call["path"].as_str().unwrap().contains(part);
        all["data"].as_array().unwrap().iter().filter(matches).cloned().collect()
    }

    /// What must hold at the end of every test: nothing is left undone or dead, the sandbox's books balance, and
    /// souk's tell the same story.
    pub async fn finish(self) {
        eventually("the books are right", || self.audit()).await;
        let admin = self.admin().await;
        let dead = admin.get("/v1/admin/webhook-events?status=dead").await.expect(200);
        assert_eq!(dead["data"], json!([]), "dead webhooks");
        let dead = admin.get("/v1/admin/jobs?status=dead").await.expect(200);
        assert_eq!(dead["data"], json!([]), "dead jobs");
        let books = self.sandbox().get("/_sandbox/books").await.expect(200);
        assert_eq!(books["balanced"], json!(true), "{books}");
        self.demo.stop().await;
    }
}

/// A database of this test's own.
pub async fn database(folder: &TempDir) -> String {
    match std::env::var("SOUK_TEST_DATABASE").as_deref() {
        Ok("postgres") => {
            let server =
                std::env::var("SOUK_TEST_POSTGRES_URL").expect("SOUK_TEST_POSTGRES_URL names a server");
            let name = format!("souk_{}", uuid::Uuid::now_v7().simple());
            let connection = Database::connect(&server).await.expect("PostgreSQL answers");
            connection
                .execute_unprepared(&format!("CREATE DATABASE {name}"))
                .await
                .expect("a database is made");
            connection.close().await.unwrap();
            let (base, _) = server.rsplit_once('/').unwrap();
            format!("{base}/{name}")
        }
        _ => format!("sqlite://{}", folder.path().join("souk.db").display()),
    }
}

/// Tries until it succeeds; what it said last is in the panic.
pub async fn eventually<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(why) if begun.elapsed() > PATIENCE => panic!("waited in vain: {what}; {why}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
