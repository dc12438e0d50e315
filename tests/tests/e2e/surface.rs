//! The public contract as clients rely on it: the routes, the shapes of what they answer, and the conventions.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, Document, Reply, World, eventually};

/// The routes that the contract fixes. Parameters are compared by their place, not by their name.
const ROUTES: &[&str] = &[
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "GET /v1/me",
    "POST /v1/sellers",
    "GET /v1/sellers/{}",
    "POST /v1/sellers/{}/onboarding-link",
    "POST /v1/sellers/{}/dashboard-link",
    "POST /v1/sellers/{}/account-session",
    "POST /v1/sellers/{}/listings",
    "PATCH /v1/sellers/{}/listings/{}",
    "POST /v1/sellers/{}/listings/{}/slots",
    "PATCH /v1/sellers/{}/listings/{}/slots/{}",
    "GET /v1/listings",
    "GET /v1/listings/{}",
    "GET /v1/listings/{}/slots",
    "POST /v1/checkouts",
    "GET /v1/orders/{}",
    "POST /v1/orders/{}/verify",
    "POST /v1/orders/{}/cancel",
    "GET /v1/orders/{}/events",
    "POST /v1/orders/{}/refunds",
    "GET /v1/sellers/{}/orders",
    "GET /v1/admin/fee-schedule",
    "PUT /v1/admin/fee-schedule",
    "PUT /v1/admin/sellers/{}/fee-schedule",
    "GET /v1/admin/sellers",
    "GET /v1/admin/orders",
    "GET /v1/admin/payments",
    "GET /v1/admin/webhook-events",
    "GET /v1/admin/jobs",
    "GET /v1/admin/audit-log",
    "POST /v1/admin/webhook-events/{}/replay",
    "POST /v1/admin/jobs/{}/retry",
    "POST /v1/admin/sellers/{}/suspend",
    "POST /v1/admin/sellers/{}/reinstate",
    "POST /webhooks/stripe",
    "POST /webhooks/stripe/connect",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
];

/// Of the above, those that answer somebody who is not logged in.
const OPEN: &[&str] = &[
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "GET /v1/listings",
    "GET /v1/listings/{}",
    "GET /v1/listings/{}/slots",
    "POST /v1/checkouts",
    "GET /v1/orders/{}",
    "POST /v1/orders/{}/verify",
    "POST /v1/orders/{}/cancel",
    "GET /v1/orders/{}/events",
    "POST /v1/orders/{}/refunds",
    "POST /webhooks/stripe",
    "POST /webhooks/stripe/connect",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
];

/// A path with its parameters unnamed.
fn unnamed(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_route_of_the_contract_is_described_and_answers() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let document = Document(anonymous.get("/openapi.json").await.expect(200));
    assert_eq!(document.0["openapi"], "3.1.0");
    let described: BTreeSet<String> = document
        .operations()
        .iter()
        .map(|operation| format!("{} {}", operation.method, unnamed(&operation.path)))
        .collect();
    for route in ROUTES {
        assert!(described.contains(*route), "{route} is not described; these are: {described:#?}");
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{}", "nonsense");
        let request = anonymous.request(method.parse().unwrap(), &path).json(&json!({}));
        let reply = anonymous.send(request).await;
        let code = reply.body["code"].as_str().unwrap_or("");
        assert!(reply.status != 405 && code != "route_not_found", "{route}: {} {}", reply.status, reply.body);
        assert!(!reply.status.is_server_error(), "{route}: {} {}", reply.status, reply.body);
        if !OPEN.contains(route) {
            reply.refused(401, "unauthenticated");
        }
    }
    let page = anonymous.get("/docs").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    world.finish().await;
}

/// Checks the members of an object: all of `wanted`, and no others than those and `more`.
#[track_caller]
fn members(what: &str, value: &Value, wanted: &[&str], more: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("{what} is {value}"));
    let there: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    for name in wanted {
        assert!(there.contains(name), "{what} has no {name}: {value}");
    }
    for name in there {
        assert!(wanted.contains(&name) || more.contains(&name), "{what} has a {name}: {value}");
    }
}

/// Checks a text that begins so.
#[track_caller]
fn id(value: &Value, prefix: &str) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no id"));
    let digits = text.strip_prefix(prefix).unwrap_or_else(|| panic!("{text} does not begin with {prefix}"));
    assert_eq!(digits.len(), 32, "{text}");
}

#[track_caller]
fn money(value: &Value) {
    members("money", value, &["amount", "currency"], &[]);
    assert!(value["amount"].is_i64(), "{value}");
    let currency = value["currency"].as_str().unwrap();
    assert!(currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_lowercase()), "{value}");
}

/// RFC 3339 in UTC.
#[track_caller]
fn time(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    assert!(text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok(), "{text}");
}

#[track_caller]
fn list(value: &Value) -> &[Value] {
    members("a list", value, &["data", "has_more"], &[]);
    assert!(value["has_more"].is_boolean(), "{value}");
    value["data"].as_array().unwrap()
}

#[track_caller]
fn order(value: &Value) {
    let wanted = [
        "id",
        "status",
        "currency",
        "lines",
        "subtotal",
        "discount",
        "total",
        "application_fee",
        "refunded",
        "charge_model",
        "hold_expires_at",
        "paid_at",
        "payments",
    ];
    members("an order", value, &wanted, &["created_at", "review_reason"]);
    id(&value["id"], "ord_");
    for amount in ["subtotal", "discount", "total", "application_fee", "refunded"] {
        money(&value[amount]);
    }
    time(&value["hold_expires_at"]);
    for line in value["lines"].as_array().unwrap() {
        let wanted =
            ["slot_id", "listing_id", "seller_id", "title", "starts_at", "quantity", "unit_price", "total"];
        members("an order line", line, &wanted, &["timezone"]);
        id(&line["slot_id"], "slt_");
        id(&line["listing_id"], "lst_");
        id(&line["seller_id"], "sel_");
        money(&line["unit_price"]);
        money(&line["total"]);
        time(&line["starts_at"]);
        assert!(line["quantity"].is_i64());
    }
    for payment in value["payments"].as_array().unwrap() {
        let wanted = ["id", "provider", "provider_payment_id", "status", "amount"];
        members("a payment", payment, &wanted, &[]);
        id(&payment["id"], "pay_");
        money(&payment["amount"]);
    }
}

#[track_caller]
fn slot(value: &Value) {
    let wanted = ["id", "listing_id", "starts_at", "ends_at", "timezone", "capacity", "sold", "available"];
    members("a slot", value, &wanted, &["status"]);
    id(&value["id"], "slt_");
    id(&value["listing_id"], "lst_");
    time(&value["starts_at"]);
    time(&value["ends_at"]);
    for count in ["capacity", "sold", "available"] {
        assert!(value[count].is_i64(), "{value}");
    }
}

#[track_caller]
fn listing(value: &Value) {
    let wanted = ["id", "title", "description", "price", "timezone", "capture"];
    members("a listing", value, &wanted, &["seller_id", "status", "created_at"]);
    id(&value["id"], "lst_");
    money(&value["price"]);
}

#[track_caller]
fn seller(value: &Value) {
    let wanted = ["id", "display_name", "charge_model", "status", "connected_account"];
    members("a seller", value, &wanted, &[]);
    id(&value["id"], "sel_");
    let account = &value["connected_account"];
    if account.is_null() {
        return;
    }
    let wanted = ["id", "charges_enabled", "payouts_enabled", "details_submitted", "requirements"];
    members("a connected account", account, &wanted, &[]);
    assert!(account["id"].as_str().unwrap().starts_with("acct_"));
    let requirements = &account["requirements"];
    members("requirements", requirements, &["currently_due", "past_due", "disabled_reason"], &[]);
    assert!(requirements["currently_due"].is_array() && requirements["past_due"].is_array());
}

#[track_caller]
fn tokens(value: &Value) {
    members("tokens", value, &["user", "access_token", "refresh_token", "expires_in"], &[]);
    members("a user", &value["user"], &["id", "email"], &[]);
    id(&value["user"]["id"], "usr_");
    assert_eq!(value["expires_in"], 900);
}

#[tokio::test]
async fn people_and_sellers_have_the_shapes_of_the_contract() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let login = json!({"email": "new@example.com", "password": "a long password"});
    let registered = anonymous.post("/v1/auth/register", login.clone()).await.expect(201);
    tokens(&registered);
    let logged_in = anonymous.post("/v1/auth/login", login).await.expect(200);
    tokens(&logged_in);
    let refreshed = anonymous
        .post("/v1/auth/refresh", json!({"refresh_token": logged_in["refresh_token"]}))
        .await
        .expect(200);
    tokens(&refreshed);
    let person = anonymous.with_token(refreshed["access_token"].as_str().unwrap());
    let me = person.get("/v1/me").await.expect(200);
    members("me", &me, &["id", "email", "name", "memberships"], &[]);
    assert_eq!(me["memberships"], json!([]));

    let made = person.post("/v1/sellers", json!({"display_name": "New", "country": "US"})).await.expect(201);
    seller(&made);
    assert_eq!((&made["status"], &made["connected_account"]), (&json!("pending"), &Value::Null));
    let me = person.get("/v1/me").await.expect(200);
    assert_eq!(me["memberships"], json!([{"role": "seller_owner", "seller_id": made["id"]}]));
    let path = format!("/v1/sellers/{}", made["id"].as_str().unwrap());
    let link = person.post(&format!("{path}/onboarding-link"), json!({})).await.expect(201);
    members("a link", &link, &["url", "expires_at"], &[]);
    time(&link["expires_at"]);
    let begun = person.get(&path).await.expect(200);
    seller(&begun);
    assert_eq!(begun["status"], "onboarding");

    let (owner, active) = world.seller("direct").await;
    let active_path = format!("/v1/sellers/{active}");
    let shown = owner.get(&active_path).await.expect(200);
    seller(&shown);
    assert_eq!((&shown["status"], &shown["charge_model"]), (&json!("active"), &json!("direct")));
    let dashboard = owner.post(&format!("{active_path}/dashboard-link"), json!({})).await.expect(201);
    members("a dashboard link", &dashboard, &["url"], &[]);
    let session = owner.post(&format!("{active_path}/account-session"), json!({})).await.expect(201);
    members("an account session", &session, &["client_secret"], &[]);

    let admin = world.admin().await;
    let suspended = admin.post(&format!("/v1/admin{}/suspend", &path[3..]), json!({})).await.expect(200);
    seller(&suspended);
    assert_eq!(suspended["status"], "suspended");
    let back = admin.post(&format!("/v1/admin{}/reinstate", &path[3..]), json!({})).await.expect(200);
    seller(&back);
    assert_eq!(back["status"], "onboarding");
    let out = person.post("/v1/auth/logout", json!({"refresh_token": refreshed["refresh_token"]})).await;
    assert_eq!((out.status.as_u16(), out.body), (204, json!("")));
    world.finish().await;
}

#[tokio::test]
async fn the_catalogue_has_the_shapes_of_the_contract() {
    let world = World::start().await;
    let (owner, of) = world.seller("direct").await;
    let own = format!("/v1/sellers/{of}/listings");
    let body = json!({
        "title": "Class", "description": "All of it", "price": {"amount": 2_500, "currency": "usd"},
        "timezone": "Europe/Berlin", "capture": "on_confirmation",
    });
    let made = owner.post(&own, body).await.expect(201);
    listing(&made);
    assert_eq!((&made["timezone"], &made["capture"]), (&json!("Europe/Berlin"), &json!("on_confirmation")));
    let listing_path = format!("{own}/{}", made["id"].as_str().unwrap());
    let changed = owner.patch(&listing_path, json!({"title": "Course"})).await.expect(200);
    listing(&changed);
    assert_eq!(changed["title"], "Course");

    let one = json!({"starts_at": "2030-05-01T18:00:00+02:00", "ends_at": "2030-05-01T20:00:00+02:00", "capacity": 5});
    let one = owner.post(&format!("{listing_path}/slots"), one).await.expect(201);
    slot(&one);
    assert_eq!(
        (&one["starts_at"], &one["timezone"]),
        (&json!("2030-05-01T16:00:00Z"), &json!("Europe/Berlin"))
    );
    let soon = (chrono::Utc::now() + chrono::Duration::days(30)).format("%Y-%m-%dT18:00").to_string();
    let until = (chrono::Utc::now() + chrono::Duration::days(45)).format("%Y-%m-%d").to_string();
    let series = json!({"rrule": "FREQ=WEEKLY", "dtstart": soon, "duration_minutes": 90, "capacity": 3, "until": until});
    let series = owner.post(&format!("{listing_path}/slots"), series).await.expect(201);
    members("a series", &series, &["data"], &[]);
    assert_eq!(series["data"].as_array().unwrap().len(), 3, "{series}");
    series["data"].as_array().unwrap().iter().for_each(slot);
    let slot_path = format!("{listing_path}/slots/{}", one["id"].as_str().unwrap());
    let larger = owner.patch(&slot_path, json!({"capacity": 6})).await.expect(200);
    slot(&larger);
    assert_eq!(larger["capacity"], 6);

    let anonymous = world.anonymous();
    let listings = anonymous.get("/v1/listings?limit=100").await.expect(200);
    list(&listings).iter().for_each(listing);
    let public = format!("/v1/listings/{}", made["id"].as_str().unwrap());
    listing(&anonymous.get(&public).await.expect(200));
    let range = "from=2030-05-01T00:00:00Z&to=2030-05-02T00:00:00Z";
    let slots = anonymous.get(&format!("{public}/slots?{range}")).await.expect(200);
    assert_eq!(list(&slots).iter().map(|row| &row["id"]).collect::<Vec<_>>(), [&one["id"]]);
    list(&slots).iter().for_each(slot);
    world.finish().await;
}

#[tokio::test]
async fn checkouts_orders_and_refunds_have_the_shapes_of_the_contract() {
    let world = World::start().await;
    let slot = world.slot("destination", 20, 2_500).await;
    let items = json!([{"slot_id": slot["id"], "quantity": 1}]);
    for (mode, there, absent) in [
        ("hosted", "url", "client_secret"),
        ("embedded", "client_secret", "url"),
        ("custom", "client_secret", "url"),
    ] {
        let body = json!({"items": items, "email": "a@example.com", "ui_mode": mode});
        let started = world.anonymous().checkout_with(body).await.expect(201);
        members("a checkout", &started, &["order", "order_token", "checkout"], &[]);
        order(&started["order"]);
        assert_eq!(started["order"]["paid_at"], Value::Null);
        let checkout = &started["checkout"];
        members("a payment's page", checkout, &["provider", "session_id", "expires_at", there], &[]);
        assert!(checkout.get(absent).is_none() && checkout["provider"] == "stripe", "{mode}: {checkout}");
        time(&checkout["expires_at"]);
    }

    let started = world.anonymous().checkout(&slot, 2).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    let paid = world.order_becomes(&started, "paid").await;
    order(&paid);
    time(&paid["paid_at"]);
    assert!(paid["payments"][0]["provider_payment_id"].as_str().unwrap().starts_with("pi_"), "{paid}");

    let (owner, of) = world.seller("destination").await;
    let path = format!("/v1/orders/{}/refunds", paid["id"].as_str().unwrap());
    let refund = owner.post_once(&path, "one", json!({"amount": 1_000, "reason": "Rain"})).await.expect(201);
    let wanted = ["id", "status", "amount", "application_fee_refunded", "transfer_reversed"];
    members("a refund", &refund, &wanted, &["order_id", "created_at", "failure"]);
    id(&refund["id"], "ref_");
    for amount in ["amount", "application_fee_refunded", "transfer_reversed"] {
        money(&refund[amount]);
    }
    let too_much = owner.post_once(&path, "two", json!({"amount": 4_001})).await;
    too_much.refused(409, "refund_exceeds_payment");

    let of_seller = owner.get(&format!("/v1/sellers/{of}/orders")).await.expect(200);
    list(&of_seller).iter().for_each(order);
    assert!(list(&of_seller).len() >= 4);

    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let cancelled = world.cancel(&started).await.expect(200);
    order(&cancelled);
    assert_eq!(cancelled["status"], "cancelled");
    world.cancel(&started).await.refused(409, "order_not_cancellable");
    let sold_out = world.anonymous().checkout(&slot, 20).await.refused(409, "sold_out");
    assert!(sold_out.to_string().contains(slot["id"].as_str().unwrap()), "{sold_out}");
    world.finish().await;
}

#[tokio::test]
async fn what_admins_see_has_the_shapes_of_the_contract() {
    let world = World::start().await;
    let admin = world.admin().await;
    let slot = world.slot("direct", 5, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;

    let schedule = ["fee_bps", "fixed", "min", "max"];
    let more = ["seller_id", "effective_from"];
    let body = json!({"fee_bps": 1_500, "fixed": 30, "min": 50, "max": {"amount": 900, "currency": "usd"}});
    for path in [
        "/v1/admin/fee-schedule".to_owned(),
        format!("/v1/admin/sellers/{}/fee-schedule", world.seller("direct").await.1),
    ] {
        let set = admin.put(&path, body.clone()).await.expect(200);
        members("a fee schedule", &set, &schedule, &more);
        assert_eq!((&set["fee_bps"], &set["fixed"]["amount"]), (&json!(1_500), &json!(30)));
        let shown = admin.get(&path).await.expect(200);
        assert_eq!(shown, set);
        money(&shown["max"]);
    }
    // Orders that were made before keep their fee; the next one has the new.
    assert_eq!(world.order(&started).await["application_fee"]["amount"], 250);
    let next = world.anonymous().checkout(&slot, 1).await.expect(201);
    assert_eq!(next["order"]["application_fee"]["amount"], 375 + 30);

    list(&admin.get("/v1/admin/sellers").await.expect(200)).iter().for_each(seller);
    list(&admin.get("/v1/admin/orders").await.expect(200)).iter().for_each(order);
    let payments = admin.get("/v1/admin/payments").await.expect(200);
    for payment in list(&payments) {
        let wanted = ["id", "provider", "provider_payment_id", "status", "amount", "order_id"];
        members("a payment", payment, &wanted, &[]);
    }
    for path in ["/v1/admin/webhook-events", "/v1/admin/jobs", "/v1/admin/audit-log"] {
        let page = admin.get(path).await.expect(200);
        assert!(!list(&page).is_empty(), "{path}");
    }
    let done = admin.get("/v1/admin/webhook-events?status=done&limit=1").await.expect(200);
    let event = list(&done)[0]["id"].as_str().unwrap().to_owned();
    id(&list(&done)[0]["id"], "evt_");
    let replayed = admin.post(&format!("/v1/admin/webhook-events/{event}/replay"), json!({})).await;
    assert_eq!(replayed.status, 202);
    let buyer = world.buyer().await;
    buyer.get("/v1/admin/orders").await.refused(403, "forbidden");
    world.finish().await;
}

#[tokio::test]
async fn refusals_request_ids_and_hosts_keep_to_the_conventions() {
    let world = World::start().await;
    let anonymous = world.anonymous();
    let with = async |path: &str, name: &str, value: &str| {
        anonymous.send(anonymous.request(Method::GET, path).header(name, value)).await
    };
    for path in ["/healthz", "/v1/listings", "/v1/me", "/nowhere"] {
        let reply = with(path, "x-request-id", "mine-1.x_Y").await;
        assert_eq!(reply.headers["x-request-id"], "mine-1.x_Y", "{path}");
        for insane in ["two words", &"x".repeat(200)] {
            let reply = with(path, "x-request-id", insane).await;
            assert!(reply.headers["x-request-id"].to_str().unwrap().starts_with("req_"), "{path}");
        }
    }
    let problem = anonymous.get("/v1/me").await;
    assert_eq!(problem.headers["www-authenticate"], "Bearer");
    let body = problem.clone().refused(401, "unauthenticated");
    members("a problem", &body, &["type", "title", "status", "detail", "code", "request_id"], &[]);
    assert_eq!(body["request_id"], problem.headers["x-request-id"].to_str().unwrap());
    let wrong = anonymous.post("/v1/auth/login", json!({"email": 1})).await.refused(400, "invalid_field");
    let wanted = ["type", "title", "status", "detail", "code", "request_id", "errors"];
    members("a problem with fields", &wrong, &wanted, &[]);
    members("a field's problem", &wrong["errors"][0], &["pointer", "detail"], &[]);

    for host in ["elsewhere.example", "demo.localhost", "x", "second.localhost.evil.example"] {
        for path in ["/v1/listings", "/v1/me", "/webhooks/stripe"] {
            let method = if path.starts_with("/webhooks") { Method::POST } else { Method::GET };
            let reply = anonymous.send(anonymous.request(method, path).header("host", host)).await;
            reply.refused(404, "unknown_host");
        }
    }
    let titles = |reply: Reply| -> Vec<String> {
        let page = reply.expect(200);
        list(&page).iter().map(|row| row["title"].as_str().unwrap().to_owned()).collect()
    };
    let first = titles(anonymous.get("/v1/listings").await);
    let second = titles(world.anonymous_at_second().get("/v1/listings").await);
    assert!(first.iter().all(|title| !second.contains(title)) && !second.is_empty());
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:9", "localhost."] {
        assert_eq!(titles(with("/v1/listings", "host", host).await), first, "{host}");
    }
    assert_eq!(titles(with("/v1/listings", "host", "Second.LocalHost:99").await), second);
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(with(path, "host", "elsewhere.example").await.status, 200, "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn idempotency_keys_keep_to_the_conventions() {
    let world = World::start().await;
    let slot = world.slot("direct", 20, 2_500).await;
    let anonymous = world.anonymous();
    let body = |quantity: i64| json!({"items": [{"slot_id": slot["id"], "quantity": quantity}], "email": "a@b.example"});
    anonymous.post("/v1/checkouts", body(1)).await.refused(400, "idempotency_key_required");
    for bad in ["x".repeat(256), "two words".to_owned()] {
        anonymous.post_once("/v1/checkouts", &bad, body(1)).await.refused(400, "invalid_idempotency_key");
    }
    for good in ["k", &"x".repeat(255)] {
        let first = anonymous.post_once("/v1/checkouts", good, body(1)).await;
        assert!(first.headers.get("idempotent-replayed").is_none());
        let first = first.expect(201);
        let again = anonymous.post_once("/v1/checkouts", good, body(1)).await;
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(again.expect(201), first);
        let other = anonymous.post_once("/v1/checkouts", good, body(2)).await;
        other.refused(422, "idempotency_key_reused");
    }
    assert_eq!(world.public_slot(&slot).await["available"], 18);

    let started = anonymous.post_once("/v1/checkouts", "k", body(1)).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let (owner, _) = world.seller("direct").await;
    let refunds = format!("/v1/orders/{}/refunds", started["order"]["id"].as_str().unwrap());
    owner.post(&refunds, json!({"amount": 100})).await.refused(400, "idempotency_key_required");
    let first = owner.post_once(&refunds, "r", json!({"amount": 100})).await.expect(201);
    let again = owner.post_once(&refunds, "r", json!({"amount": 100})).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201)["id"], first["id"]);
    owner.post_once(&refunds, "r", json!({"amount": 101})).await.refused(422, "idempotency_key_reused");
    assert_eq!(world.order(&started).await["refunded"]["amount"], 100);
    world.finish().await;
}

/// All ids of a list, asked for in pages of this size.
async fn walk(api: &Api, path: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("{path}?limit={limit}{after}")).await.expect(200);
        let rows = list(&page);
        assert!(rows.len() <= limit);
        ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == false {
            return ids;
        }
        assert_eq!(rows.len(), limit, "a page that is not the last is full");
        after = format!("&starting_after={}", ids.last().unwrap());
    }
}

#[tokio::test]
async fn a_list_in_pages_is_the_whole_list() {
    let world = World::start().await;
    let slot = world.slot("direct", 20, 2_500).await;
    for _ in 0..5 {
        world.anonymous().checkout(&slot, 1).await.expect(201);
    }
    let (admin, anonymous) = (world.admin().await, world.anonymous());
    eventually("the demo's own work is over", || async {
        let open = admin.get("/v1/admin/webhook-events?status=pending").await.expect(200);
        if list(&open).is_empty() { Ok(()) } else { Err(open.to_string()) }
    })
    .await;
    let slots = format!("/v1/listings/{}/slots", slot["listing_id"].as_str().unwrap());
    let series = json!({
        "rrule": "FREQ=DAILY", "dtstart": chrono::Utc::now() + chrono::Duration::days(9),
        "until": chrono::Utc::now() + chrono::Duration::days(13), "duration_minutes": 60, "capacity": 2,
    });
    let (owner, of) = world.seller("direct").await;
    owner.post(&format!("/v1/sellers/{of}{}", &slots[3..]), series).await.expect(201);
    for (api, path, least) in [
        (&anonymous, "/v1/listings", 4),
        (&anonymous, slots.as_str(), 5),
        (&admin, "/v1/admin/orders", 5),
        (&admin, "/v1/admin/payments", 5),
        (&admin, "/v1/admin/sellers", 3),
        (&admin, "/v1/admin/audit-log", 5),
    ] {
        let whole = walk(api, path, 100).await;
        assert!(whole.len() >= least, "{path}: {whole:?}");
        for limit in [1, 2, whole.len()] {
            assert_eq!(walk(api, path, limit).await, whole, "{path} in pages of {limit}");
        }
    }
    world.finish().await;
}
