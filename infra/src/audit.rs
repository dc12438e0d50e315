//! The audit log: who did what to what, written in the transaction that did it.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;
use serde_json::Value;
use souk_domain::ids::AuditId;
use souk_domain::people::Scope;

use crate::clock::Clock;
use crate::entity::audit_log;
use crate::error::Result;
use crate::page::{Listed, Page};
use crate::souk::Souk;

/// One entry as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// `user`, `api_key`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Who; empty where the kind says it all.
    pub actor: String,
    /// What was done, such as `seller.suspend`.
    pub action: String,
    /// To what, by its id.
    pub subject: String,
    /// What else there is to know.
    pub detail: Value,
    /// The request that did it, if one did.
    pub request_id: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// The tenant's entries, the newest first; of one subject where that is asked for.
pub async fn list(
    souk: &Souk,
    scope: &Scope,
    subject: Option<&str>,
    page: Page,
) -> Result<Listed<AuditEntry>> {
    use audit_log::Column as C;
    let mut query = audit_log::Entity::find().filter(C::TenantId.eq(scope.tenant.uuid()));
    if let Some(subject) = subject {
        query = query.filter(C::Subject.eq(subject));
    }
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    Ok(Listed::cut(rows, page).map(|row| AuditEntry {
        id: row.id.into(),
        actor_kind: row.actor_kind,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
        request_id: row.request_id,
        created_at: row.created_at,
    }))
}

/// Writes one entry. `detail` must hold no secret and no personal data beyond ids.
pub async fn record<C: ConnectionTrait>(
    db: &C,
    clock: &Clock,
    scope: &Scope,
    action: &str,
    subject: String,
    detail: Value,
) -> Result<()> {
    let (actor_kind, actor) = scope.actor.parts();
    let row = audit_log::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(AuditId::new().uuid()),
        actor_kind: Set(actor_kind.to_owned()),
        actor: Set(actor),
        action: Set(action.to_owned()),
        subject: Set(subject),
        detail: Set(detail),
        request_id: Set(crate::souk::current_request_id()),
        created_at: Set(clock.now()),
    };
    audit_log::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}
