//! Sellers, catalogue, fees and promotions over a database of their own: a SQLite file, or one on the server that
//! `SOUK_TEST_POSTGRES_URL` names where `SOUK_TEST_DATABASE` says `postgres`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod catalogue;
mod fees;
mod promotions;
mod sellers;

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, EntityTrait, QuerySelect};
use souk_domain::ids::{OrderId, SellerId, SlotId, TenantId, UserId};
use souk_domain::money::{Currency, Money};
use souk_domain::payment::{CaptureMode, ChargeModel};
use souk_domain::people::{Actor, Scope};
use souk_domain::seller::{AccountSnapshot, Requirements};
use souk_infra::catalogue::listings::{self, ListingView, NewListing};
use souk_infra::catalogue::slots::{self, NewSlot, SlotView};
use souk_infra::db::{Db, Tx};
use souk_infra::entity::{connected_accounts, orders, slot_holds, slots as slot_rows, users};
use souk_infra::sellers::{NewSeller, SellerView, accounts};
use souk_infra::tenants::{self, Tenant};
use souk_infra::{Settings, Souk};

/// A marketplace in a file that goes when this goes.
struct Market {
    souk: Souk,
    scope: Scope,
    _dir: tempfile::TempDir,
}

impl Market {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::connect(&database(&dir).await).await.unwrap();
        db.migrate().await.unwrap();
        let settings = Settings {
            jwt_secret: "a secret that is long enough for anything".to_owned(),
            encryption_key: "another secret that is long enough".to_owned(),
        };
        let souk = Souk::new(db, settings);
        let scope = tenant(&souk, "one").await;
        Self { souk, scope, _dir: dir }
    }

    /// A second marketplace in the same database.
    async fn neighbour(&self) -> Scope {
        tenant(&self.souk, "two").await
    }

    async fn seller(&self, charge_model: Option<ChargeModel>) -> SellerView {
        let new =
            NewSeller { display_name: "Ann's kitchen".to_owned(), country: "de".to_owned(), charge_model };
        souk_infra::sellers::create(&self.souk, &self.scope, new).await.unwrap()
    }

    /// A seller that may sell.
    async fn active_seller(&self) -> SellerId {
        let seller = self.seller(None).await.id;
        let account = self.connect(seller).await;
        let ready = self.snapshot(&account, true, 1);
        assert!(accounts::apply_account(&self.souk, &self.scope, &ready).await.unwrap());
        seller
    }

    /// Gives a seller an account about which nothing is known yet.
    async fn connect(&self, seller: SellerId) -> String {
        let account = format!("acct_{}", &seller.to_string()[4..]);
        let row = connected_accounts::ActiveModel {
            tenant_id: Set(self.scope.tenant.uuid()),
            seller_id: Set(seller.uuid()),
            provider: Set("stripe".to_owned()),
            account: Set(account.clone()),
            charges_enabled: Set(false),
            payouts_enabled: Set(false),
            details_submitted: Set(false),
            transfers_active: Set(false),
            requirements: Set(
                serde_json::json!({"currently_due": [], "past_due": [], "disabled_reason": null}),
            ),
            default_currency: Set(None),
            as_of: Set(self.souk.clock.now()),
            created_at: Set(self.souk.clock.now()),
        };
        connected_accounts::Entity::insert(row)
            .exec_without_returning(self.souk.db.unscoped())
            .await
            .unwrap();
        account
    }

    /// What the provider says some seconds from now.
    fn snapshot(&self, account: &str, ready: bool, seconds: i64) -> AccountSnapshot {
        AccountSnapshot {
            id: account.to_owned(),
            charges_enabled: ready,
            payouts_enabled: ready,
            details_submitted: true,
            transfers_active: ready,
            requirements: Requirements::default(),
            country: Some("DE".to_owned()),
            default_currency: Some("eur".to_owned()),
            as_of: self.souk.clock.now() + Duration::seconds(seconds),
        }
    }

    async fn listing(&self, seller: SellerId) -> ListingView {
        listings::create(&self.souk, &self.scope, seller, dinner()).await.unwrap()
    }

    async fn slot(&self, listing: &ListingView, days: i64, capacity: i64) -> SlotView {
        let new = self.new_slot(days, capacity);
        slots::create(&self.souk, &self.scope, listing.seller_id, listing.id, new).await.unwrap()
    }

    fn new_slot(&self, days: i64, capacity: i64) -> NewSlot {
        let starts_at = self.in_days(days);
        let ends_at = starts_at + Duration::hours(2);
        NewSlot { starts_at: starts_at.to_rfc3339(), ends_at: ends_at.to_rfc3339(), capacity }
    }

    fn in_days(&self, days: i64) -> DateTime<Utc> {
        self.souk.clock.now() + Duration::days(days)
    }

    /// A buyer who takes one place if there is one, as a checkout does.
    async fn hold_if_free(&self, slot: SlotId) -> bool {
        let tx = self.souk.db.begin(&self.scope).await.unwrap();
        let key = (self.scope.tenant.uuid(), slot.uuid());
        let row = slot_rows::Entity::find_by_id(key).lock_exclusive().one(&*tx).await.unwrap().unwrap();
        let held = slot_holds::Entity::find().all(&*tx).await.unwrap();
        let held: i64 = held.iter().map(|hold| hold.quantity).sum();
        let free = row.sold + held < row.capacity;
        if free {
            self.write_hold(&tx, slot, 1).await;
        }
        tx.commit().await.unwrap();
        free
    }

    /// A buyer who holds places and has not paid.
    async fn hold(&self, slot: SlotId, quantity: i64) {
        let tx = self.souk.db.begin(&self.scope).await.unwrap();
        self.write_hold(&tx, slot, quantity).await;
        tx.commit().await.unwrap();
    }

    async fn write_hold(&self, tx: &Tx, slot: SlotId, quantity: i64) {
        let (now, order) = (self.souk.clock.now(), OrderId::new());
        let tenant = self.scope.tenant.uuid();
        let row = orders::ActiveModel {
            tenant_id: Set(tenant),
            id: Set(order.uuid()),
            status: Set("pending".to_owned()),
            review_reason: Set(None),
            buyer_id: Set(None),
            email: Set(None),
            seller_id: Set(None),
            charge_model: Set("direct".to_owned()),
            capture: Set("automatic".to_owned()),
            provider_codes: Set(false),
            promotion_id: Set(None),
            promotion_code: Set(None),
            currency: Set("usd".to_owned()),
            subtotal: Set(0),
            discount: Set(0),
            total: Set(0),
            application_fee: Set(0),
            refunded: Set(0),
            hold_expires_at: Set(now),
            paid_at: Set(None),
            created_at: Set(now),
            updated_at: Set(now),
        };
        orders::Entity::insert(row).exec_without_returning(&**tx).await.unwrap();
        let row = slot_holds::ActiveModel {
            tenant_id: Set(tenant),
            order_id: Set(order.uuid()),
            slot_id: Set(slot.uuid()),
            quantity: Set(quantity),
            expires_at: Set(now),
            created_at: Set(now),
        };
        slot_holds::Entity::insert(row).exec_without_returning(&**tx).await.unwrap();
    }
}

async fn database(dir: &tempfile::TempDir) -> String {
    if std::env::var("SOUK_TEST_DATABASE").as_deref() != Ok("postgres") {
        return format!("sqlite://{}", dir.path().join("souk.db").display());
    }
    let server = std::env::var("SOUK_TEST_POSTGRES_URL").expect("SOUK_TEST_POSTGRES_URL names a server");
    let name = format!("souk_{}", TenantId::new().uuid().simple());
    let connection = Database::connect(&server).await.unwrap();
    connection.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    connection.close().await.unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

async fn tenant(souk: &Souk, slug: &str) -> Scope {
    let id = TenantId::new();
    let tenant = Tenant {
        id,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        currency: Currency::USD,
        country: "US".to_owned(),
        charge_model: ChargeModel::Destination,
        public_url: format!("https://{slug}.example"),
        hold_seconds: 900,
        provider_codes: false,
        mixed_baskets: true,
    };
    tenants::create(souk, &tenant, &[&format!("{slug}.example")]).await.unwrap();
    let user = UserId::new();
    let row = users::ActiveModel {
        tenant_id: Set(id.uuid()),
        id: Set(user.uuid()),
        email: Set(format!("ann@{slug}.example")),
        name: Set(None),
        password_hash: Set("none".to_owned()),
        created_at: Set(souk.clock.now()),
    };
    users::Entity::insert(row).exec_without_returning(souk.db.unscoped()).await.unwrap();
    Scope { tenant: id, actor: Actor::User(user) }
}

fn dinner() -> NewListing {
    NewListing {
        title: "Dinner".to_owned(),
        description: String::new(),
        price: usd(2_500),
        timezone: Some("Europe/Berlin".to_owned()),
        capture: CaptureMode::Automatic,
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn code<T: std::fmt::Debug>(result: souk_infra::Result<T>) -> &'static str {
    result.unwrap_err().code().unwrap_or("no refusal")
}
