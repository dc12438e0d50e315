//! The audit log: who did what to what, written in the transaction that did it.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use serde_json::Value;
use souk_domain::ids::AuditId;
use souk_domain::people::Scope;

use crate::clock::Clock;
use crate::entity::audit_log;
use crate::error::Result;

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
