//! Listings, slots, fee schedules and promotions over HTTP: what is shown, what is refused, and to whom.

use serde_json::{Value, json};
use souk_domain::people::Role;

use crate::support::{Ground, text};

fn listing() -> Value {
    json!({"title": "Pottery", "price": {"amount": 2500, "currency": "usd"}, "timezone": "Europe/Berlin"})
}

fn slot() -> Value {
    json!({"starts_at": "2027-06-01T18:00", "ends_at": "2027-06-01T20:00:00+02:00", "capacity": 12})
}

#[tokio::test]
async fn a_seller_makes_a_listing_and_its_slots() {
    let ground = Ground::new().await;
    let ann = ground.person("ann").await;
    let seller = ann.seller().await;
    let made = ann.post(&format!("{seller}/listings"), listing()).await.created();
    assert_eq!(made["price"], json!({"amount": 2500, "currency": "usd"}));
    assert_eq!(
        (text(&made["capture"]), text(&made["status"]), text(&made["description"])),
        ("automatic", "active", "")
    );
    let path = format!("{seller}/listings/{}", text(&made["id"]));
    let one = ann.post(&format!("{path}/slots"), slot()).await.created();
    let mut expected = json!({
        "id": one["id"], "listing_id": made["id"], "starts_at": "2027-06-01T16:00:00Z",
        "ends_at": "2027-06-01T18:00:00Z", "timezone": "Europe/Berlin", "capacity": 12, "sold": 0,
        "available": 12, "status": "open",
    });
    assert_eq!(one, expected);

    let series = json!({
        "rrule": "FREQ=WEEKLY;COUNT=3", "dtstart": "2027-10-19T18:00", "duration_minutes": 60, "capacity": 4,
        "until": "2027-12-31",
    });
    let many = ann.post(&format!("{path}/slots"), series.clone()).await.created();
    let starts: Vec<_> =
        many["data"].as_array().unwrap().iter().map(|slot| text(&slot["starts_at"])).collect();
    assert_eq!(starts, ["2027-10-19T16:00:00Z", "2027-10-26T16:00:00Z", "2027-11-02T17:00:00Z"]);
    ann.post(&format!("{path}/slots"), series).await.problem(409, "slot_exists");

    let id = text(&one["id"]);
    expected["capacity"] = json!(3);
    expected["available"] = json!(3);
    let smaller = ann.patch(&format!("{path}/slots/{id}"), json!({"capacity": 3})).await;
    assert_eq!(smaller.ok(), expected);
    let mine = ann.get(&format!("{path}/slots?from=2027-06-01&to=2027-06-02")).await.ok();
    assert_eq!(mine, json!({"data": [expected], "has_more": false}));

    // Nobody else sees any of it until the seller is active.
    let public = format!("/v1/listings/{}", text(&made["id"]));
    ground.get(&public, None).await.problem(404, "not_found");
    ground.get(&format!("{public}/slots"), None).await.problem(404, "not_found");
    assert_eq!(ground.get("/v1/listings", None).await.ok(), json!({"data": [], "has_more": false}));
    let renamed = ann.patch(&path, json!({"title": "Clay", "status": "archived"})).await.ok();
    assert_eq!((text(&renamed["title"]), text(&renamed["status"])), ("Clay", "archived"));
    assert_eq!(ann.get(&path).await.ok(), renamed);
}

#[tokio::test]
async fn a_sellers_things_do_not_exist_for_others() {
    let ground = Ground::new().await;
    let (ann, bob) = (ground.person("ann").await, ground.person("bob").await);
    let seller = ann.seller().await;
    let made = ann.post(&format!("{seller}/listings"), listing()).await.created();
    let path = format!("{seller}/listings/{}", text(&made["id"]));
    let slot_id = ann.post(&format!("{path}/slots"), slot()).await.created()["id"].clone();
    let slot_path = format!("{path}/slots/{}", text(&slot_id));
    for (method, path, body) in [
        ("GET", seller.clone(), None),
        ("POST", format!("{seller}/onboarding-link"), Some(json!({}))),
        ("POST", format!("{seller}/dashboard-link"), None),
        ("POST", format!("{seller}/account-session"), None),
        ("GET", format!("{seller}/listings"), None),
        ("POST", format!("{seller}/listings"), Some(listing())),
        ("GET", path.clone(), None),
        ("PATCH", path.clone(), Some(json!({"title": "Mine"}))),
        ("GET", format!("{path}/slots"), None),
        ("POST", format!("{path}/slots"), Some(slot())),
        ("PATCH", slot_path.clone(), Some(json!({"capacity": 1}))),
    ] {
        bob.send(method, &path, body).await.problem(404, "not_found");
        let request = axum::http::Request::builder().method(method).uri(&path).header("host", "localhost");
        ground.send(request.body(axum::body::Body::empty()).unwrap()).await.problem(401, "unauthenticated");
    }
    // The path must be right in all its parts: another listing of the same seller has no such slot.
    let other = ann.post(&format!("{seller}/listings"), listing()).await.created();
    let crossed = slot_path.replace(text(&made["id"]), text(&other["id"]));
    ann.patch(&crossed, json!({"capacity": 1})).await.problem(404, "not_found");
    ann.get(&format!("{seller}/listings/lst_1")).await.problem(404, "not_found");
    ground.get("/v1/listings/sel_1", None).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_its_field() {
    let ground = Ground::new().await;
    let ann = ground.person("ann").await;
    let seller = ann.seller().await;
    let listings = format!("{seller}/listings");
    let made = ann.post(&listings, listing()).await.created();
    let slots = format!("{listings}/{}/slots", text(&made["id"]));
    let with = |base: &Value, field: &str, value: Value| {
        let mut body = base.clone();
        body[field] = value;
        body
    };
    let rule = json!({"rrule": "FREQ=DAILY", "dtstart": "2027-06-01T18:00", "duration_minutes": 60,
        "until": "2027-06-09", "capacity": 4});
    let sellers = json!({"display_name": "Pots", "country": "US"});
    for (path, body, code, pointer) in [
        (
            "/v1/sellers",
            with(&sellers, "display_name", json!("x".repeat(121))),
            "invalid_field",
            "/display_name",
        ),
        ("/v1/sellers", with(&sellers, "country", json!("USA")), "invalid_field", "/country"),
        ("/v1/sellers", with(&sellers, "charge_model", json!("free")), "invalid_field", "/charge_model"),
        ("/v1/sellers", with(&sellers, "status", json!("active")), "unknown_field", "/status"),
        (&listings, with(&listing(), "price", json!(2500)), "invalid_field", "/price"),
        (
            &listings,
            with(&listing(), "price", json!({"amount": 1.5, "currency": "usd"})),
            "invalid_field",
            "/price/amount",
        ),
        (
            &listings,
            with(&listing(), "price", json!({"amount": -1, "currency": "usd"})),
            "invalid_field",
            "/price/amount",
        ),
        (&listings, with(&listing(), "timezone", json!("Berlin")), "invalid_field", "/timezone"),
        (&listings, with(&listing(), "capture", json!("later")), "invalid_field", "/capture"),
        (&listings, with(&listing(), "seller_id", json!("x")), "unknown_field", "/seller_id"),
        (&slots, with(&slot(), "capacity", json!(0)), "invalid_field", "/capacity"),
        (&slots, with(&slot(), "ends_at", Value::Null), "missing_field", "/ends_at"),
        (&slots, with(&slot(), "until", json!("2027-07-01")), "invalid_field", "/until"),
        (&slots, with(&slot(), "rrule", json!("FREQ=DAILY")), "invalid_field", "/starts_at"),
        (&slots, with(&slot(), "sold", json!(1)), "unknown_field", "/sold"),
        (&slots, with(&rule, "rrule", json!("FREQ=SECONDLY")), "invalid_field", "/rrule"),
        (&slots, with(&rule, "until", Value::Null), "missing_field", "/until"),
        (&slots, with(&rule, "until", json!("2099-01-01")), "invalid_field", "/until"),
        (&slots, with(&rule, "duration_minutes", json!(0)), "invalid_field", "/duration_minutes"),
    ] {
        let problem = ann.post(path, body.clone()).await.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path} {body}: {problem}");
    }
    let past =
        with(&with(&slot(), "starts_at", json!("2020-01-01T10:00")), "ends_at", json!("2020-01-01T11:00"));
    ann.post(&slots, past).await.problem(422, "slot_in_past");
    for query in ["?limit=0", "?limit=101", "?starting_after=lst_1", "?sort=price", "?seller_id=1"] {
        ground.get(&format!("/v1/listings{query}"), None).await.problem(400, "invalid_query");
    }
    for query in ["?from=soon", "?to=", "?starting_after=lst_1"] {
        ann.get(&format!("{slots}{query}")).await.problem(400, "invalid_query");
    }
}

#[tokio::test]
async fn fee_schedules_are_for_admins() {
    let ground = Ground::new().await;
    let (ann, boss) = (ground.person("ann").await, ground.staff("boss", Role::TenantAdmin).await);
    let finance = ground.staff("finance", Role::TenantFinance).await;
    let seller = ann.seller().await.replace("/v1", "/v1/admin") + "/fee-schedule";
    let default = "/v1/admin/fee-schedule";
    for outsider in [&ann, &finance] {
        outsider.get(default).await.problem(403, "forbidden");
        outsider.put(default, json!({"fee_bps": 0})).await.problem(403, "forbidden");
        outsider.put(&seller, json!({"fee_bps": 0})).await.problem(403, "forbidden");
    }
    let usd = |minor: i64| json!({"amount": minor, "currency": "usd"});
    let none = boss.get(default).await.ok();
    assert_eq!((&none["fee_bps"], &none["effective_from"]), (&json!(0), &Value::Null));
    let set = boss.put(default, json!({"fee_bps": 1000, "fixed": 30, "max": usd(5000)})).await.ok();
    assert_eq!((&set["fixed"], &set["min"], &set["max"]), (&usd(30), &Value::Null, &usd(5000)));
    assert_eq!(boss.get(default).await.ok(), set);
    assert_eq!(boss.get(&seller).await.ok(), set, "the default holds");
    let own = boss.put(&seller, json!({"fee_bps": 250})).await.ok();
    assert_eq!((&own["fee_bps"], &own["fixed"]), (&json!(250), &usd(0)));
    assert_eq!(boss.get(&seller).await.ok(), own);
    for (body, code) in [
        (json!({"fee_bps": 10_001}), "invalid_field"),
        (json!({}), "missing_field"),
        (json!({"fee_bps": 1, "min": 2, "max": 1}), "invalid_field"),
        (json!({"fee_bps": 1, "fixed": {"amount": 1, "currency": "eur"}}), "invalid_field"),
        (json!({"fee_bps": 1, "fee": 1}), "unknown_field"),
    ] {
        boss.put(default, body).await.problem(400, code);
    }
    let nobody = "/v1/admin/sellers/sel_0192f0c1a2b37c4d8e5f60718293a4b5/fee-schedule";
    boss.put(nobody, json!({"fee_bps": 1})).await.problem(404, "not_found");
    let trail = boss.get("/v1/admin/audit-log?limit=1").await.ok();
    assert_eq!((&trail["data"][0]["action"], &trail["has_more"]), (&json!("fee_schedule.set"), &json!(true)));
    assert!(trail["data"][0]["request_id"].is_string());
    ann.get("/v1/admin/audit-log").await.problem(403, "forbidden");
}

#[tokio::test]
async fn promotions_are_made_listed_and_switched_off() {
    let ground = Ground::new().await;
    let (ann, boss) = (ground.person("ann").await, ground.staff("boss", Role::TenantAdmin).await);
    let path = "/v1/admin/promotions";
    let body = json!({"code": "welcome10", "percent_bps": 1000, "max_redemptions": 5});
    ann.post(path, body.clone()).await.problem(403, "forbidden");
    let made = boss.post(path, body.clone()).await.created();
    assert_eq!(
        (&made["code"], &made["redeemed"], &made["active"]),
        (&json!("WELCOME10"), &json!(0), &json!(true))
    );
    boss.post(path, body).await.problem(409, "promotion_exists");
    boss.post(
        path,
        json!({"code": "FIVE", "percent_bps": 1, "amount_off": {"amount": 500, "currency": "usd"}}),
    )
    .await
    .problem(400, "invalid_field");
    assert_eq!(boss.get(path).await.ok()["data"], json!([made]));
    boss.get(&format!("{path}?code=WELCOME10")).await.problem(400, "invalid_query");
    let off = boss.patch(&format!("{path}/{}", text(&made["id"])), json!({"active": false})).await.ok();
    assert_eq!(off["active"], false);
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let ground = Ground::new().await;
    let document = ground.get("/openapi.json", None).await.ok();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<_> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert!(names.len() > 30 && twice.is_empty(), "{twice:?} of {names:?}");
}
