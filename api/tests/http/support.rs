//! A souk with two marketplaces in a database of its own, and a caller that speaks HTTP to it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use souk::{AppState, HttpSettings};
use souk_domain::ids::TenantId;
use souk_domain::money::Currency;
use souk_domain::payment::ChargeModel;
use souk_infra::db::Db;
use souk_infra::tenants::{self, Tenant};
use souk_infra::{Settings, Souk};
use tower::ServiceExt as _;

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Ground {
    pub(crate) souk: Souk,
    pub(crate) app: Router,
    pub(crate) first: TenantId,
    _dir: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A SQLite file, or a new database on the server that `SOUK_TEST_POSTGRES_URL` names where `SOUK_TEST_DATABASE`
/// says `postgres`.
async fn database(folder: &tempfile::TempDir) -> String {
    if std::env::var("SOUK_TEST_DATABASE").as_deref() != Ok("postgres") {
        return format!("sqlite://{}", folder.path().join("souk.db").display());
    }
    let server = std::env::var("SOUK_TEST_POSTGRES_URL").expect("SOUK_TEST_POSTGRES_URL names a server");
    let name = format!("souk_{}", uuid::Uuid::now_v7().simple());
    let connection = sea_orm::Database::connect(&server).await.expect("PostgreSQL answers");
    connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("a database is made");
    connection.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').expect("the address ends in a database");
    format!("{base}/{name}")
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text))
    }

    /// Checks that this is a well-formed problem with this status and code, and hands out its body.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        for member in ["type", "title", "detail", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        assert_eq!(self.headers["x-request-id"], body["request_id"].as_str().unwrap());
        body
    }
}

impl Ground {
    pub(crate) async fn new() -> Self {
        Self::with(HttpSettings::default()).await
    }

    pub(crate) async fn with(http: HttpSettings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::connect(&database(&dir).await).await.unwrap();
        db.migrate().await.unwrap();
        let settings = Settings { jwt_secret: "jwt".to_owned(), encryption_key: "enc".to_owned() };
        let souk = Souk::new(db, settings);
        let mut first = None;
        for (slug, hosts) in [("first", ["localhost", "127.0.0.1"]), ("second", ["second.localhost", "two"])]
        {
            let tenant = Tenant {
                id: TenantId::new(),
                slug: slug.to_owned(),
                name: slug.to_owned(),
                currency: Currency::USD,
                country: "US".to_owned(),
                charge_model: ChargeModel::Direct,
                public_url: "http://localhost".to_owned(),
                hold_seconds: 600,
                provider_codes: false,
                mixed_baskets: false,
            };
            tenants::create(&souk, &tenant, &hosts).await.unwrap();
            first.get_or_insert(tenant.id);
        }
        let app = souk::app(AppState::new(souk.clone(), http));
        Self { souk, app, first: first.unwrap(), _dir: dir }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 4 * 1024 * 1024).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.get_at("localhost", path, token).await
    }

    pub(crate) async fn get_at(&self, host: &str, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path).header("host", host);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_raw(path, "application/json", body.to_string()).await
    }

    pub(crate) async fn post_raw(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request =
            Request::post(path).header("host", "localhost:8080").header("content-type", content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Registers a person and hands out the tokens.
    pub(crate) async fn register(&self, email: &str) -> Value {
        let body = json!({"email": email, "password": PASSWORD, "name": "Ann"});
        let answer = self.post("/v1/auth/register", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}
