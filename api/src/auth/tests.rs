//! Who gets past each authorisation type, tried on routes that do nothing else.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use serde_json::Value;
use souk_domain::ids::TenantId;
use souk_domain::money::Currency;
use souk_domain::payment::ChargeModel;
use souk_infra::db::Db;
use souk_infra::people::{Issued, add_membership, users};
use souk_infra::{Settings, Souk, tenants};
use tower::ServiceExt as _;

use super::*;
use crate::state::HttpSettings;

struct Ground {
    state: AppState,
    scope: Scope,
    router: Router,
    _dir: tempfile::TempDir,
}

async fn admin(caller: AdminAuth) -> String {
    caller.scope.actor.parts().0.to_owned()
}

async fn finance(_caller: FinanceAuth) {}

async fn user(_caller: UserAuth) {}

async fn anyone(caller: MaybeUser) -> String {
    caller.scope.actor.parts().0.to_owned()
}

async fn seller(caller: SellerAuth) -> String {
    format!("{} {}", caller.seller, caller.admin)
}

impl Ground {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}", dir.path().join("souk.db").display())).await.unwrap();
        db.migrate().await.unwrap();
        let souk = Souk::new(db, Settings { jwt_secret: "j".to_owned(), encryption_key: "e".to_owned() });
        let tenant = Tenant {
            id: TenantId::new(),
            slug: "demo".to_owned(),
            name: "Demo".to_owned(),
            currency: Currency::USD,
            country: "US".to_owned(),
            charge_model: ChargeModel::Direct,
            public_url: "http://localhost".to_owned(),
            hold_seconds: 600,
            provider_codes: false,
            mixed_baskets: false,
        };
        tenants::create(&souk, &tenant, &["localhost"]).await.unwrap();
        let state = AppState::new(souk, HttpSettings::default());
        let router = Router::new()
            .route("/admin", get(admin))
            .route("/finance", get(finance))
            .route("/user", get(user))
            .route("/anyone", get(anyone))
            .route("/sellers/{id}", get(seller))
            .route("/sellers/{id}/listings/{lid}", get(seller))
            .layer(from_fn_with_state(state.clone(), crate::tenancy::resolve))
            .with_state(state.clone());
        Self { state, scope: Scope::system(tenant.id), router, _dir: dir }
    }

    async fn person(&self, email: &str, memberships: &[Membership]) -> Issued {
        let souk = &self.state.souk;
        let user = users::register(souk, &self.scope, email, "correct horse", None).await.unwrap();
        for membership in memberships {
            let now = souk.clock.now();
            add_membership(souk.db.read(&self.scope), &self.scope, now, user.id, *membership).await.unwrap();
        }
        sessions::open(souk, &self.scope, user).await.unwrap()
    }

    /// The status, and the body or the problem's code.
    async fn get(&self, path: &str, token: &str) -> (StatusCode, String) {
        let mut request = Request::get(path).header("host", "localhost");
        if !token.is_empty() {
            request = request.header("authorization", format!("bearer {token}"));
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 65_536).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let code =
            serde_json::from_str::<Value>(&text).ok().and_then(|v| Some(v["code"].as_str()?.to_owned()));
        (status, code.unwrap_or(text))
    }

    async fn status(&self, path: &str, token: &str) -> u16 {
        self.get(path, token).await.0.as_u16()
    }

    async fn make_seller(&self) -> SellerId {
        use sea_orm::{ActiveValue::Set, EntityTrait as _};
        use souk_infra::entity::sellers;
        let (id, now) = (SellerId::new(), self.state.souk.clock.now());
        let row = sellers::ActiveModel {
            tenant_id: Set(self.scope.tenant.uuid()),
            id: Set(id.uuid()),
            display_name: Set("Ann's".to_owned()),
            country: Set("US".to_owned()),
            email: Set("a@b.cd".to_owned()),
            charge_model: Set(None),
            status: Set("pending".to_owned()),
            created_at: Set(now),
            updated_at: Set(now),
        };
        let db = self.state.souk.db.read(&self.scope);
        sellers::Entity::insert(row).exec_without_returning(db).await.unwrap();
        id
    }
}

fn of_tenant(role: Role) -> Membership {
    Membership { role, seller_id: None }
}

#[tokio::test]
async fn each_type_lets_in_whom_it_names() {
    let ground = Ground::new().await;
    let plain = ground.person("plain@b.cd", &[]).await.access_token;
    let finance = ground.person("finance@b.cd", &[of_tenant(Role::TenantFinance)]).await.access_token;
    let admin = ground.person("admin@b.cd", &[of_tenant(Role::TenantAdmin)]).await.access_token;
    let operator = ground.person("operator@b.cd", &[of_tenant(Role::Operator)]).await.access_token;
    let (_, key) = api_keys::create(&ground.state.souk, &ground.scope, "ci").await.unwrap();
    for (token, expected) in [
        //         anyone, user, finance, admin
        ("", [200, 401, 401, 401]),
        (plain.as_str(), [200, 200, 403, 403]),
        (finance.as_str(), [200, 200, 200, 403]),
        (admin.as_str(), [200, 200, 200, 200]),
        (operator.as_str(), [200, 200, 200, 200]),
        (key.as_str(), [200, 403, 200, 200]),
        ("nonsense", [401, 401, 401, 401]),
    ] {
        for (path, status) in ["/anyone", "/user", "/finance", "/admin"].iter().zip(expected) {
            assert_eq!(ground.status(path, token).await, status, "{path} {token:.12}");
        }
    }
    assert_eq!(ground.get("/admin", &key).await.1, "api_key");
    assert_eq!(ground.get("/anyone", "").await.1, "anonymous");
}

#[tokio::test]
async fn a_seller_is_there_for_its_people_and_admins_only() {
    let ground = Ground::new().await;
    let (mine, other) = (ground.make_seller().await, ground.make_seller().await);
    let at = |role, seller| Membership { role, seller_id: Some(seller) };
    let owner = ground.person("owner@b.cd", &[at(Role::SellerOwner, mine)]).await.access_token;
    let staff = ground.person("staff@b.cd", &[at(Role::SellerStaff, mine)]).await.access_token;
    let finance = ground.person("finance@b.cd", &[of_tenant(Role::TenantFinance)]).await.access_token;
    let admin = ground.person("admin@b.cd", &[of_tenant(Role::TenantAdmin)]).await.access_token;
    let path = format!("/sellers/{mine}");
    for token in [&owner, &staff] {
        assert_eq!(ground.get(&path, token).await, (StatusCode::OK, format!("{mine} false")));
        assert_eq!(ground.status(&format!("{path}/listings/x"), token).await, 200);
    }
    assert_eq!(ground.get(&path, &admin).await, (StatusCode::OK, format!("{mine} true")));
    assert_eq!(ground.status(&path, "").await, 401);
    let nothing = (StatusCode::NOT_FOUND, "not_found".to_owned());
    assert_eq!(ground.get(&path, &finance).await, nothing);
    // One that is not theirs and one that does not exist are the same answer.
    assert_eq!(ground.get(&format!("/sellers/{other}"), &owner).await, nothing);
    assert_eq!(ground.get(&format!("/sellers/{}", SellerId::new()), &owner).await, nothing);
    assert_eq!(ground.get("/sellers/nonsense", &owner).await, nothing);
}

#[tokio::test]
async fn a_role_taken_away_and_a_key_revoked_are_gone_at_once() {
    use sea_orm::ConnectionTrait as _;
    let ground = Ground::new().await;
    let admin = ground.person("admin@b.cd", &[of_tenant(Role::TenantAdmin)]).await.access_token;
    let (_, key) = api_keys::create(&ground.state.souk, &ground.scope, "ci").await.unwrap();
    assert_eq!((ground.status("/admin", &admin).await, ground.status("/admin", &key).await), (200, 200));
    let db = ground.state.souk.db.unscoped();
    db.execute_unprepared("DELETE FROM memberships").await.unwrap();
    db.execute_unprepared("UPDATE api_keys SET revoked_at = created_at").await.unwrap();
    assert_eq!((ground.status("/admin", &admin).await, ground.status("/admin", &key).await), (403, 401));
}

#[tokio::test]
async fn a_session_cookie_opens_no_api_route() {
    let ground = Ground::new().await;
    let admin = ground.person("admin@b.cd", &[of_tenant(Role::TenantAdmin)]).await.access_token;
    let request =
        Request::get("/admin").header("host", "localhost").header("cookie", format!("souk_access={admin}"));
    let response = ground.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
