//! Durable tasks, written in the transaction that calls for them and run by any worker, at least once.
//!
//! A job is known by its kind and subject: enqueueing it again while it waits changes nothing, so that whoever is
//! not sure simply enqueues. Every job is idempotent by itself.

pub(crate) mod run;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;
use souk_domain::ids::JobId;
use souk_domain::job::JobKind;
use souk_domain::people::Scope;

use crate::audit;
use crate::entity::jobs;
use crate::error::{Error, Result};
use crate::page::{Listed, Page};
use crate::souk::Souk;

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

/// Marks a job as done because what it was for has been done.
pub async fn finish<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    kind: JobKind,
    subject: impl ToString,
    now: DateTime<Utc>,
) -> Result<()> {
    jobs::Entity::update_many()
        .col_expr(jobs::Column::Status, Expr::value("done"))
        .col_expr(jobs::Column::FinishedAt, Expr::value(now))
        .filter(jobs::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(jobs::Column::Kind.eq(kind.as_str()))
        .filter(jobs::Column::Subject.eq(subject.to_string()))
        .filter(jobs::Column::Status.eq("pending"))
        .exec(db)
        .await?;
    Ok(())
}

/// Lets a job that waits for its time run now; writes it where it does not exist or was done before.
pub async fn hasten<C: ConnectionTrait>(db: &C, scope: &Scope, job: NewJob) -> Result<()> {
    let now = job.run_at;
    let (kind, subject) = (job.kind, job.subject.clone());
    enqueue(db, scope, now, vec![job]).await?;
    jobs::Entity::update_many()
        .col_expr(jobs::Column::Status, Expr::value("pending"))
        .col_expr(jobs::Column::RunAt, Expr::value(now))
        .filter(jobs::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(jobs::Column::Kind.eq(kind.as_str()))
        .filter(jobs::Column::Subject.eq(subject))
        .filter(jobs::Column::Status.eq("done").or(jobs::Column::RunAt.gt(now)))
        .exec(db)
        .await?;
    Ok(())
}

/// A job as admins see it.
#[derive(Debug, Clone)]
pub struct JobShown {
    /// `job_…`
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// `pending`, `done` or `dead`.
    pub status: String,
    /// How often it was begun.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it runs next.
    pub run_at: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A tenant's jobs, the newest first.
pub async fn list(souk: &Souk, scope: &Scope, status: Option<&str>, page: Page) -> Result<Listed<JobShown>> {
    let mut query = jobs::Entity::find().filter(jobs::Column::TenantId.eq(scope.tenant.uuid()));
    if let Some(status) = status {
        query = query.filter(jobs::Column::Status.eq(status));
    }
    if let Some(after) = page.after {
        query = query.filter(jobs::Column::Id.lt(after));
    }
    let rows = query.order_by_desc(jobs::Column::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let show = |row: jobs::Model| JobShown {
        id: row.id.into(),
        kind: row.kind,
        subject: row.subject,
        status: row.status,
        attempts: row.attempts,
        last_error: row.last_error,
        run_at: row.run_at,
        created_at: row.created_at,
        finished_at: row.finished_at,
    };
    Ok(Listed::cut(rows, page).map(show))
}

/// Lets a job run again now: a dead one, or one that waits.
pub async fn retry(souk: &Souk, scope: &Scope, id: JobId) -> Result<()> {
    let now = souk.clock.now();
    let tx = souk.db.begin(scope).await?;
    let changed = jobs::Entity::update_many()
        .col_expr(jobs::Column::Status, Expr::value("pending"))
        .col_expr(jobs::Column::Attempts, Expr::value(0))
        .col_expr(jobs::Column::RunAt, Expr::value(now))
        .filter(jobs::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(jobs::Column::Id.eq(id.uuid()))
        .filter(jobs::Column::Status.ne("done"))
        .exec(tx.connection())
        .await?
        .rows_affected;
    if changed == 0 {
        let exists =
            jobs::Entity::find_by_id((scope.tenant.uuid(), id.uuid())).one(tx.connection()).await?.is_some();
        let done = Error::conflict("job_done", "This job has been done; there is nothing to retry.");
        return Err(if exists { done } else { Error::not_found("job") });
    }
    audit::record(tx.connection(), &souk.clock, scope, "job.retry", id.to_string(), Value::Null).await?;
    tx.commit().await?;
    souk.live.work_arrived();
    Ok(())
}
