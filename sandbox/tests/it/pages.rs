//! The hosted pages, as a browser without JavaScript uses them.

use reqwest::Response;
use serde_json::json;

use crate::support::{World, text};

async fn post(world: &World, url: &str, form: &[(&str, &str)]) -> Response {
    world.http.post(url).form(form).send().await.unwrap()
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_buyer_declines_applies_a_code_and_pays() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    platform.post("coupons", &[("id", "TEN"), ("percent_off", "10")]).await.ok();
    let code = [("promotion[type]", "coupon"), ("promotion[coupon]", "TEN"), ("code", "WELCOME10")];
    platform.post("promotion_codes", &code).await.ok();
    let more = [("allow_promotion_codes", "true"), ("cancel_url", "https://shop.example/cart?a=1&b=2")];
    let session = platform.session(2_000, &more).await;
    let url = text(&session, "url");
    let page = world.http.get(&url).send().await.unwrap().text().await.unwrap();
    for part in [
        "Sandbox",
        "Pottery class",
        "$20.00",
        "Promotion code",
        "https://shop.example/cart?a=1",
        "Bank debit",
    ] {
        assert!(page.contains(part), "{part} is not on the page");
    }
    let page = post(&world, &url, &[("action", "code"), ("code", "nonsense")]).await.text().await.unwrap();
    assert!(page.contains("promotion code is invalid"));
    let page = post(&world, &url, &[("action", "code"), ("code", "welcome10")]).await.text().await.unwrap();
    assert!(page.contains("$18.00") && page.contains("WELCOME10"));
    let declined =
        post(&world, &url, &[("action", "pay"), ("test", "4000000000000002"), ("card", "4242424242424242")])
            .await;
    assert_eq!(declined.status(), 402);
    assert!(declined.text().await.unwrap().contains("Your card was declined."));
    let paid =
        post(&world, &url, &[("action", "pay"), ("card", "4242 4242 4242 4242"), ("email", "b@example.com")])
            .await;
    assert_eq!(location(&paid), format!("https://shop.example/ok?session={}", text(&session, "id")));
    let done = platform.get(&format!("checkout/sessions/{}", text(&session, "id"))).await.ok();
    assert_eq!((&done["payment_status"], &done["amount_total"]), (&json!("paid"), &json!(1_800)));
    assert_eq!(done["customer_details"]["email"], "b@example.com");
    let page = world.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Already paid"));
    world.finish().await;
}

#[tokio::test]
async fn three_d_secure_shows_a_page_in_between() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let session = platform.session(2_000, &[]).await;
    let url = text(&session, "url");
    let pay = [("action", "pay"), ("test", "4000000000003220"), ("email", "b@example.com")];
    let challenge = format!("{}{}", world.sandbox.base_url(), location(&post(&world, &url, &pay).await));
    let open = platform
        .get(&format!("checkout/sessions/{}?expand[]=payment_intent", text(&session, "id")))
        .await
        .ok();
    assert_eq!(
        (&open["status"], &open["payment_intent"]["status"]),
        (&json!("open"), &json!("requires_action"))
    );
    let page = world.http.get(&challenge).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Authenticate"));
    let answer = [("card", "4000000000003220"), ("outcome", "fail")];
    assert_eq!(post(&world, &challenge, &answer).await.status(), 402);
    location(&post(&world, &url, &pay).await);
    let answer = [("card", "4000000000003220"), ("outcome", "pass")];
    assert!(location(&post(&world, &challenge, &answer).await).starts_with("https://shop.example/ok"));
    world.finish().await;
}

#[tokio::test]
async fn bank_debits_and_free_orders_need_no_card() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let url = text(&platform.session(2_000, &[]).await, "url");
    location(&post(&world, &url, &[("action", "pay"), ("test", "bank_failure")]).await);
    world.control("clock/advance", json!({ "seconds": 5 * 86_400 })).await.ok();
    assert_eq!(platform.events().await.last().unwrap(), "checkout.session.async_payment_failed");
    platform.post("coupons", &[("id", "ALL"), ("percent_off", "100")]).await.ok();
    let url = text(&platform.session(2_000, &[("discounts[0][coupon]", "ALL")]).await, "url");
    assert!(world.http.get(&url).send().await.unwrap().text().await.unwrap().contains("Nothing to pay"));
    location(&post(&world, &url, &[("action", "pay")]).await);
    world.finish().await;
}

#[tokio::test]
async fn expired_and_unknown_sessions_say_so() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let session = platform.session(2_000, &[]).await;
    platform.post(&format!("checkout/sessions/{}/expire", text(&session, "id")), &[]).await.ok();
    let url = text(&session, "url");
    assert_eq!(world.http.get(&url).send().await.unwrap().status(), 410);
    assert_eq!(post(&world, &url, &[("action", "pay"), ("card", "4242424242424242")]).await.status(), 410);
    let nowhere = format!("{}/c/pay/cs_test_none", world.sandbox.base_url());
    assert_eq!(world.http.get(nowhere).send().await.unwrap().status(), 404);
    world.finish().await;
}

#[tokio::test]
async fn a_seller_is_onboarded_by_a_link_that_works_once() {
    let world = World::start().await;
    let platform = world.platform("sk_test_one");
    let form = [("type", "express"), ("capabilities[transfers][requested]", "true")];
    let id = text(&platform.post("accounts", &form).await.ok(), "id");
    let link = || async {
        let form = [
            ("account", id.as_str()),
            ("type", "account_onboarding"),
            ("refresh_url", "https://shop.example/again"),
            ("return_url", "https://shop.example/back"),
        ];
        text(&platform.post("account_links", &form).await.ok(), "url")
    };
    let url = link().await;
    let page = world.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Set up payments") && page.contains(&id));
    assert_eq!(location(&world.http.get(&url).send().await.unwrap()), "https://shop.example/again");
    assert_eq!(location(&post(&world, &url, &[("action", "leave")]).await), "https://shop.example/back");
    assert_eq!(platform.get(&format!("accounts/{id}")).await.ok()["charges_enabled"], false);
    assert_eq!(location(&post(&world, &url, &[("action", "finish")]).await), "https://shop.example/back");
    let account = platform.get(&format!("accounts/{id}")).await.ok();
    assert_eq!(
        (&account["charges_enabled"], &account["capabilities"]["transfers"]),
        (&json!(true), &json!("active"))
    );
    let late = link().await;
    world.control("clock/advance", json!({ "seconds": 600 })).await.ok();
    assert_eq!(location(&world.http.get(&late).send().await.unwrap()), "https://shop.example/again");
    let login = text(&platform.post(&format!("accounts/{id}/login_links"), &[]).await.ok(), "url");
    assert!(world.http.get(&login).send().await.unwrap().text().await.unwrap().contains("payouts enabled"));
    world.finish().await;
}
