//! Actors for the tests: a world with one sandbox, a platform with its key, an inbox for webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use stripe_sandbox::{Sandbox, SandboxConfig};

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

/// An answer with everything that a test may look at.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `(status, code, param)` of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json["error"];
        let field = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        assert!(error.is_object(), "not an error: {}", self.text);
        (self.status, field("code"), field("param"))
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(SandboxConfig::default()).await
    }

    pub(crate) async fn start_with(config: SandboxConfig) -> Self {
        let config = SandboxConfig { webhook_retry_base: Duration::from_millis(20), ..config };
        let sandbox = Sandbox::start(config).await.unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { sandbox, http }
    }

    pub(crate) fn platform(&self, key: &str) -> Platform {
        Platform {
            base: self.sandbox.base_url(),
            key: key.to_owned(),
            account: None,
            http: self.http.clone(),
        }
    }

    /// A control: POST with a JSON body.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Reply {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        reply(self.http.post(url).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        let url = format!("{}/_sandbox/{path}", self.sandbox.base_url());
        reply(self.http.get(url).send().await.unwrap()).await.ok()
    }

    /// Balances of an account in dollars' cents: available, pending.
    pub(crate) async fn balance(&self, account: &str) -> (i64, i64) {
        let books = self.look("books").await;
        assert_eq!(books["balanced"], true, "{books}");
        let row = books["accounts"].as_array().unwrap().iter().find(|row| row["account"] == account).cloned();
        row.map_or((0, 0), |row| (row["available"].as_i64().unwrap(), row["pending"].as_i64().unwrap()))
    }

    pub(crate) async fn total(&self, account: &str) -> i64 {
        let (available, pending) = self.balance(account).await;
        available + pending
    }

    /// Ends a test: nothing that it did may have unbalanced the books.
    pub(crate) async fn finish(self) {
        let books = self.look("books").await;
        assert_eq!(books["balanced"], true, "{books}");
        self.sandbox.stop().await;
    }
}

/// A caller of the API, for the platform or for one of its accounts.
#[derive(Clone)]
pub(crate) struct Platform {
    base: String,
    key: String,
    account: Option<String>,
    http: reqwest::Client,
}

type Form<'a> = &'a [(&'a str, &'a str)];

impl Platform {
    pub(crate) fn on(&self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self.clone() }
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}/v1/{path}", self.base)).bearer_auth(&self.key);
        match &self.account {
            Some(account) => request.header("stripe-account", account),
            None => request,
        }
    }

    pub(crate) async fn post(&self, path: &str, form: Form<'_>) -> Reply {
        reply(self.request(reqwest::Method::POST, path).form(form).send().await.unwrap()).await
    }

    pub(crate) async fn keyed(&self, key: &str, path: &str, form: Form<'_>) -> Reply {
        let request = self.request(reqwest::Method::POST, path).header("idempotency-key", key);
        reply(request.form(form).send().await.unwrap()).await
    }

    /// A POST that may not be answered at all.
    pub(crate) async fn try_keyed(&self, key: &str, path: &str, form: Form<'_>) -> reqwest::Result<Reply> {
        let request = self.request(reqwest::Method::POST, path).header("idempotency-key", key);
        let request = request.timeout(Duration::from_millis(400));
        Ok(reply(request.form(form).send().await?).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.request(reqwest::Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        reply(self.request(reqwest::Method::DELETE, path).send().await.unwrap()).await
    }

    pub(crate) async fn id(&self) -> String {
        text(&self.get("account").await.ok(), "id")
    }

    /// An account that may charge and be paid.
    pub(crate) async fn seller(&self, world: &World, controller: Form<'_>) -> String {
        let mut form = vec![
            ("country", "US"),
            ("capabilities[card_payments][requested]", "true"),
            ("capabilities[transfers][requested]", "true"),
        ];
        form.extend_from_slice(controller);
        let id = text(&self.post("accounts", &form).await.ok(), "id");
        world.control(&format!("accounts/{id}/complete_onboarding"), json!({})).await.ok();
        id
    }

    /// A session for one thing of this price in dollars' cents, with more parameters.
    pub(crate) async fn session(&self, amount: i64, more: Form<'_>) -> Value {
        self.try_session(amount, more).await.ok()
    }

    pub(crate) async fn try_session(&self, amount: i64, more: Form<'_>) -> Reply {
        let amount = amount.to_string();
        let mut form = vec![
            ("mode", "payment"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", &amount),
            ("line_items[0][price_data][product_data][name]", "Pottery class"),
        ];
        if more.iter().all(|(name, _)| *name != "ui_mode") {
            form.push(("success_url", "https://shop.example/ok?session={CHECKOUT_SESSION_ID}"));
        }
        form.extend_from_slice(more);
        self.post("checkout/sessions", &form).await
    }

    /// A paid session's payment intent.
    pub(crate) async fn paid(&self, world: &World, amount: i64, more: Form<'_>) -> Value {
        self.paid_with(world, amount, more, json!({})).await
    }

    pub(crate) async fn paid_with(&self, world: &World, amount: i64, more: Form<'_>, how: Value) -> Value {
        let session = self.session(amount, more).await;
        let done =
            world.control(&format!("checkout/sessions/{}/complete", text(&session, "id")), how).await.ok();
        assert_eq!(done["status"], "complete");
        let intent = text(&done, "payment_intent");
        self.get(&format!("payment_intents/{intent}?expand[]=latest_charge")).await.ok()
    }

    /// Types of this account's events, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let list = self.get("events?limit=100").await.ok();
        list["data"].as_array().unwrap().iter().rev().map(|event| text(event, "type")).collect()
    }

    pub(crate) async fn transactions(&self) -> Vec<Value> {
        let list = self.get("balance_transactions?limit=100").await.ok();
        let mut rows = list["data"].as_array().unwrap().clone();
        rows.reverse();
        rows
    }

    /// `type amount/fee` of every balance transaction, oldest first.
    pub(crate) async fn movements(&self) -> Vec<String> {
        let rows = self.transactions().await;
        rows.iter().map(|row| format!("{} {}/{}", text(row, "type"), row["amount"], row["fee"])).collect()
    }

    pub(crate) async fn listen(&self, url: &str, connect: bool) -> Value {
        let connect = connect.to_string();
        let form = [("url", url), ("enabled_events[]", "*"), ("connect", &connect)];
        self.post("webhook_endpoints", &form).await.ok()
    }
}

async fn reply(response: reqwest::Response) -> Reply {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or_default();
    Reply { status, headers, json, text }
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// One webhook as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A place that webhooks are sent to. It answers 200, or first what `failing` says, so many times.
#[derive(Clone)]
pub(crate) struct Inbox {
    pub(crate) port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    failing: Arc<Mutex<(u16, u32)>>,
}

impl Inbox {
    pub(crate) async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inbox = Self {
            port: listener.local_addr().unwrap().port(),
            received: Arc::default(),
            failing: Arc::new(Mutex::new((200, 0))),
        };
        let router = axum::Router::new().fallback(receive).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub(crate) fn fail_with(&self, status: u16, times: u32) {
        *self.failing.lock().unwrap() = (status, times);
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many webhooks of a type have arrived.
    pub(crate) async fn wait(&self, kind: &str, count: usize) -> Vec<Received> {
        for _ in 0..200 {
            let found: Vec<Received> =
                self.all().into_iter().filter(|one| one.event()["type"] == kind).collect();
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seen: Vec<Value> = self.all().iter().map(|one| one.event()["type"].clone()).collect();
        panic!("{count} × {kind} did not arrive; seen {seen:?}");
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    inbox.received.lock().unwrap().push(Received { headers, body });
    let mut failing = inbox.failing.lock().unwrap();
    if failing.1 == 0 {
        return StatusCode::OK;
    }
    failing.1 -= 1;
    StatusCode::from_u16(failing.0).unwrap()
}

/// The terms of a destination charge with a fee.
pub(crate) fn destination<'a>(seller: &'a str, fee: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("payment_intent_data[transfer_data][destination]", seller),
        ("payment_intent_data[application_fee_amount]", fee),
    ]
}
