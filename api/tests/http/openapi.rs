//! The API describes itself, and the description is complete.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::StatusCode;
use serde_json::Value;
use souk::codes::CODES;

use crate::support::Ground;

/// The public contract's routes.
const CONTRACT: &str = "
POST /v1/auth/register
POST /v1/auth/login
POST /v1/auth/refresh
POST /v1/auth/logout
GET /v1/me
GET /healthz
GET /readyz
GET /metrics
POST /v1/sellers
GET /v1/sellers/{id}
POST /v1/sellers/{id}/onboarding-link
POST /v1/sellers/{id}/dashboard-link
POST /v1/sellers/{id}/account-session
POST /v1/sellers/{id}/listings
POST /v1/sellers/{id}/listings/{lid}/slots
PATCH /v1/sellers/{id}/listings/{lid}
PATCH /v1/sellers/{id}/listings/{lid}/slots/{sid}
GET /v1/listings
GET /v1/listings/{id}
GET /v1/listings/{id}/slots
POST /v1/checkouts
GET /v1/orders/{id}
POST /v1/orders/{id}/verify
POST /v1/orders/{id}/cancel
GET /v1/orders/{id}/events
POST /v1/orders/{id}/refunds
GET /v1/sellers/{id}/orders
GET /v1/sellers/{id}/payouts
GET /v1/sellers/{id}/balance
GET /v1/sellers/{id}/statement
GET /v1/admin/fee-schedule
PUT /v1/admin/fee-schedule
PUT /v1/admin/sellers/{id}/fee-schedule
GET /v1/admin/sellers
GET /v1/admin/orders
GET /v1/admin/payments
GET /v1/admin/disputes
GET /v1/admin/webhook-events
GET /v1/admin/jobs
GET /v1/admin/audit-log
POST /v1/admin/webhook-events/{id}/replay
POST /v1/admin/jobs/{id}/retry
POST /v1/admin/sellers/{id}/suspend
POST /v1/admin/sellers/{id}/reinstate
GET /v1/admin/ledger/trial-balance
GET /v1/admin/ledger/entries
POST /v1/admin/reconciliation/runs
GET /v1/admin/reconciliation/runs
GET /v1/admin/reconciliation/runs/{id}
GET /v1/admin/reconciliation/runs/{id}/discrepancies
POST /v1/admin/reconciliation/discrepancies/{id}/resolve
GET /v1/admin/analytics/daily
POST /webhooks/stripe
POST /webhooks/stripe/connect
";

/// What of it is not built yet. This list may only shrink: a route that exists must leave it.
const NOT_YET: &str = "
GET /v1/sellers/{id}/payouts
GET /v1/sellers/{id}/balance
GET /v1/sellers/{id}/statement
GET /v1/admin/disputes
GET /v1/admin/ledger/trial-balance
GET /v1/admin/ledger/entries
POST /v1/admin/reconciliation/runs
GET /v1/admin/reconciliation/runs
GET /v1/admin/reconciliation/runs/{id}
GET /v1/admin/reconciliation/runs/{id}/discrepancies
POST /v1/admin/reconciliation/discrepancies/{id}/resolve
GET /v1/admin/analytics/daily
";

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.is_empty()).map(nameless).collect()
}

/// The route without the names of its parameters, which clients never see.
fn nameless(route: &str) -> String {
    let mut parts = route.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| format!("{path}{{}}{}", part.split_once('}').map_or("", |(_, rest)| rest)))
}

async fn document() -> Value {
    Ground::new().await.get("/openapi.json", None).await.json()
}

fn operations(document: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((format!("{} {path}", method.to_uppercase()), operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn the_contract_is_served_as_far_as_it_is_built() {
    let described: BTreeSet<String> =
        operations(&document().await).into_iter().map(|(route, _)| nameless(&route)).collect();
    let (contract, not_yet) = (lines(CONTRACT), lines(NOT_YET));
    let missing: Vec<_> = contract.difference(&described).filter(|route| !not_yet.contains(*route)).collect();
    assert!(missing.is_empty(), "of the contract these are missing: {missing:#?}");
    let built: Vec<_> = not_yet.intersection(&described).collect();
    assert!(built.is_empty(), "these exist now, so take them out of NOT_YET: {built:#?}");
}

#[tokio::test]
async fn every_route_is_described() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for (route, operation) in operations(&document) {
        let text = |name: &str| operation[name].as_str().unwrap_or("").to_owned();
        assert!(text("description").len() > 15, "{route} has no description");
        assert!(!text("summary").is_empty(), "{route} has no summary");
        assert!(names.insert(text("operationId")), "{route}: another has the id {:?}", text("operationId"));
        assert!(operation["tags"][0].is_string(), "{route} has no tag");
        if route.contains("/v1/admin/") {
            assert_eq!(operation["security"], serde_json::json!([{"bearer": []}]), "{route}");
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let said = answer["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(said, "{route}: {status} has no description");
        }
        assert_eq!(
            operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
    }
}

#[tokio::test]
async fn every_type_that_is_referred_to_exists() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(path)) = members.get("$ref") {
                    found.insert(path.trim_start_matches("#/components/schemas/").to_owned());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for name in found {
        assert!(document["components"]["schemas"][&name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_pages_render_without_help_from_elsewhere() {
    let ground = Ground::new().await;
    let reference = ground.get("/docs", None).await;
    assert_eq!(reference.status, StatusCode::OK);
    assert!(reference.text.contains("/v1/auth/login") && reference.text.contains("id=\"TokensView\""));
    let errors = ground.get("/docs/errors", None).await;
    assert!(errors.text.contains("id=\"sold_out\""));
    for page in [&reference, &errors] {
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(!page.text.contains("://") && !page.text.contains("<script"), "the policy allows neither");
    }
    let style = ground.get("/docs/style.css", None).await;
    assert!(style.headers["content-type"].to_str().unwrap().starts_with("text/css"));
}

/// Finds the codes in the sources, wherever a refusal is made from a literal.
fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for start in
                ["Error::conflict(", "Error::unprocessable(", "Refusal::new(", "refusal(", "Problem::new("]
            {
                found.extend(text.split(start).skip(1).filter_map(first_code));
            }
        }
    }
}

/// The first literal of a call's arguments, if it has the form of a code and is not preceded by another call.
fn first_code(arguments: &str) -> Option<String> {
    let (before, rest) = arguments.split_once('"')?;
    let code = rest.split('"').next()?;
    let plain = before.chars().all(|c| c.is_alphanumeric() || matches!(c, ':' | '_' | ',' | ' ' | '\n'));
    let shaped = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (plain && shaped).then(|| code.to_owned())
}

#[test]
fn every_code_is_explained() {
    let api = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut used = BTreeSet::new();
    codes_in(&api.join("src"), &mut used);
    codes_in(&api.join("../infra/src"), &mut used);
    assert!(used.contains("sold_out") && used.contains("email_taken"), "the search finds nothing: {used:?}");
    let explained: BTreeSet<String> = CODES.iter().map(|code| code.code.to_owned()).collect();
    let missing: Vec<_> = used.difference(&explained).collect();
    assert!(missing.is_empty(), "explain these in api/src/codes.rs: {missing:?}");
}
