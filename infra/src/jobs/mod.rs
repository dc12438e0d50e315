//! Durable tasks, written in the transaction that calls for them and run by any worker, at least once.
//!
//! A job is known by its kind and subject: enqueueing it again while it waits changes nothing, so that whoever is
//! not sure simply enqueues. Every job is idempotent by itself.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use serde_json::Value;
use souk_domain::ids::JobId;
use souk_domain::job::JobKind;
use souk_domain::people::Scope;

use crate::entity::jobs;
use crate::error::Result;

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What is to be done.
    pub kind: JobKind,
    /// To what; with the kind it is unique.
    pub subject: String,
    /// What the job needs to know beyond its subject.
    pub payload: Value,
    /// Not before.
    pub run_at: DateTime<Utc>,
}

impl NewJob {
    /// A job for now, without a payload.
    pub fn new(kind: JobKind, subject: impl ToString, run_at: DateTime<Utc>) -> Self {
        Self { kind, subject: subject.to_string(), payload: Value::Null, run_at }
    }
}

/// Writes jobs in one statement; those that exist already stay as they are.
pub async fn enqueue<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    now: DateTime<Utc>,
    new: Vec<NewJob>,
) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = new.into_iter().map(|job| jobs::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(JobId::new().uuid()),
        kind: Set(job.kind.as_str().to_owned()),
        subject: Set(job.subject),
        payload: Set(job.payload),
        status: Set("pending".to_owned()),
        attempts: Set(0),
        last_error: Set(None),
        run_at: Set(job.run_at),
        created_at: Set(now),
        finished_at: Set(None),
    });
    let existing = OnConflict::columns([jobs::Column::TenantId, jobs::Column::Kind, jobs::Column::Subject])
        .do_nothing()
        .to_owned();
    jobs::Entity::insert_many(rows).on_conflict(existing).exec_without_returning(db).await?;
    Ok(())
}
