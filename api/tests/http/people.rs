//! Logging in and out, and what tokens are good for.

use axum::http::StatusCode;
use serde_json::{Value, json};
use souk_domain::people::{Membership, Role, Scope};
use souk_infra::people::{add_membership, api_keys};

use crate::support::{Answer, Ground, PASSWORD, text};

async fn refresh(ground: &Ground, tokens: &Value) -> Answer {
    ground.post("/v1/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]})).await
}

async fn me(ground: &Ground, tokens: &Value) -> Answer {
    ground.get("/v1/me", tokens["access_token"].as_str()).await
}

#[tokio::test]
async fn registers_logs_in_and_asks_who_it_is() {
    let ground = Ground::new().await;
    let registered = ground.register(" Ann@Example.COM ").await;
    assert_eq!(registered["user"]["email"], "ann@example.com");
    assert_eq!(registered["expires_in"], 900);
    let login = json!({"email": "ANN@example.com", "password": PASSWORD});
    let tokens = ground.post("/v1/auth/login", &login).await;
    assert_eq!(tokens.status, StatusCode::OK);
    assert_eq!(tokens.json()["user"], registered["user"]);
    let me = me(&ground, &tokens.json()).await.json();
    assert_eq!(
        me,
        json!({"id": registered["user"]["id"], "email": "ann@example.com", "name": "Ann", "memberships": []})
    );
}

#[tokio::test]
async fn one_login_per_address_and_the_same_answer_for_every_wrong_one() {
    let ground = Ground::new().await;
    ground.register("ann@example.com").await;
    let again = json!({"email": "ANN@example.com", "password": PASSWORD});
    ground.post("/v1/auth/register", &again).await.problem(409, "email_taken");
    let wrong =
        [("ann@example.com", "wrong password"), ("bob@example.com", PASSWORD), ("nonsense", PASSWORD)];
    let mut answers = Vec::new();
    for (email, password) in wrong {
        let answer = ground.post("/v1/auth/login", &json!({"email": email, "password": password})).await;
        let mut body = answer.problem(401, "invalid_credentials");
        body["request_id"] = Value::Null;
        answers.push(body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_login() {
    let ground = Ground::new().await;
    let first = ground.register("ann@example.com").await;
    let elsewhere =
        ground.post("/v1/auth/login", &json!({"email": "ann@example.com", "password": PASSWORD})).await;
    let second = refresh(&ground, &first).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(me(&ground, &second).await.status, StatusCode::OK);
    refresh(&ground, &first).await.problem(401, "invalid_refresh_token");
    refresh(&ground, &second).await.problem(401, "invalid_refresh_token");
    me(&ground, &second).await.problem(401, "unauthenticated");
    // Another login of the same person is not touched.
    assert_eq!(refresh(&ground, &elsewhere.json()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins_and_the_login_ends() {
    let ground = Ground::new().await;
    let tokens = ground.register("ann@example.com").await;
    let (a, b) = tokio::join!(refresh(&ground, &tokens), refresh(&ground, &tokens));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let winner = if a.status == StatusCode::OK { a } else { b };
    refresh(&ground, &winner.json()).await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn tokens_have_their_time() {
    let ground = Ground::new().await;
    let tokens = ground.register("ann@example.com").await;
    ground.souk.clock.advance(899);
    assert_eq!(me(&ground, &tokens).await.status, StatusCode::OK);
    ground.souk.clock.advance(1);
    me(&ground, &tokens).await.problem(401, "unauthenticated");
    let tokens = refresh(&ground, &tokens).await.json();
    assert_eq!(me(&ground, &tokens).await.status, StatusCode::OK);
    ground.souk.clock.advance(30 * 24 * 3_600);
    refresh(&ground, &tokens).await.problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn logout_counts_at_once_and_may_be_repeated() {
    let ground = Ground::new().await;
    let tokens = ground.register("ann@example.com").await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    for _ in 0..2 {
        assert_eq!(ground.post("/v1/auth/logout", &body).await.status, StatusCode::NO_CONTENT);
    }
    me(&ground, &tokens).await.problem(401, "unauthenticated");
    refresh(&ground, &tokens).await.problem(401, "invalid_refresh_token");
    ground.post("/v1/auth/logout", &json!({})).await.problem(400, "missing_field");
}

#[tokio::test]
async fn tokens_of_another_marketplace_are_worth_nothing() {
    let ground = Ground::new().await;
    let tokens = ground.register("ann@example.com").await;
    let access = tokens["access_token"].as_str();
    assert_eq!(ground.get_at("127.0.0.1:1", "/v1/me", access).await.status, StatusCode::OK);
    ground.get_at("second.localhost", "/v1/me", access).await.problem(401, "unauthenticated");
    let scope = Scope::system(ground.first);
    let (_, key) = api_keys::create(&ground.souk, &scope, "ci").await.unwrap();
    ground.get("/v1/me", Some(&key)).await.problem(403, "forbidden");
    ground.get_at("second.localhost", "/v1/me", Some(&key)).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn credentials_that_make_no_sense_are_401() {
    let ground = Ground::new().await;
    let absent = ground.get("/v1/me", None).await;
    absent.problem(401, "unauthenticated");
    assert_eq!(absent.headers["www-authenticate"], "Bearer");
    for bad in ["", "x", "a.b.c", "sk_souk_unknown", "rt_x"] {
        ground.get("/v1/me", Some(bad)).await.problem(401, "unauthenticated");
    }
    ground
        .post("/v1/auth/refresh", &json!({"refresh_token": "x"}))
        .await
        .problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn memberships_are_shown_as_they_are_now() {
    let ground = Ground::new().await;
    let tokens = ground.register("ann@example.com").await;
    let user = text(&tokens["user"]["id"]).parse().unwrap();
    let scope = Scope::system(ground.first);
    let admin = Membership { role: Role::TenantAdmin, seller_id: None };
    let db = ground.souk.db.read(&scope);
    let now = ground.souk.clock.now();
    add_membership(db, &scope, now, user, admin).await.unwrap();
    let twice = add_membership(db, &scope, now, user, admin).await.unwrap_err();
    assert_eq!(twice.code(), Some("membership_exists"));
    let nonsense = Membership { role: Role::SellerOwner, seller_id: None };
    assert!(add_membership(db, &scope, now, user, nonsense).await.is_err());
    assert_eq!(me(&ground, &tokens).await.json()["memberships"], json!([{"role": "tenant_admin"}]));
}
