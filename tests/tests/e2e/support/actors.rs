//! People and programs that talk HTTP.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// A client of one base address, perhaps logged in.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as JSON, or as a JSON string where it is none.
    pub body: Value,
}

impl Reply {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// A refusal with this status and code, in problem+json.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body
    }
}

impl Api {
    /// Nobody, at this address. `*.localhost` is this machine.
    pub fn new(base: &str) -> Self {
        let local = "127.0.0.1:0".parse().unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .resolve("second.localhost", local)
            .build()
            .unwrap();
        Self { http, base: base.to_owned(), token: None }
    }

    /// Somebody with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// What it logs in with, if it does.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Somebody with this login.
    pub async fn log_in(&self, email: &str, password: &str) -> Self {
        let tokens =
            self.post("/v1/auth/login", json!({"email": email, "password": password})).await.expect(200);
        self.with_token(tokens["access_token"].as_str().unwrap())
    }

    /// A request that is not sent yet.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status, headers, body }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(&body)).await
    }

    /// POST with an idempotency key, to somebody who may die before answering.
    pub async fn post_once_unanswered(&self, path: &str, key: &str, body: Value) {
        let _ = self.request(Method::POST, path).header("idempotency-key", key).json(&body).send().await;
    }

    /// POST of a form, as Stripe's API takes it.
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(self.request(Method::POST, path).form(form)).await
    }

    /// A checkout of `quantity` places of a slot, with a key of its own.
    pub async fn checkout(&self, slot: &Value, quantity: i64) -> Reply {
        self.checkout_with(
            json!({"items": [{"slot_id": slot["id"], "quantity": quantity}], "email": "guest@example.com"}),
        )
        .await
    }

    /// A checkout with this body, with a key of its own.
    pub async fn checkout_with(&self, body: Value) -> Reply {
        self.post_once("/v1/checkouts", &uuid::Uuid::now_v7().to_string(), body).await
    }
}
