//! The inbox: every webhook whose signature was right, stored before it is answered and worked on afterwards.
//!
//! Nothing but the one INSERT happens before the answer. Deduplication is a unique key, not a cache: providers
//! deliver again for days.

pub mod signature;
pub(crate) mod work;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use souk_domain::ids::EventId;
use souk_domain::payment::Provider;
use souk_domain::people::Scope;

use crate::audit;
use crate::entity::webhook_events;
use crate::error::{Error, Result};
use crate::page::{Listed, Page};
use crate::pause;
use crate::souk::Souk;

/// Which of a provider's two endpoints an event came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// What happens on the platform's own account.
    Platform,
    /// What happens on connected accounts.
    Connect,
}

impl Endpoint {
    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Connect => "connect",
        }
    }

    /// Every event type that souk needs to hear of at this endpoint. With direct charges the sale itself is reported
    /// to the connect endpoint.
    pub fn needed_events(self) -> &'static [&'static str] {
        const SALES: [&str; 8] = [
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
            "payment_intent.payment_failed",
            "refund.created",
            "refund.updated",
            "refund.failed",
        ];
        match self {
            Self::Platform => &SALES,
            Self::Connect => &[
                SALES[0],
                SALES[1],
                SALES[2],
                SALES[3],
                SALES[4],
                SALES[5],
                SALES[6],
                SALES[7],
                "account.updated",
                "capability.updated",
                "account.external_account.created",
                "account.external_account.updated",
                "account.external_account.deleted",
                "account.application.deauthorized",
            ],
        }
    }
}

/// An event's envelope, read leniently: a body that is not what is expected is kept all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The provider's id of the event.
    pub id: String,
    /// The provider's type of the event.
    pub event_type: String,
    /// The connected account that it is of.
    pub account: Option<String>,
    /// Whether it is of live mode.
    pub livemode: bool,
    /// The version that it was rendered in.
    pub api_version: Option<String>,
    /// When it happened.
    pub created: DateTime<Utc>,
}

impl Envelope {
    /// Reads the envelope of a Stripe event. Where there is no id, the digest of the body stands for it, so that the
    /// event is still stored, and once.
    pub fn read(body: &str, now: DateTime<Utc>) -> Self {
        use sha2::{Digest, Sha256};
        let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        let text = |name: &str| {
            value[name].as_str().map(|text| storable(&text.chars().take(255).collect::<String>()))
        };
        Self {
            id: text("id").unwrap_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(body)))),
            event_type: text("type").unwrap_or_else(|| "undecodable".to_owned()),
            account: text("account"),
            livemode: value["livemode"].as_bool().unwrap_or(false),
            api_version: text("api_version"),
            created: value["created"]
                .as_i64()
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
                .unwrap_or(now),
        }
    }
}

/// PostgreSQL's texts hold no zero byte; an event that has one is kept all the same.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Stores an event; returns when it is durable. False where it had been stored before.
pub async fn append(souk: &Souk, scope: &Scope, endpoint: Endpoint, body: &str) -> Result<bool> {
    let now = souk.clock.now();
    let envelope = Envelope::read(body, now);
    let row = webhook_events::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(EventId::new().uuid()),
        provider: Set(Provider::Stripe.to_string()),
        endpoint: Set(endpoint.as_str().to_owned()),
        provider_event: Set(envelope.id.clone()),
        event_type: Set(envelope.event_type.clone()),
        account: Set(envelope.account),
        livemode: Set(envelope.livemode),
        api_version: Set(envelope.api_version),
        body: Set(storable(body)),
        status: Set("pending".to_owned()),
        reason: Set(None),
        attempts: Set(0),
        run_at: Set(now),
        occurred_at: Set(envelope.created),
        received_at: Set(now),
        finished_at: Set(None),
    };
    use webhook_events::Column as C;
    let once = OnConflict::columns([C::TenantId, C::Provider, C::ProviderEvent]).do_nothing().to_owned();
    let written = webhook_events::Entity::insert(row)
        .on_conflict(once)
        .exec_without_returning(souk.db.read(scope))
        .await?;
    pause::at("inbox.stored").await;
    let new = written > 0;
    tracing::info!(
        event = envelope.id,
        kind = envelope.event_type,
        endpoint = endpoint.as_str(),
        new,
        "webhook stored"
    );
    if new {
        souk.live.work_arrived();
    }
    Ok(new)
}

/// An event as admins see it; its payload is not shown.
#[derive(Debug, Clone)]
pub struct EventShown {
    /// `evt_…`, souk's own.
    pub id: EventId,
    /// Who sent it.
    pub provider: String,
    /// `platform` or `connect`.
    pub endpoint: String,
    /// The provider's id.
    pub provider_event_id: String,
    /// The provider's type.
    pub event_type: String,
    /// The connected account.
    pub account: Option<String>,
    /// Whether it is of live mode.
    pub livemode: bool,
    /// The version that it was rendered in.
    pub api_version: Option<String>,
    /// `pending`, `done`, `ignored` or `dead`.
    pub status: String,
    /// Why it was ignored, or why the last attempt failed.
    pub reason: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// When it was done with.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A tenant's events, the newest first.
pub async fn list(
    souk: &Souk,
    scope: &Scope,
    status: Option<&str>,
    page: Page,
) -> Result<Listed<EventShown>> {
    use webhook_events::Column as C;
    let mut query = webhook_events::Entity::find().filter(C::TenantId.eq(scope.tenant.uuid()));
    if let Some(status) = status {
        query = query.filter(C::Status.eq(status));
    }
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    Ok(Listed::cut(rows, page).map(shown))
}

fn shown(row: webhook_events::Model) -> EventShown {
    EventShown {
        id: row.id.into(),
        provider: row.provider,
        endpoint: row.endpoint,
        provider_event_id: row.provider_event,
        event_type: row.event_type,
        account: row.account,
        livemode: row.livemode,
        api_version: row.api_version,
        status: row.status,
        reason: row.reason,
        attempts: row.attempts,
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        finished_at: row.finished_at,
    }
}

/// Has an event worked on again, whatever its status: every handler is idempotent.
pub async fn replay(souk: &Souk, scope: &Scope, event: EventId) -> Result<()> {
    let tx = souk.db.begin(scope).await?;
    let changed = webhook_events::Entity::update_many()
        .col_expr(webhook_events::Column::Status, Expr::value("pending"))
        .col_expr(webhook_events::Column::Attempts, Expr::value(0))
        .col_expr(webhook_events::Column::RunAt, Expr::value(souk.clock.now()))
        .filter(webhook_events::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(webhook_events::Column::Id.eq(event.uuid()))
        .exec(tx.connection())
        .await?
        .rows_affected;
    if changed == 0 {
        return Err(Error::not_found("webhook event"));
    }
    audit::record(tx.connection(), &souk.clock, scope, "webhook.replay", event.to_string(), Value::Null)
        .await?;
    tx.commit().await?;
    souk.live.work_arrived();
    Ok(())
}
