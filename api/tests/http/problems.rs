//! Every answer that is not a success is problem+json and names what is wrong.

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use serde_json::json;
use souk::HttpSettings;

use crate::support::{Ground, PASSWORD};

#[tokio::test]
async fn unknown_addresses_methods_and_hosts() {
    let ground = Ground::new().await;
    ground.get("/nowhere", None).await.problem(404, "route_not_found");
    let wrong = ground.get("/v1/auth/login", None).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.headers["allow"], "POST");
    ground.get_at("elsewhere.example", "/v1/me", None).await.problem(404, "unknown_host");
    ground.get_at("", "/v1/me", None).await.problem(404, "unknown_host");
    let without_host = Request::get("/v1/me").body(Body::empty()).unwrap();
    ground.send(without_host).await.problem(404, "unknown_host");
    ground.get_at("LOCALHOST:9999", "/v1/me", None).await.problem(401, "unauthenticated");
    for ops in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(ground.get_at("elsewhere.example", ops, None).await.status, StatusCode::OK, "{ops}");
    }
}

#[tokio::test]
async fn bodies_are_judged_field_by_field() {
    let ground = Ground::new().await;
    let post =
        async |body: &str| ground.post_raw("/v1/auth/register", "application/json", body.to_owned()).await;
    post("{").await.problem(400, "malformed_json");
    post("").await.problem(400, "malformed_json");
    let wrong = post(r#"{"email": 1, "password": "x"}"#).await.problem(400, "invalid_field");
    assert_eq!(wrong["errors"][0]["pointer"], "/email");
    let missing = post(r#"{"email": "a@b.c"}"#).await.problem(400, "missing_field");
    assert_eq!(missing["errors"][0]["pointer"], "/password");
    let unknown = post(r#"{"email": "a@b.c", "password": "x", "admin": true}"#).await;
    assert_eq!(unknown.problem(400, "unknown_field")["errors"][0]["pointer"], "/admin");
    let short = post(r#"{"email": "a@b.cd", "password": "short"}"#).await.problem(400, "invalid_field");
    assert_eq!(short["errors"][0]["pointer"], "/password");
    let email = post(&json!({"email": "nobody", "password": PASSWORD}).to_string()).await;
    assert_eq!(email.problem(400, "invalid_field")["errors"][0]["pointer"], "/email");
    let nul = post(&json!({"email": "a@b.cd", "password": PASSWORD, "name": "a\u{0}"}).to_string()).await;
    assert_eq!(nul.problem(400, "invalid_field")["errors"][0]["pointer"], "/name");

    let body = json!({"email": "a@b.cd", "password": PASSWORD}).to_string();
    let form = ground.post_raw("/v1/auth/register", "application/x-www-form-urlencoded", body.clone()).await;
    form.problem(415, "unsupported_media_type");
    let json_api = ground.post_raw("/v1/auth/register", "application/json; charset=utf-8", body).await;
    assert_eq!(json_api.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_refused_announced_or_not() {
    let ground = Ground::new().await;
    let large = vec![b' '; 1024 * 1024 + 1];
    let announced = Request::post("/v1/auth/login")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("content-length", large.len())
        .body(Body::from(large.clone()))
        .unwrap();
    ground.send(announced).await.problem(413, "body_too_large");
    let chunks = large.chunks(65_536).map(|c| Ok::<_, std::io::Error>(Bytes::copy_from_slice(c)));
    let stream = Body::from_stream(futures_util::stream::iter(chunks.collect::<Vec<_>>()));
    ground.post_raw("/v1/auth/login", "application/json", stream).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn the_request_id_is_echoed_or_made() {
    let ground = Ground::new().await;
    let with = |id: &str| Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(ground.send(with("mine-1.x_Y")).await.headers["x-request-id"], "mine-1.x_Y");
    let made = ground.send(with("not sane")).await;
    assert!(made.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let ground = Ground::new().await;
    let answer = ground.get("/healthz", None).await;
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["referrer-policy"], "same-origin");
    assert!(!answer.headers.contains_key("strict-transport-security"));
    let https = Ground::with(HttpSettings { https: true, ..HttpSettings::default() }).await;
    assert!(https.get("/healthz", None).await.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let ground = Ground::with(HttpSettings { requests_per_second: 3, ..HttpSettings::default() }).await;
    let mut last = ground.get("/healthz", None).await;
    for _ in 0..20 {
        last = ground.get("/healthz", None).await;
    }
    last.problem(429, "rate_limited");
    assert_eq!(last.headers["retry-after"], "1");
}

#[tokio::test]
async fn logins_have_a_smaller_budget_than_the_rest() {
    let ground = Ground::with(HttpSettings { logins_per_minute: 2, ..HttpSettings::default() }).await;
    let body = json!({"email": "a@b.cd", "password": "x"});
    ground.post("/v1/auth/login", &body).await.problem(401, "invalid_credentials");
    ground.post("/v1/auth/login", &body).await.problem(401, "invalid_credentials");
    let refused = ground.post("/v1/auth/login", &body).await;
    refused.problem(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(ground.get("/healthz", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_database_that_fails_shows_none_of_its_words() {
    let ground = Ground::new().await;
    use sea_orm::ConnectionTrait as _;
    ground.souk.db.unscoped().execute_unprepared("ALTER TABLE users RENAME TO gone").await.unwrap();
    let answer = ground.post("/v1/auth/login", &json!({"email": "a@b.cd", "password": "x"})).await;
    answer.problem(500, "internal_error");
    assert!(!answer.text.to_lowercase().contains("table"), "{}", answer.text);
}

#[tokio::test]
async fn metrics_name_routes_not_addresses() {
    let ground = Ground::new().await;
    ground.get("/nowhere/at/all", None).await;
    ground.get("/v1/me", None).await;
    let text = ground.get("/metrics", None).await.text;
    assert!(text.contains("route=\"/v1/me\",status=\"401\"} 1"), "{text}");
    assert!(text.contains("route=\"unmatched\",status=\"404\"} 1") && !text.contains("nowhere"), "{text}");
    assert!(text.contains("souk_up 1"));
}
