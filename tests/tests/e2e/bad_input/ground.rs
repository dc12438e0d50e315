//! A world in which every documented route has something to act on, and a good body to spoil.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Api, Document, Operation, Place, Reply, World, eventually};

/// Something of each kind, by the path segment that comes before its id.
pub type Ids = BTreeMap<&'static str, String>;

/// The world, souk's description, and who asks.
pub struct Ground {
    pub world: World,
    pub document: Document,
    /// Somebody who may do everything at the first marketplace.
    pub admin: Api,
    /// Of the first marketplace.
    pub ids: Ids,
    /// Of the second marketplace.
    pub foreign: Ids,
    spare: String,
}

impl Ground {
    pub async fn new() -> Self {
        let world = World::start().await;
        let document = Document(world.anonymous().get("/openapi.json").await.expect(200));
        let admin = world.admin().await;
        let login = &world.info().tenants[1].admin;
        let other = world.anonymous_at_second().log_in(&login.email, &login.password).await;
        let ids = things(&world, 0, &world.anonymous(), &admin).await;
        let foreign = things(&world, 1, &world.anonymous_at_second(), &other).await;
        let seller =
            admin.post("/v1/sellers", json!({"display_name": "Spare", "country": "US"})).await.expect(201);
        let spare = seller["id"].as_str().unwrap().to_owned();
        Self { world, document, admin, ids, foreign, spare }
    }

    /// Every operation but the webhooks, which are judged by their signature and not by their body.
    pub fn operations(&self) -> Vec<Operation> {
        let all = self.document.operations().into_iter();
        all.filter(|operation| !operation.path.starts_with("/webhooks/")).collect()
    }

    /// Every operation that may have a body.
    pub fn writing(&self) -> Vec<Operation> {
        let writes = |operation: &Operation| ["POST", "PUT", "PATCH"].contains(&operation.method.as_str());
        self.operations().into_iter().filter(writes).collect()
    }

    /// Who asks: an admin, but for logins, where an admin's own would end.
    pub fn actor(&self, operation: &Operation) -> Api {
        if operation.path.starts_with("/v1/auth/") { self.world.anonymous() } else { self.admin.clone() }
    }

    /// The path with ids of the first marketplace.
    pub fn path(&self, operation: &Operation) -> String {
        // Who may be suspended is nobody whom the other routes need.
        let moderated = operation.path.ends_with("/suspend") || operation.path.ends_with("/reinstate");
        filled(&operation.path, |kind| if moderated { self.spare.clone() } else { self.ids[kind].clone() })
    }

    /// Sends this body as JSON.
    pub async fn send(&self, operation: &Operation, body: impl Into<reqwest::Body>) -> Reply {
        self.send_as(operation, Some("application/json"), body).await
    }

    /// Sends this body as this media type.
    pub async fn send_as(
        &self,
        operation: &Operation,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        self.send_to(&self.actor(operation), operation, &self.path(operation), content_type, body).await
    }

    /// Sends this body as somebody, to a path.
    pub async fn send_to(
        &self,
        actor: &Api,
        operation: &Operation,
        path: &str,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let method: Method = operation.method.parse().unwrap();
        let key = uuid::Uuid::now_v7().to_string();
        let mut request = actor.request(method, path).header("idempotency-key", key).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        actor.send(request).await
    }

    /// A body of this form that souk takes.
    pub fn good_body(&self, form: &Value) -> Value {
        self.sample("", form)
    }

    fn sample(&self, name: &str, schema: &Value) -> Value {
        let places = self.document.places(schema);
        let place = &places[0];
        let schema = &place.schema;
        if place.types.contains("object") {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            // Either of them, never both.
            let either = |name: &String| name != "percent_bps";
            let fields = fields.iter().filter(|(name, _)| either(name));
            return fields
                .map(|(name, field)| (name.clone(), self.sample(name, field)))
                .collect::<Map<_, _>>()
                .into();
        }
        if place.types.contains("array") {
            return json!([self.sample(name, &schema["items"])]);
        }
        if place.types.contains("boolean") {
            return json!(true);
        }
        if place.types.contains("integer") {
            return schema.get("example").or(schema.get("minimum")).cloned().unwrap_or(json!(1));
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[0].clone();
        }
        match (name, schema["description"].as_str()) {
            // Its description begins with the values that it may have.
            ("status", Some(description)) => json!(description.split('`').nth(1).unwrap()),
            _ => self.text(name),
        }
    }

    fn text(&self, name: &str) -> Value {
        let soon = |days| chrono::Utc::now() + chrono::Duration::days(days);
        match name {
            "email" => json!("ann@example.com"),
            "password" => json!("correct horse battery"),
            "country" => json!("US"),
            "charge_model" => json!("direct"),
            "currency" => json!("usd"),
            "timezone" => json!("Europe/Berlin"),
            "capture" => json!("automatic"),
            "slot_id" => json!(self.ids["slots"]),
            "promo_code" => json!("WELCOME10"),
            "success_url" | "cancel_url" | "return_url" | "refresh_url" => json!("https://shop.example/back"),
            "starts_at" | "dtstart" => json!(soon(30)),
            "ends_at" => json!(soon(30) + chrono::Duration::hours(1)),
            "until" => json!(soon(60)),
            "rrule" => json!("FREQ=WEEKLY"),
            _ => json!("Something"),
        }
    }
}

/// A path template with each parameter replaced by what `id` says for the segment before it.
pub fn filled(template: &str, id: impl Fn(&str) -> String) -> String {
    let mut before = "";
    let mut parts = Vec::new();
    for segment in template.split('/') {
        parts.push(if segment.starts_with('{') { id(before) } else { segment.to_owned() });
        before = segment;
    }
    parts.join("/")
}

/// The segments before the parameters of a path template.
pub fn kinds(template: &str) -> Vec<&str> {
    let segments: Vec<&str> = template.split('/').collect();
    segments.windows(2).filter(|pair| pair[1].starts_with('{')).map(|pair| pair[0]).collect()
}

/// One thing of each kind, in the marketplace with this number.
async fn things(world: &World, tenant: usize, anonymous: &Api, admin: &Api) -> Ids {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let seller = world.info().tenants[tenant].sellers[0].id.clone();
    let own = format!("/v1/sellers/{seller}/listings");
    let currency = ["usd", "eur"][tenant];
    let listing = json!({"title": "Spoilt", "price": {"amount": 2_500, "currency": currency}});
    let listing = text(&admin.post(&own, listing).await.expect(201)["id"]);
    let starts_at = chrono::Utc::now() + chrono::Duration::days(20);
    let slot = json!({"starts_at": starts_at, "ends_at": starts_at + chrono::Duration::hours(1), "capacity": 100_000});
    let slot = admin.post(&format!("{own}/{listing}/slots"), slot).await.expect(201);
    let started = anonymous.checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let (order, token) = (text(&started["order"]["id"]), text(&started["order_token"]));
    eventually("the order is paid", || async {
        let seen = anonymous.get(&format!("/v1/orders/{order}?token={token}")).await.expect(200);
        if seen["status"] == "paid" { Ok(()) } else { Err(seen["status"].to_string()) }
    })
    .await;
    let promotion = json!({"code": format!("SPOILT{tenant}"), "percent_bps": 100});
    let promotion = admin.post("/v1/admin/promotions", promotion).await.expect(201);
    let event = admin.get("/v1/admin/webhook-events?limit=1").await.expect(200);
    let job = admin.get("/v1/admin/jobs?limit=1").await.expect(200);
    [
        ("sellers", seller),
        ("listings", listing),
        ("slots", text(&slot["id"])),
        ("orders", order),
        ("promotions", text(&promotion["id"])),
        ("webhook-events", text(&event["data"][0]["id"])),
        ("jobs", text(&job["data"][0]["id"])),
    ]
    .into()
}

/// The places of a body's form, all but the body itself.
pub fn fields(document: &Document, form: &Value) -> Vec<Place> {
    document.places(form).into_iter().skip(1).collect()
}
