//! Connected accounts from creation to the end of the connection.

use serde_json::json;

use crate::support::{World, text};

#[tokio::test]
async fn a_new_account_has_everything_to_do() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [
        ("controller[fees][payer]", "application"),
        ("controller[losses][payments]", "application"),
        ("controller[stripe_dashboard][type]", "express"),
        ("country", "DE"),
        ("email", "anna@example.com"),
        ("capabilities[card_payments][requested]", "true"),
        ("capabilities[transfers][requested]", "true"),
    ];
    let account = platform.post("accounts", &form).await.ok();
    assert_eq!((&account["charges_enabled"], &account["payouts_enabled"]), (&json!(false), &json!(false)));
    assert_eq!(account["details_submitted"], false);
    assert!(!account["requirements"]["currently_due"].as_array().unwrap().is_empty());
    assert_eq!((&account["type"], &account["default_currency"]), (&json!("express"), &json!("eur")));
    assert_eq!(account["capabilities"], json!({ "card_payments": "inactive", "transfers": "inactive" }));
    let id = text(&account, "id");
    assert_eq!(platform.on(&id).try_session(1_000, &[]).await.status, 400);
    let terms = [("payment_intent_data[transfer_data][destination]", id.as_str())];
    assert_eq!(platform.try_session(1_000, &terms).await.error().1, "insufficient_capabilities_for_transfer");
    let express = [("controller[stripe_dashboard][type]", "express")];
    assert_eq!(platform.post("accounts", &express).await.status, 400);
    let both = [("type", "express"), ("controller[stripe_dashboard][type]", "full")];
    assert_eq!(platform.post("accounts", &both).await.error().1, "parameters_exclusive");
    world.finish().await;
}

#[tokio::test]
async fn onboarding_enables_and_restriction_disables() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let id = platform.seller(&world, &[("type", "express")]).await;
    let account = platform.get(&format!("accounts/{id}")).await.ok();
    assert_eq!((&account["charges_enabled"], &account["payouts_enabled"]), (&json!(true), &json!(true)));
    assert_eq!(account["requirements"]["currently_due"], json!([]));
    let capability = platform.get(&format!("accounts/{id}/capabilities/transfers")).await.ok();
    assert_eq!(capability["status"], "active");
    assert_eq!(
        platform.on(&id).events().await,
        ["account.updated", "capability.updated", "capability.updated"]
    );
    let wish = json!({ "disabled_reason": "requirements.past_due", "past_due": ["individual.id_number"] });
    world.control(&format!("accounts/{id}/restrict"), wish).await.ok();
    let account = platform.get(&format!("accounts/{id}")).await.ok();
    assert_eq!(account["charges_enabled"], false);
    assert_eq!(account["requirements"]["past_due"], json!(["individual.id_number"]));
    assert_eq!(account["requirements"]["disabled_reason"], "requirements.past_due");
    let event = platform.on(&id).get("events?type=account.updated&limit=1").await.ok();
    assert_eq!(event["data"][0]["data"]["previous_attributes"]["charges_enabled"], true);
    world.control(&format!("accounts/{id}/complete_onboarding"), json!({})).await.ok();
    assert_eq!(platform.get(&format!("accounts/{id}")).await.ok()["charges_enabled"], true);
    world.finish().await;
}

#[tokio::test]
async fn links_lead_to_pages() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let id = text(&platform.post("accounts", &[("type", "express")]).await.ok(), "id");
    let form = [
        ("account", id.as_str()),
        ("type", "account_onboarding"),
        ("refresh_url", "https://shop.example/again"),
        ("return_url", "https://shop.example/back"),
    ];
    let link = platform.post("account_links", &form).await.ok();
    assert!(text(&link, "url").starts_with(&world.sandbox.base_url()));
    let early = platform.post(&format!("accounts/{id}/login_links"), &[]).await;
    assert_eq!(early.status, 400);
    world.control(&format!("accounts/{id}/complete_onboarding"), json!({})).await.ok();
    assert_eq!(platform.post(&format!("accounts/{id}/login_links"), &[]).await.ok()["object"], "login_link");
    let standard = platform.seller(&world, &[("type", "standard")]).await;
    assert_eq!(platform.post(&format!("accounts/{standard}/login_links"), &[]).await.status, 400);
    let form = [("account", id.as_str()), ("components[account_onboarding][enabled]", "true")];
    let session = platform.post("account_sessions", &form).await.ok();
    assert_eq!(session["components"]["account_onboarding"]["enabled"], true);
    assert_eq!(session["components"]["payouts"]["enabled"], false);
    world.finish().await;
}

#[tokio::test]
async fn a_deauthorized_account_is_out_of_reach() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let inbox = crate::support::Inbox::open().await;
    platform.listen(&inbox.url(), true).await;
    let id = platform.seller(&world, &[]).await;
    world.control(&format!("accounts/{id}/deauthorize"), json!({})).await.ok();
    let event = inbox.wait("account.application.deauthorized", 1).await[0].event();
    assert_eq!(event["account"], json!(id));
    assert_eq!(event["data"]["object"]["object"], "application");
    assert_eq!(platform.get(&format!("accounts/{id}")).await.error().1, "account_invalid");
    assert_eq!(platform.on(&id).get("balance").await.error().0, 403);
    let terms = crate::support::destination(&id, "1");
    assert_eq!(platform.try_session(1_000, &terms).await.error().1, "resource_missing");
    world.finish().await;
}

#[tokio::test]
async fn accounts_change_and_go() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let id = text(&platform.post("accounts", &[("type", "custom")]).await.ok(), "id");
    let form = [("business_profile[name]", "Anna's clay"), ("capabilities[transfers][requested]", "true")];
    let changed = platform.post(&format!("accounts/{id}"), &form).await.ok();
    assert_eq!(changed["business_profile"]["name"], "Anna's clay");
    assert_eq!(changed["capabilities"]["transfers"], "inactive");
    assert_eq!(platform.post(&format!("accounts/{id}/reject"), &[("reason", "because")]).await.status, 400);
    let rejected = platform.post(&format!("accounts/{id}/reject"), &[("reason", "fraud_other")]).await.ok();
    assert_eq!(rejected["requirements"]["disabled_reason"], "rejected.fraud");
    assert_eq!(platform.delete(&format!("accounts/{id}")).await.ok()["deleted"], true);
    assert_eq!(platform.get(&format!("accounts/{id}")).await.error().0, 403);
    assert_eq!(platform.get("accounts").await.ok()["data"], json!([]));
    world.finish().await;
}
