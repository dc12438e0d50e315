//! Idempotency keys over a database: who starts, who resumes, who gets the first answer again.

use souk_domain::ids::{TenantId, UserId};
use souk_domain::money::Currency;
use souk_domain::payment::ChargeModel;

use super::*;
use crate::db::Db;
use crate::souk::Settings;
use crate::tenants::{self, Tenant};

const MINUTE: Duration = Duration::minutes(1);

struct Ground {
    souk: Souk,
    scope: Scope,
    _dir: tempfile::TempDir,
}

async fn ground() -> Ground {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::connect(&database(&dir).await).await.unwrap();
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
    Ground { souk, scope: Scope { tenant: tenant.id, actor: Actor::Anonymous }, _dir: dir }
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

impl Ground {
    async fn begin_as(&self, scope: &Scope, key: &str, hash: &str, now: DateTime<Utc>) -> Result<Next> {
        let tx = self.souk.db.begin(scope).await?;
        let next = begin(&tx, scope, "checkout", key, hash, now, MINUTE).await?;
        tx.commit().await?;
        Ok(next)
    }

    async fn begin(&self, key: &str, hash: &str, now: DateTime<Utc>) -> Result<Next> {
        self.begin_as(&self.scope, key, hash, now).await
    }

    async fn start(&self, key: &str, hash: &str, now: DateTime<Utc>) -> Attempt {
        match self.begin(key, hash, now).await.unwrap() {
            Next::Start(attempt) => attempt,
            other => panic!("expected a start, got {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_first_answer_is_given_again_and_only_to_the_same_request() {
    let ground = ground().await;
    let (db, now) = (ground.souk.db.read(&ground.scope), ground.souk.clock.now());
    let attempt = ground.start("k", "hash", now).await;
    let running = ground.begin("k", "hash", now).await.unwrap_err();
    assert_eq!(running.code(), Some("idempotency_in_progress"));
    let body = serde_json::json!({"id": "ord_1", "total": 5});
    attempt.complete(db, 201, &body).await.unwrap();
    let again = ground.begin("k", "hash", now).await.unwrap();
    assert_eq!(again, Next::Replay { status: 201, body: body.clone() });
    // Long after the lock ran out the answer is still the first one.
    let later = ground.begin("k", "hash", now + MINUTE * 60).await.unwrap();
    assert_eq!(later, Next::Replay { status: 201, body });
    let other = ground.begin("k", "another", now).await.unwrap_err();
    assert_eq!(other.code(), Some("idempotency_key_reused"));
}

#[tokio::test]
async fn a_dead_attempt_is_resumed_once_and_has_no_say_any_more() {
    let ground = ground().await;
    let (db, now) = (ground.souk.db.read(&ground.scope), ground.souk.clock.now());
    let dead = ground.start("k", "hash", now).await;
    let subject = Uuid::now_v7();
    dead.set_subject(db, subject).await.unwrap();
    let later = now + MINUTE;
    let Next::Resume { attempt, subject: found } = ground.begin("k", "hash", later).await.unwrap() else {
        panic!("the lock has run out");
    };
    assert_eq!(found, Some(subject));
    assert_eq!(ground.begin("k", "hash", later).await.unwrap_err().code(), Some("idempotency_in_progress"));
    let late = dead.complete(db, 201, &Value::Null).await.unwrap_err();
    assert_eq!(late.code(), Some("idempotency_in_progress"));
    dead.abandon(db).await.unwrap();
    attempt.complete(db, 200, &Value::Bool(true)).await.unwrap();
    let replay = ground.begin("k", "hash", later).await.unwrap();
    assert_eq!(replay, Next::Replay { status: 200, body: Value::Bool(true) });
}

#[tokio::test]
async fn an_abandoned_key_starts_anew_and_a_rolled_back_one_was_never_taken() {
    let ground = ground().await;
    let now = ground.souk.clock.now();
    let attempt = ground.start("k", "hash", now).await;
    attempt.abandon(ground.souk.db.read(&ground.scope)).await.unwrap();
    ground.start("k", "another", now).await;

    let tx = ground.souk.db.begin(&ground.scope).await.unwrap();
    begin(&tx, &ground.scope, "checkout", "r", "hash", now, MINUTE).await.unwrap();
    tx.rollback().await.unwrap();
    ground.start("r", "another", now).await;
}

#[tokio::test]
async fn callers_and_operations_have_keys_of_their_own() {
    let ground = ground().await;
    let now = ground.souk.clock.now();
    ground.start("k", "hash", now).await;
    let person = Scope { actor: Actor::User(UserId::new()), ..ground.scope };
    assert!(matches!(ground.begin_as(&person, "k", "other", now).await.unwrap(), Next::Start(_)));
    let tx = ground.souk.db.begin(&ground.scope).await.unwrap();
    let other = begin(&tx, &ground.scope, "refund", "k", "other", now, MINUTE).await.unwrap();
    assert!(matches!(other, Next::Start(_)));
}

#[tokio::test]
async fn of_many_at_once_one_starts() {
    let ground = ground().await;
    let now = ground.souk.clock.now();
    let attempts = (0..8).map(|_| ground.begin("k", "hash", now));
    let results = futures_util::future::join_all(attempts).await;
    let started = results.iter().filter(|r| matches!(r, Ok(Next::Start(_)))).count();
    let refused =
        results.iter().filter(|r| matches!(r, Err(e) if e.code() == Some("idempotency_in_progress"))).count();
    assert_eq!((started, refused), (1, 7));
}

#[tokio::test]
async fn old_keys_are_forgotten() {
    let ground = ground().await;
    ground.start("old", "hash", ground.souk.clock.now()).await;
    ground.souk.clock.advance(KEPT_HOURS * 3_600 + 1);
    ground.start("new", "hash", ground.souk.clock.now()).await;
    assert_eq!(purge(&ground.souk).await.unwrap(), 1);
}

#[test]
fn the_hash_is_of_the_request_as_understood() {
    let a = request_hash(&serde_json::json!({"a": 1, "b": [2]})).unwrap();
    assert_eq!(a, request_hash(&serde_json::json!({"b": [2], "a": 1})).unwrap());
    assert_ne!(a, request_hash(&serde_json::json!({"a": 1, "b": [3]})).unwrap());
}
