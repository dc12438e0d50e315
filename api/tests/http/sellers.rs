//! A seller's way to the payment provider and to being active, over the sandbox.

use serde_json::{Value, json};
use souk_domain::payment::Provider;
use souk_domain::people::{Role, Scope};
use souk_infra::sellers::accounts;
use souk_infra::tenants::{self, GatewayKeys};
use stripe_sandbox::{Sandbox, SandboxConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Ground, text};

const KEY: &str = "sk_test_platform";

/// Starts a sandbox and gives the first marketplace its keys.
async fn provider(ground: &Ground) -> Sandbox {
    let sandbox = Sandbox::start(SandboxConfig::default()).await.unwrap();
    let keys = GatewayKeys {
        api_base: sandbox.base_url(),
        livemode: false,
        secret_key: KEY.to_owned(),
        publishable_key: None,
        webhook_secrets: vec!["whsec_platform".to_owned()],
        connect_webhook_secrets: vec!["whsec_connect".to_owned()],
        updated_at: ground.souk.clock.now(),
    };
    tenants::set_keys(&ground.souk, ground.first, Provider::Stripe, &keys).await.unwrap();
    sandbox
}

/// Calls the sandbox as the test's own hand, past souk.
async fn call(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    let mut stream = TcpStream::connect(sandbox.addr()).await.unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
    serde_json::from_str(&body[body.find('{').unwrap()..=body.rfind('}').unwrap()]).unwrap()
}

async fn accounts_at(sandbox: &Sandbox) -> Vec<String> {
    let list = call(sandbox, "GET", "/v1/accounts?limit=100", Value::Null).await;
    list["data"].as_array().unwrap().iter().map(|account| text(&account["id"]).to_owned()).collect()
}

async fn refresh(ground: &Ground, seller: &str) {
    let id = seller.rsplit('/').next().unwrap().parse().unwrap();
    accounts::refresh_account(&ground.souk, &Scope::system(ground.first), id).await.unwrap();
}

#[tokio::test]
async fn a_seller_becomes_active_and_its_listings_appear() {
    let ground = Ground::new().await;
    let sandbox = provider(&ground).await;
    let ann = ground.person("ann").await;
    let seller = ann.seller().await;
    assert_eq!(ann.get(&seller).await.ok()["connected_account"], Value::Null);
    ann.post(&format!("{seller}/dashboard-link"), json!({})).await.problem(409, "not_connected");
    ann.send("POST", &format!("{seller}/account-session"), None).await.problem(409, "not_connected");

    let link = ann.send("POST", &format!("{seller}/onboarding-link"), None).await.created();
    assert!(text(&link["url"]).starts_with(&sandbox.base_url()), "{link}");
    assert!(text(&link["expires_at"]).ends_with('Z'), "{link}");
    let waiting = ann.get(&seller).await.ok();
    let account = waiting["connected_account"].clone();
    assert_eq!((text(&waiting["status"]), &account["charges_enabled"]), ("onboarding", &json!(false)));
    assert!(!account["requirements"]["currently_due"].as_array().unwrap().is_empty(), "{account}");

    let body = json!({"title": "Pottery", "price": {"amount": 2500, "currency": "usd"}});
    ann.post(&format!("{seller}/listings"), body).await.created();
    assert_eq!(ground.get("/v1/listings", None).await.ok()["data"], json!([]));

    let path = format!("/_sandbox/accounts/{}/complete_onboarding", text(&account["id"]));
    call(&sandbox, "POST", &path, json!({})).await;
    refresh(&ground, &seller).await;
    let active = ann.get(&seller).await.ok();
    assert_eq!(active["status"], "active", "{active}");
    assert_eq!(active["connected_account"]["id"], account["id"]);
    assert_eq!(ground.get("/v1/listings", None).await.ok()["data"].as_array().unwrap().len(), 1);
    let dashboard = ann.post(&format!("{seller}/dashboard-link"), json!({})).await.created();
    assert!(text(&dashboard["url"]).starts_with("http"));
    let session = ann.post(&format!("{seller}/account-session"), json!({})).await.created();
    assert!(!text(&session["client_secret"]).is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn one_seller_has_one_account_however_often_and_at_once_it_is_asked_for() {
    let ground = Ground::new().await;
    let sandbox = provider(&ground).await;
    let ann = ground.person("ann").await;
    let seller = ann.seller().await;
    let path = format!("{seller}/onboarding-link");
    let answers = futures_util::future::join_all((0..8).map(|_| ann.post(&path, json!({})))).await;
    for answer in answers {
        answer.created();
    }
    let account = ann.get(&seller).await.ok()["connected_account"]["id"].clone();
    assert_eq!(accounts_at(&sandbox).await, [text(&account)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_opens_no_second_account() {
    let ground = Ground::new().await;
    let sandbox = provider(&ground).await;
    let ann = ground.person("ann").await;
    let seller = ann.seller().await;
    let path = format!("{seller}/onboarding-link");
    // Longer than the gateway tries by itself, so that the request fails and the next one has to heal it.
    let fault = json!({"next": [{"path": "/v1/accounts", "kind": "drop_after_work", "times": 10}]});
    call(&sandbox, "POST", "/_sandbox/faults", fault).await;
    ann.post(&path, json!({})).await.problem(503, "provider_unavailable");
    assert_eq!(ann.get(&seller).await.ok()["connected_account"], Value::Null);
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/faults", Value::Null).await["held"], 0);
    ann.post(&path, json!({})).await.created();
    let account = ann.get(&seller).await.ok()["connected_account"]["id"].clone();
    assert_eq!(accounts_at(&sandbox).await, [text(&account)]);
    sandbox.stop().await;
}

#[tokio::test]
async fn return_addresses_are_checked_and_admins_decide_who_sells() {
    let ground = Ground::new().await;
    let sandbox = provider(&ground).await;
    let (ann, boss) = (ground.person("ann").await, ground.staff("boss", Role::TenantAdmin).await);
    let seller = ann.seller().await;
    let path = format!("{seller}/onboarding-link");
    for bad in ["javascript:alert(1)", "/relative", "https://user@host/"] {
        let problem = ann.post(&path, json!({"return_url": bad})).await.problem(400, "invalid_field");
        assert_eq!(problem["errors"][0]["pointer"], "/return_url");
    }
    assert!(accounts_at(&sandbox).await.is_empty(), "nothing was opened for a request that was refused");
    ann.post(&path, json!({"return_url": "https://shop.example/back"})).await.created();

    let admin = seller.replace("/v1", "/v1/admin");
    ann.post(&format!("{admin}/suspend"), json!({})).await.problem(403, "forbidden");
    boss.post(&format!("{admin}/reinstate"), json!({})).await.problem(409, "seller_not_suspended");
    let stopped = boss.post(&format!("{admin}/suspend"), json!({})).await.ok();
    assert_eq!(stopped["status"], "suspended");
    ann.post(&path, json!({})).await.problem(409, "seller_suspended");
    let body = json!({"title": "Pottery", "price": {"amount": 2500, "currency": "usd"}});
    ann.post(&format!("{seller}/listings"), body).await.problem(409, "seller_suspended");
    let listed = boss.get("/v1/admin/sellers?status=suspended").await.ok();
    assert_eq!(listed["data"], json!([stopped]));
    assert_eq!(boss.get("/v1/admin/sellers?status=active").await.ok()["data"], json!([]));
    boss.get("/v1/admin/sellers?status=happy").await.problem(400, "invalid_query");
    assert_eq!(boss.post(&format!("{admin}/reinstate"), json!({})).await.ok()["status"], "onboarding");
    sandbox.stop().await;
}
