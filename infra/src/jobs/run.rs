//! Leasing jobs and running them.

use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::ids::TenantId;
use souk_domain::job::JobKind;
use souk_domain::people::Scope;
use souk_domain::retry::{MAX_ATTEMPTS, delay};
use tracing::Instrument;
use uuid::Uuid;

use crate::checkout;
use crate::entity::jobs;
use crate::error::{Error, Result, stored};
use crate::souk::Souk;
use crate::{mail, payments, refunds, sellers};

/// How long a worker may take over one job before another takes it for dead. Doing it twice is harmless.
const LEASE: Duration = Duration::seconds(30);

/// Takes up to `most` due jobs of any tenant by moving their `run_at` into the future: who crashes leaves them to be
/// found again.
pub(crate) async fn lease(souk: &Souk, most: u64) -> Result<Vec<jobs::Model>> {
    let now = souk.clock.now();
    let due =
        jobs::Entity::find().filter(jobs::Column::Status.eq("pending")).filter(jobs::Column::RunAt.lte(now));
    // A look without a lock first: an idle worker takes no write lock.
    if due.clone().limit(1).one(souk.db.unscoped()).await?.is_none() {
        return Ok(Vec::new());
    }
    let tx = souk.db.begin_unscoped().await?;
    let rows = due
        .order_by_asc(jobs::Column::RunAt)
        .order_by_asc(jobs::Column::Id)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx.connection())
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if !ids.is_empty() {
        jobs::Entity::update_many()
            .col_expr(jobs::Column::RunAt, Expr::value(now + LEASE))
            .col_expr(jobs::Column::Attempts, Expr::col(jobs::Column::Attempts).add(1))
            .filter(jobs::Column::TenantId.is_in(rows.iter().map(|row| row.tenant_id)))
            .filter(jobs::Column::Id.is_in(ids))
            .exec(tx.connection())
            .await?;
    }
    tx.commit().await?;
    Ok(rows)
}

/// Runs one leased job and notes how it went.
pub(crate) async fn run(souk: &Souk, job: jobs::Model) -> Result<()> {
    let scope = Scope::system(TenantId::from(job.tenant_id));
    let span = tracing::info_span!("job", kind = job.kind, subject = job.subject, attempt = job.attempts + 1);
    let outcome = perform(souk, &scope, &job).instrument(span.clone()).await;
    let now = souk.clock.now();
    let attempts = i32::try_from(job.attempts + 1).unwrap_or(i32::MAX);
    let mut update = jobs::Entity::update_many();
    match outcome {
        Ok(()) => {
            update = update
                .col_expr(jobs::Column::Status, Expr::value("done"))
                .col_expr(jobs::Column::FinishedAt, Expr::value(now));
        }
        Err(error) => {
            let dead = attempts >= MAX_ATTEMPTS || !error.may_heal();
            span.in_scope(|| tracing::warn!(%error, dead, "job failed"));
            update = update
                .col_expr(jobs::Column::Status, Expr::value(if dead { "dead" } else { "pending" }))
                .col_expr(jobs::Column::LastError, Expr::value(error.to_string()))
                .col_expr(jobs::Column::RunAt, Expr::value(now + delay(attempts, rand::random())));
        }
    }
    // Only while it is still ours: a job that was hastened or finished meanwhile has another `run_at` or status.
    update
        .filter(jobs::Column::TenantId.eq(job.tenant_id))
        .filter(jobs::Column::Id.eq(job.id))
        .filter(jobs::Column::Status.eq("pending"))
        .exec(souk.db.read(&scope))
        .await?;
    Ok(())
}

async fn perform(souk: &Souk, scope: &Scope, job: &jobs::Model) -> Result<()> {
    let kind: JobKind = stored("jobs.kind", &job.kind)?;
    match kind {
        JobKind::ReleaseHold => checkout::release_due(souk, scope, subject(job)?).await,
        JobKind::ResumeCheckout => checkout::resume(souk, scope, subject(job)?).await,
        JobKind::CapturePayment => payments::capture(souk, scope, subject(job)?).await,
        JobKind::CancelAuthorisation => payments::cancel_authorisation(souk, scope, subject(job)?).await,
        JobKind::SendRefund => refunds::send(souk, scope, subject(job)?).await,
        JobKind::OrderMail => mail::order(souk, scope, subject(job)?).await,
        JobKind::RefreshAccount => sellers::accounts::refresh_account(souk, scope, subject(job)?).await,
    }
}

fn subject<T: std::str::FromStr>(job: &jobs::Model) -> Result<T> {
    job.subject.parse().map_err(|_| Error::Corrupt(format!("jobs.subject holds {:?}", job.subject)))
}
