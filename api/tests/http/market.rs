//! People at work in a marketplace: a seller, an admin, and whoever passes by.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use souk_domain::ids::UserId;
use souk_domain::people::{Membership, Role, Scope};
use souk_infra::people::add_membership;

use crate::support::{Answer, Ground, text};

/// Someone who is logged in.
pub(crate) struct Person<'a> {
    ground: &'a Ground,
    token: String,
    id: UserId,
}

impl Ground {
    /// Registers a person.
    pub(crate) async fn person(&self, name: &str) -> Person<'_> {
        let tokens = self.register(&format!("{name}@example.com")).await;
        let token = text(&tokens["access_token"]).to_owned();
        Person { ground: self, token, id: text(&tokens["user"]["id"]).parse().unwrap() }
    }

    /// Registers a person with a role in the whole marketplace.
    pub(crate) async fn staff(&self, name: &str, role: Role) -> Person<'_> {
        let person = self.person(name).await;
        let scope = Scope::system(self.first);
        let membership = Membership { role, seller_id: None };
        let (db, now) = (self.souk.db.unscoped(), self.souk.clock.now());
        add_membership(db, &scope, now, person.id, membership).await.unwrap();
        person
    }
}

impl Person<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ground.get(path, Some(&self.token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.ground.send(request.body(body).unwrap()).await
    }

    /// Applies to sell and hands out the seller's path.
    pub(crate) async fn seller(&self) -> String {
        let body = json!({"display_name": "Pots", "country": "US"});
        let seller = self.post("/v1/sellers", body).await.created();
        format!("/v1/sellers/{}", text(&seller["id"]))
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn created(&self) -> Value {
        assert_eq!(self.status.as_u16(), 201, "{}", self.text);
        self.json()
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status.as_u16(), 200, "{}", self.text);
        self.json()
    }
}
