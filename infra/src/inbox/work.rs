//! Working the inbox off: leases, batches, back-off, dead letters.

use std::collections::BTreeMap;

use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::ids::{EventId, TenantId};
use souk_domain::people::Scope;
use souk_domain::retry::{MAX_ATTEMPTS, delay};
use uuid::Uuid;

use crate::confirm::{Confirmed, Fact, confirm};
use crate::entity::webhook_events;
use crate::error::{Error, Result};
use crate::events::{self, Meaning};
use crate::pause;
use crate::souk::Souk;

/// How long a worker may take over what it leased before another takes it for dead. Working on something twice is
/// harmless, a buyer who waits is not: so this is short.
const LEASE: Duration = Duration::seconds(20);

/// Takes up to `most` due events of any tenant, the oldest first.
pub(crate) async fn lease(souk: &Souk, most: u64) -> Result<Vec<webhook_events::Model>> {
    use webhook_events::Column as C;
    let now = souk.clock.now();
    let due = webhook_events::Entity::find().filter(C::Status.eq("pending")).filter(C::RunAt.lte(now));
    if due.clone().limit(1).one(souk.db.unscoped()).await?.is_none() {
        return Ok(Vec::new());
    }
    let tx = souk.db.begin_unscoped().await?;
    let rows = due
        .order_by_asc(C::RunAt)
        .order_by_asc(C::Id)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx.connection())
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if !ids.is_empty() {
        webhook_events::Entity::update_many()
            .col_expr(C::RunAt, Expr::value(now + LEASE))
            .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
            .filter(C::TenantId.is_in(rows.iter().map(|row| row.tenant_id)))
            .filter(C::Id.is_in(ids))
            .exec(tx.connection())
            .await?;
    }
    tx.commit().await?;
    Ok(rows)
}

/// Works off what was leased: all payments of a tenant in one batch, everything else one by one.
pub(crate) async fn work(souk: &Souk, leased: Vec<webhook_events::Model>) -> Result<()> {
    let mut by_tenant: BTreeMap<Uuid, Vec<webhook_events::Model>> = BTreeMap::new();
    for row in leased {
        by_tenant.entry(row.tenant_id).or_default().push(row);
    }
    pause::at("inbox.leased").await;
    for (tenant, rows) in by_tenant {
        let scope = Scope::system(TenantId::from(tenant));
        let mut facts = Vec::new();
        let mut of_fact = Vec::new();
        for row in rows {
            match events::interpret(souk, &scope, &row).await {
                Ok(Meaning::Evidence(evidence)) => {
                    facts.push(Fact { evidence: *evidence, event: Some(EventId::from(row.id)) });
                    of_fact.push(row);
                }
                Ok(Meaning::Ignored(reason)) => finish(souk, &scope, &row, "ignored", Some(&reason)).await?,
                Ok(Meaning::Action(action)) => match events::act(souk, &scope, action).await {
                    Ok(()) => finish(souk, &scope, &row, "done", None).await?,
                    Err(error) => failed(souk, &scope, &row, &error).await?,
                },
                Err(error) => failed(souk, &scope, &row, &error).await?,
            }
        }
        if facts.is_empty() {
            continue;
        }
        let outcomes = confirm(souk, &scope, &facts).await;
        for (row, outcome) in of_fact.iter().zip(outcomes) {
            match outcome {
                // Confirm has finished the event in its own transaction.
                Ok(Confirmed::Now(_) | Confirmed::Before) => {}
                Ok(Confirmed::Unknown) => {
                    let reason = "souk has no such payment, or it lives on another account";
                    finish(souk, &scope, row, "ignored", Some(reason)).await?;
                }
                Err(error) => failed(souk, &scope, row, &error).await?,
            }
        }
    }
    Ok(())
}

async fn finish(
    souk: &Souk,
    scope: &Scope,
    row: &webhook_events::Model,
    status: &str,
    reason: Option<&str>,
) -> Result<()> {
    tracing::debug!(event = row.provider_event, kind = row.event_type, status, reason, "webhook");
    webhook_events::Entity::update_many()
        .col_expr(webhook_events::Column::Status, Expr::value(status))
        .col_expr(webhook_events::Column::Reason, Expr::value(reason))
        .col_expr(webhook_events::Column::FinishedAt, Expr::value(souk.clock.now()))
        .filter(webhook_events::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(webhook_events::Column::Id.eq(row.id))
        .exec(souk.db.read(scope))
        .await?;
    Ok(())
}

/// Back to the queue, or dead where an admin can read the reason and replay it.
async fn failed(souk: &Souk, scope: &Scope, row: &webhook_events::Model, error: &Error) -> Result<()> {
    let attempts = i32::try_from(row.attempts + 1).unwrap_or(i32::MAX);
    let dead = attempts >= MAX_ATTEMPTS || !error.may_heal();
    tracing::warn!(event = row.provider_event, kind = row.event_type, attempts, dead, %error, "webhook failed");
    if dead {
        return finish(souk, scope, row, "dead", Some(&error.to_string())).await;
    }
    webhook_events::Entity::update_many()
        .col_expr(webhook_events::Column::Reason, Expr::value(error.to_string()))
        .col_expr(
            webhook_events::Column::RunAt,
            Expr::value(souk.clock.now() + delay(attempts, rand::random())),
        )
        .filter(webhook_events::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(webhook_events::Column::Id.eq(row.id))
        .exec(souk.db.read(scope))
        .await?;
    Ok(())
}
