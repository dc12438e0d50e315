//! souk's requests and the sandbox's answers against the provider's published description.
//!
//! The description is not part of this repository: `SOUK_STRIPE_OPENAPI` names the file, and without it the tests
//! say that they were skipped. What souk sends is taken from what the sandbox saw on the wire.

mod check;
mod endpoints;
mod provider;
mod scenario;
mod spec;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::check::Form;
use self::provider::Provider;
use self::spec::Spec;
use crate::support::World;

/// POSTs that may be sent without an idempotency key: each makes something that lives for minutes and moves nothing.
const WITHOUT_KEY: &[&str] =
    &["POST /v1/account_links", "POST /v1/account_sessions", "POST /v1/accounts/{id}/login_links"];

#[expect(clippy::print_stdout, reason = "the runner counts what says that it was skipped")]
fn spec() -> Option<Spec> {
    let spec = Spec::from_environment();
    if spec.is_none() {
        println!("skipped: SOUK_STRIPE_OPENAPI does not name Stripe's description of its API");
    }
    spec
}

#[tokio::test]
async fn what_souk_says_and_hears_is_as_the_provider_describes_it() {
    let Some(spec) = spec() else { return };
    let world = World::start().await;
    scenario::onboard(&world).await;
    for model in ["direct", "destination"] {
        scenario::sell(&world, model).await;
    }
    scenario::lose(&world).await;
    scenario::rest(&world).await;

    check_requests(&world, &spec).await;

    let mut provider = Provider::new(&world, &spec);
    provider.crawl(None).await;
    for account in [world.account("direct").await, world.account("destination").await] {
        provider.crawl(Some(&account)).await;
    }
    for kind in ["account", "capability", "charge", "checkout.session", "payment_intent", "refund", "dispute"]
    {
        assert!(provider.told.contains(kind), "no event was about a {kind}: {:?}", provider.told);
    }
    provider.settle();
    world.demo.stop().await;
}

/// Every request that souk has sent.
async fn check_requests(world: &World, spec: &Spec) {
    let all = world.sandbox().get("/_sandbox/requests").await.expect(200);
    let header = |call: &Value, name: &str| call["headers"][name].as_str().map(str::to_owned);
    let of_souk = |call: &&Value| header(call, "user-agent").is_some_and(|agent| agent.starts_with("souk/"));
    let calls: Vec<&Value> = all["data"].as_array().unwrap().iter().filter(of_souk).collect();
    assert!(calls.len() > 60, "only {} requests of souk's", calls.len());
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut keys: BTreeMap<(Option<String>, String), (String, String)> = BTreeMap::new();
    for call in calls {
        let text = |name: &str| call[name].as_str().unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        let path = path.split('?').next().unwrap();
        let Some(operation) = spec.operation(method, path) else {
            wrong.insert(format!("{method} {path}: is not described"));
            continue;
        };
        let sent = if method == "POST" { text("body") } else { text("query") };
        match Form::parse(sent.trim_start_matches('?')) {
            Ok(form) => wrong.extend(
                check::form(spec, &operation.parameters(), &form)
                    .into_iter()
                    .map(|violation| format!("{}: {violation}", operation.name)),
            ),
            Err(why) => _ = wrong.insert(format!("{}: {why}", operation.name)),
        }
        if header(call, "stripe-version").as_deref() != Some(spec.version()) {
            wrong.insert(format!("{}: stripe-version", operation.name));
        }
        if header(call, "authorization").as_deref() != Some("Bearer sk_test_***") {
            wrong.insert(format!("{}: authorization", operation.name));
        }
        let key = header(call, "idempotency-key");
        match (method, key) {
            ("POST", None) if !WITHOUT_KEY.contains(&operation.name.as_str()) => {
                wrong.insert(format!("{}: has no idempotency key", operation.name));
            }
            ("POST", Some(key)) => {
                if key.len() > 255 {
                    wrong.insert(format!("{}: a key of {} characters", operation.name, key.len()));
                }
                let what = (operation.name.clone(), sent.to_owned());
                let first = keys.entry((header(call, "stripe-account"), key)).or_insert_with(|| what.clone());
                if *first != what {
                    wrong.insert(format!("one key for {first:?} and {what:?}"));
                }
            }
            _ => {}
        }
        seen.insert(operation.name);
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{} mistakes in souk's requests:\n{}", wrong.len(), wrong.join("\n"));
    for operation in [
        "POST /v1/accounts",
        "POST /v1/account_links",
        "POST /v1/account_sessions",
        "POST /v1/accounts/{id}/login_links",
        "POST /v1/checkout/sessions",
        "POST /v1/checkout/sessions/{id}/expire",
        "POST /v1/payment_intents/{id}/capture",
        "POST /v1/payment_intents/{id}/cancel",
        "POST /v1/refunds",
        "GET /v1/checkout/sessions/{id}",
    ] {
        assert!(seen.contains(operation), "souk has not called {operation}; it has called {seen:#?}");
    }
}

#[tokio::test]
async fn every_endpoint_of_the_sandbox_answers_as_the_provider_describes_it() {
    let Some(spec) = spec() else { return };
    let world = World::start().await;
    let account = world.account("direct").await;
    let destination = world.account("destination").await;
    let mut provider = Provider::new(&world, &spec);
    endpoints::catalogue(&mut provider).await;
    endpoints::payments(&mut provider, &world, &destination).await;
    endpoints::accounts(&mut provider).await;
    endpoints::refusals(&mut provider, &account).await;
    provider.crawl(None).await;
    provider.crawl(Some(&destination)).await;
    assert!(provider.called.len() >= 75, "{} operations: {:#?}", provider.called.len(), provider.called);
    provider.settle();
    world.demo.stop().await;
}
