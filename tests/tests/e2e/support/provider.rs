//! The provider's side of a test's world: what the sandbox holds, and webhooks that a test signs itself.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::actors::{Api, Reply};
use super::world::{World, eventually};

impl World {
    /// The connected account of the first seller with this charge model, for whoever acts on it.
    pub async fn account(&self, charge_model: &str) -> String {
        let (owner, seller) = self.seller(charge_model).await;
        let view = owner.get(&format!("/v1/sellers/{seller}")).await.expect(200);
        view["connected_account"]["id"].as_str().unwrap().to_owned()
    }

    /// GET at the sandbox as the first marketplace's platform, or as one of its connected accounts.
    pub async fn stripe_get(&self, account: Option<&str>, path: &str) -> Value {
        let stripe = self.stripe();
        let request = stripe.request(Method::GET, path);
        let request = match account {
            Some(account) => request.header("stripe-account", account),
            None => request,
        };
        stripe.send(request).await.expect(200)
    }

    /// POST at the sandbox as the first marketplace's platform, or as one of its connected accounts.
    pub async fn stripe_post(&self, account: Option<&str>, path: &str, form: &[(&str, &str)]) -> Value {
        let stripe = self.stripe();
        let request = stripe.request(Method::POST, path).form(form);
        let request = match account {
            Some(account) => request.header("stripe-account", account),
            None => request,
        };
        stripe.send(request).await.expect(200)
    }

    /// On which account the order's session lives: the seller's for direct charges, else the platform.
    pub async fn place(&self, started: &Value) -> Option<String> {
        match started["order"]["charge_model"].as_str().unwrap() {
            "direct" => Some(self.account("direct").await),
            _ => None,
        }
    }

    /// The order's session as the provider has it now.
    pub async fn session(&self, started: &Value) -> Value {
        let place = self.place(started).await;
        let id = started["checkout"]["session_id"].as_str().unwrap();
        self.stripe_get(place.as_deref(), &format!("/v1/checkout/sessions/{id}")).await
    }

    /// The charge behind the order's payment, once there is one.
    pub async fn charge(&self, started: &Value) -> Value {
        let place = self.place(started).await;
        let session = self.session(started).await;
        let intent = session["payment_intent"].as_str().expect("a payment intent");
        let intent = self.stripe_get(place.as_deref(), &format!("/v1/payment_intents/{intent}")).await;
        let charge = intent["latest_charge"].as_str().expect("a charge");
        self.stripe_get(place.as_deref(), &format!("/v1/charges/{charge}")).await
    }

    /// The refunds of the order's payment at the provider.
    pub async fn refunds_at_provider(&self, started: &Value) -> Vec<Value> {
        let place = self.place(started).await;
        let charge = self.charge(started).await;
        let path = format!("/v1/refunds?charge={}", charge["id"].as_str().unwrap());
        let list = self.stripe_get(place.as_deref(), &path).await;
        list["data"].as_array().unwrap().clone()
    }

    /// Waits until the order's payment has come back whole: the charge, the application fee and, on destination
    /// charges, the transfer; by one refund.
    pub async fn comes_back_whole(&self, started: &Value) {
        let charge = eventually("the payment comes back", || async {
            let charge = self.charge(started).await;
            if charge["refunded"] == true { Ok(charge) } else { Err(charge.to_string()) }
        })
        .await;
        assert_eq!(charge["amount_refunded"], charge["amount"]);
        let refunds = self.refunds_at_provider(started).await;
        assert_eq!(refunds.len(), 1, "one refund, not several: {refunds:?}");
        if let Some(fee) = charge["application_fee"].as_str() {
            let fee = self.stripe_get(None, &format!("/v1/application_fees/{fee}")).await;
            assert_eq!(fee["amount_refunded"], fee["amount"], "the platform keeps no fee");
        }
        if let Some(transfer) = charge["transfer"].as_str() {
            let transfer = self.stripe_get(None, &format!("/v1/transfers/{transfer}")).await;
            assert_eq!(transfer["amount_reversed"], transfer["amount"], "the seller keeps nothing");
        }
    }

    /// Sets faults at the sandbox.
    pub async fn faults(&self, plan: Value) {
        self.sandbox().post("/_sandbox/faults", plan).await.expect(200);
    }

    /// Keeps every webhook back until [`World::let_webhooks_go`].
    pub async fn hold_webhooks(&self) {
        self.faults(json!({"hold_webhooks": true})).await;
    }

    /// Sends what was kept back.
    pub async fn let_webhooks_go(&self) {
        self.faults(json!({"hold_webhooks": false})).await;
    }

    /// An event as Stripe would send it about this object.
    pub fn event(kind: &str, object: &Value, account: Option<&str>) -> Value {
        let mut event = json!({
            "id": format!("evt_{}", uuid::Uuid::now_v7().simple()), "object": "event", "type": kind,
            "api_version": "2026-09-30.endive", "created": chrono::Utc::now().timestamp(), "livemode": false,
            "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null}, "data": {"object": object},
        });
        if let Some(account) = account {
            event["account"] = json!(account);
        }
        event
    }

    /// Delivers an event that this test made, rightly signed, to the endpoint where Stripe would send it.
    pub async fn deliver(&self, event: &Value) -> Reply {
        let info = &self.info().tenants[0];
        let (path, secret) = match event.get("account") {
            Some(_) => ("/webhooks/stripe/connect", &info.connect_webhook_secret),
            None => ("/webhooks/stripe", &info.webhook_secret),
        };
        let body = event.to_string();
        let now = chrono::Utc::now().timestamp();
        post_webhook(&self.anonymous(), path, &body, &signature(secret, now, &body)).await
    }

    /// What souk made of an event, once it has made something of it.
    pub async fn event_outcome(&self, event: &Value) -> Value {
        let admin = self.admin().await;
        eventually("the event is worked off", || async {
            let list = admin.get("/v1/admin/webhook-events?limit=100").await.expect(200);
            let row = list["data"]
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["provider_event_id"] == event["id"])
                .cloned();
            match row {
                Some(row) if row["status"] != "pending" => Ok(row),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }
}

/// `Stripe-Signature` of a body, by Stripe's documented scheme.
pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{timestamp}.{body}").as_bytes());
    format!("t={timestamp},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// Posts raw bytes to a webhook endpoint.
pub async fn post_webhook(to: &Api, path: &str, body: &str, signature: &str) -> Reply {
    let request = to
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .header("stripe-signature", signature)
        .body(body.to_owned());
    to.send(request).await
}
