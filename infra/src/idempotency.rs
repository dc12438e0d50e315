//! Idempotency keys as a type: a caller who repeats a request gets the first answer again, never a second payment.
//!
//! The row is written in the caller's own first transaction, so that the key and the work it stands for exist
//! together or not at all. While an attempt runs the row is locked until a moment that the caller chooses; an
//! attempt that died leaves a lock that runs out, and the next one resumes with the subject the first had made.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, UpdateMany};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use souk_domain::people::{Actor, Scope};
use uuid::Uuid;

use crate::db::Tx;
use crate::entity::idempotency_keys as table;
use crate::error::{Error, Result};
use crate::souk::Souk;

/// How long an answer is kept, in hours.
pub const KEPT_HOURS: i64 = 48;

/// What the caller does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Nobody used this key: do the work, then [`Attempt::complete`].
    Start(Attempt),
    /// An earlier attempt died. Go on with what it had made, if it had made anything.
    Resume {
        /// The key, now locked by this attempt.
        attempt: Attempt,
        /// What [`Attempt::set_subject`] kept.
        subject: Option<Uuid>,
    },
    /// The first answer, to be given again.
    Replay {
        /// Its HTTP status.
        status: u16,
        /// Its body.
        body: Value,
    },
}

/// A key that this attempt holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    scope: Scope,
    actor: String,
    operation: &'static str,
    key: String,
    locked_until: DateTime<Utc>,
}

/// The hash of a request, by which a reused key is told from a repeated request. `request` must be what was asked
/// for, after parsing: two spellings of one request are the same request.
pub fn request_hash<T: Serialize>(request: &T) -> Result<String> {
    let bytes = serde_json::to_vec(request).map_err(|e| Error::Internal(format!("request hash: {e}")))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

/// Takes the key for `lock_for`, or says what to do instead.
///
/// Refuses with 422 `idempotency_key_reused` where the key stands for another request, and with 409
/// `idempotency_in_progress` while the first attempt runs.
pub async fn begin(
    tx: &Tx,
    scope: &Scope,
    operation: &'static str,
    key: &str,
    request_hash: &str,
    now: DateTime<Utc>,
    lock_for: Duration,
) -> Result<Next> {
    let attempt = Attempt {
        scope: *scope,
        actor: actor_text(scope.actor),
        operation,
        key: key.to_owned(),
        locked_until: now + lock_for,
    };
    if attempt.insert(tx, request_hash, now).await? {
        return Ok(Next::Start(attempt));
    }
    let row = table::Entity::find_by_id(attempt.primary_key()).one(&**tx).await?;
    let row = row.ok_or_else(in_progress)?;
    if row.request_hash != request_hash {
        return Err(Error::unprocessable(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
        ));
    }
    if let (Some(status), Some(body)) = (row.status, row.body) {
        let status = u16::try_from(status)
            .map_err(|_| Error::Corrupt(format!("idempotency_keys.status holds {status}")))?;
        return Ok(Next::Replay { status, body });
    }
    // The condition is part of the UPDATE: of two that find the lock run out, one gets the row.
    let taken = attempt
        .update()
        .col_expr(table::Column::LockedUntil, Expr::value(attempt.locked_until))
        .filter(table::Column::Status.is_null())
        .filter(table::Column::LockedUntil.lte(now))
        .exec(&**tx)
        .await?;
    if taken.rows_affected == 1 {
        Ok(Next::Resume { attempt, subject: row.subject })
    } else {
        Err(in_progress())
    }
}

impl Attempt {
    /// Remembers what the work is about (the order, the refund), so that a later attempt can go on with it.
    pub async fn set_subject<C: ConnectionTrait>(&self, db: &C, subject: Uuid) -> Result<()> {
        self.held(self.update().col_expr(table::Column::Subject, Expr::value(subject)), db).await
    }

    /// Keeps the answer. From now on it is given again to the same key and request.
    pub async fn complete<C: ConnectionTrait>(&self, db: &C, status: u16, body: &Value) -> Result<()> {
        let update = self
            .update()
            .col_expr(table::Column::Status, Expr::value(i64::from(status)))
            .col_expr(table::Column::Body, Expr::value(body.clone()));
        self.held(update, db).await
    }

    /// Lets another attempt take over at once, for work that could not be finished now but goes on.
    pub async fn pause<C: ConnectionTrait>(&self, db: &C, now: DateTime<Utc>) -> Result<()> {
        self.held(self.update().col_expr(table::Column::LockedUntil, Expr::value(now)), db).await
    }

    /// Lets go of the key because nothing was changed (a refusal), so that the same key may be tried again.
    pub async fn abandon<C: ConnectionTrait>(&self, db: &C) -> Result<()> {
        use table::Column as C;
        table::Entity::delete_many()
            .filter(C::TenantId.eq(self.scope.tenant.uuid()))
            .filter(C::Actor.eq(self.actor.as_str()))
            .filter(C::Operation.eq(self.operation))
            .filter(C::Key.eq(self.key.as_str()))
            .filter(C::LockedUntil.eq(self.locked_until))
            .filter(C::Status.is_null())
            .exec(db)
            .await?;
        Ok(())
    }

    async fn insert(&self, tx: &Tx, request_hash: &str, now: DateTime<Utc>) -> Result<bool> {
        use table::Column as C;
        let row = table::ActiveModel {
            tenant_id: Set(self.scope.tenant.uuid()),
            actor: Set(self.actor.clone()),
            operation: Set(self.operation.to_owned()),
            key: Set(self.key.clone()),
            request_hash: Set(request_hash.to_owned()),
            subject: Set(None),
            status: Set(None),
            body: Set(None),
            locked_until: Set(self.locked_until),
            created_at: Set(now),
        };
        let known =
            OnConflict::columns([C::TenantId, C::Actor, C::Operation, C::Key]).do_nothing().to_owned();
        let inserted = table::Entity::insert(row).on_conflict(known).exec_without_returning(&**tx).await?;
        Ok(inserted == 1)
    }

    fn primary_key(&self) -> (Uuid, String, String, String) {
        (self.scope.tenant.uuid(), self.actor.clone(), self.operation.to_owned(), self.key.clone())
    }

    fn update(&self) -> UpdateMany<table::Entity> {
        use table::Column as C;
        table::Entity::update_many()
            .filter(C::TenantId.eq(self.scope.tenant.uuid()))
            .filter(C::Actor.eq(self.actor.as_str()))
            .filter(C::Operation.eq(self.operation))
            .filter(C::Key.eq(self.key.as_str()))
    }

    /// Writes only while this attempt still holds the key: one whose lock ran out and was taken over has no say.
    async fn held<C: ConnectionTrait>(&self, update: UpdateMany<table::Entity>, db: &C) -> Result<()> {
        let done = update.filter(table::Column::LockedUntil.eq(self.locked_until)).exec(db).await?;
        if done.rows_affected == 1 { Ok(()) } else { Err(in_progress()) }
    }
}

/// Forgets keys older than [`KEPT_HOURS`] in all tenants; says how many.
pub async fn purge(souk: &Souk) -> Result<u64> {
    let oldest = souk.clock.now() - Duration::hours(KEPT_HOURS);
    let done = table::Entity::delete_many()
        .filter(table::Column::CreatedAt.lt(oldest))
        .exec(souk.db.unscoped())
        .await?;
    Ok(done.rows_affected)
}

/// Each caller has keys of their own; those whom nobody knows share one room, where the request's hash tells them
/// apart.
fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::Anonymous => "anonymous".to_owned(),
        known => known.parts().1,
    }
}

fn in_progress() -> Error {
    Error::conflict(
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still running.",
    )
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;
