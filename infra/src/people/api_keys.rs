//! A tenant's API keys: programs that act as a tenant admin. Shown once, stored as a hash.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;
use souk_domain::ids::ApiKeyId;
use souk_domain::people::Scope;
use souk_domain::text;

use super::secret;
use crate::entity::api_keys as table;
use crate::error::{Error, Result};
use crate::souk::Souk;

/// How every API key begins.
pub const PREFIX: &str = "sk_souk_";

/// Makes a key and hands it out for the only time.
pub async fn create(souk: &Souk, scope: &Scope, name: &str) -> Result<(ApiKeyId, String)> {
    let name = text::bounded(name, 1, 100).map_err(|e| Error::invalid("/name", e))?;
    let (id, key) = (ApiKeyId::new(), format!("{PREFIX}{}", secret::random()));
    let row = table::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(id.uuid()),
        name: Set(name),
        key_hash: Set(secret::hash(&key)),
        created_at: Set(souk.clock.now()),
        revoked_at: Set(None),
    };
    let tx = souk.db.begin(scope).await?;
    table::Entity::insert(row).exec_without_returning(&*tx).await?;
    crate::audit::record(&*tx, &souk.clock, scope, "api_key.created", id.to_string(), json!({})).await?;
    tx.commit().await?;
    Ok((id, key))
}

/// The key's id, if it is a key of this tenant that was not revoked.
pub async fn find(souk: &Souk, scope: &Scope, key: &str) -> Result<Option<ApiKeyId>> {
    if !key.starts_with(PREFIX) {
        return Ok(None);
    }
    let row = table::Entity::find()
        .filter(table::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(table::Column::KeyHash.eq(secret::hash(key)))
        .filter(table::Column::RevokedAt.is_null())
        .one(souk.db.read(scope))
        .await?;
    Ok(row.map(|row| row.id.into()))
}
