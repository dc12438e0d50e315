//! Tenants: which marketplace a host names, and its keys at the payment providers.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use souk_domain::ids::TenantId;
use souk_domain::money::Currency;
use souk_domain::payment::{ChargeModel, Provider};

use crate::entity::{tenant_gateways, tenant_hosts, tenants};
use crate::error::{Error, Result, stored};
use crate::souk::Souk;

/// One marketplace.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its short name.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The currency of its fee schedule and of new listings.
    pub currency: Currency,
    /// Its country, two upper-case letters.
    pub country: String,
    /// The charge model of sellers that have none of their own.
    pub charge_model: ChargeModel,
    /// Where its pages are, without a trailing slash.
    pub public_url: String,
    /// How long an unpaid order holds its seats, in seconds.
    pub hold_seconds: i64,
    /// Whether buyers may enter the provider's own promotion codes on its page.
    pub provider_codes: bool,
    /// Whether one order may have several sellers.
    pub mixed_baskets: bool,
}

/// A tenant's keys at one provider, in the clear. Never logged, never shown.
#[derive(Clone)]
pub struct GatewayKeys {
    /// The provider's API.
    pub api_base: String,
    /// Whether the keys are live ones.
    pub livemode: bool,
    /// The secret key.
    pub secret_key: String,
    /// The key that browsers may see.
    pub publishable_key: Option<String>,
    /// Secrets of the platform endpoint; several while rolling.
    pub webhook_secrets: Vec<String>,
    /// Secrets of the connect endpoint; several while rolling.
    pub connect_webhook_secrets: Vec<String>,
    /// When they last changed.
    pub updated_at: DateTime<Utc>,
}

impl std::fmt::Debug for GatewayKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayKeys")
            .field("api_base", &self.api_base)
            .field("livemode", &self.livemode)
            .finish_non_exhaustive()
    }
}

/// Makes a tenant and the hosts by which it is found. A host that another tenant has is a conflict.
pub async fn create(souk: &Souk, tenant: &Tenant, hosts: &[&str]) -> Result<()> {
    let now = souk.clock.now();
    let tx = souk.db.begin_unscoped().await?;
    let row = tenants::ActiveModel {
        id: Set(tenant.id.uuid()),
        slug: Set(tenant.slug.clone()),
        name: Set(tenant.name.clone()),
        currency: Set(tenant.currency.code()),
        country: Set(tenant.country.clone()),
        charge_model: Set(tenant.charge_model.to_string()),
        public_url: Set(tenant.public_url.clone()),
        hold_seconds: Set(tenant.hold_seconds),
        provider_codes: Set(tenant.provider_codes),
        mixed_baskets: Set(tenant.mixed_baskets),
        created_at: Set(now),
    };
    let taken = |error: Error| {
        let clash = error.is_unique_violation();
        if clash {
            Error::conflict("tenant_exists", "A tenant with this slug or host exists already.")
        } else {
            error
        }
    };
    tenants::Entity::insert(row).exec_without_returning(&*tx).await.map_err(|e| taken(e.into()))?;
    let rows = hosts.iter().map(|host| tenant_hosts::ActiveModel {
        host: Set(host.to_lowercase()),
        tenant_id: Set(tenant.id.uuid()),
        created_at: Set(now),
    });
    tenant_hosts::Entity::insert_many(rows)
        .exec_without_returning(&*tx)
        .await
        .map_err(|e| taken(e.into()))?;
    tx.commit().await
}

/// Says where a tenant's pages are now, without a trailing slash.
pub async fn set_public_url(souk: &Souk, tenant: TenantId, public_url: &str) -> Result<()> {
    tenants::Entity::update_many()
        .col_expr(tenants::Column::PublicUrl, Expr::value(public_url))
        .filter(tenants::Column::Id.eq(tenant.uuid()))
        .exec(souk.db.unscoped())
        .await?;
    Ok(())
}

/// The tenant that a host names; `host` is without its port.
pub async fn by_host(souk: &Souk, host: &str) -> Result<Option<Tenant>> {
    let db = souk.db.unscoped();
    let Some(row) = tenant_hosts::Entity::find_by_id(host.to_lowercase()).one(db).await? else {
        return Ok(None);
    };
    let tenant = tenants::Entity::find_by_id(row.tenant_id).one(db).await?;
    tenant.map(from_row).transpose()
}

/// A tenant by its id.
pub async fn by_id(souk: &Souk, id: TenantId) -> Result<Tenant> {
    let row = tenants::Entity::find_by_id(id.uuid()).one(souk.db.unscoped()).await?;
    from_row(row.ok_or_else(|| Error::not_found("tenant"))?)
}

/// A tenant by its slug.
pub async fn by_slug(souk: &Souk, slug: &str) -> Result<Option<Tenant>> {
    let row = tenants::Entity::find().filter(tenants::Column::Slug.eq(slug)).one(souk.db.unscoped()).await?;
    row.map(from_row).transpose()
}

/// Every tenant, the oldest first.
pub async fn all(souk: &Souk) -> Result<Vec<Tenant>> {
    let rows =
        tenants::Entity::find().order_by_asc(tenants::Column::CreatedAt).all(souk.db.unscoped()).await?;
    rows.into_iter().map(from_row).collect()
}

/// The hosts of a tenant.
pub async fn hosts(souk: &Souk, tenant: TenantId) -> Result<Vec<String>> {
    let rows = tenant_hosts::Entity::find()
        .filter(tenant_hosts::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(tenant_hosts::Column::Host)
        .all(souk.db.unscoped())
        .await?;
    Ok(rows.into_iter().map(|row| row.host).collect())
}

/// Stores a tenant's keys at a provider, replacing earlier ones.
pub async fn set_keys(souk: &Souk, tenant: TenantId, provider: Provider, keys: &GatewayKeys) -> Result<()> {
    let seal = |column: &str, clear: &str| souk.sealer.seal(&context(tenant, provider, column), clear);
    let row = tenant_gateways::ActiveModel {
        tenant_id: Set(tenant.uuid()),
        provider: Set(provider.to_string()),
        api_base: Set(keys.api_base.clone()),
        livemode: Set(keys.livemode),
        secret_key_sealed: Set(seal("secret_key", &keys.secret_key)?),
        publishable_key: Set(keys.publishable_key.clone()),
        webhook_secrets_sealed: Set(seal("webhook_secrets", &keys.webhook_secrets.join(","))?),
        connect_webhook_secrets_sealed: Set(seal(
            "connect_webhook_secrets",
            &keys.connect_webhook_secrets.join(","),
        )?),
        updated_at: Set(souk.clock.now()),
    };
    use tenant_gateways::Column as C;
    let replace = OnConflict::columns([C::TenantId, C::Provider])
        .update_columns([
            C::ApiBase,
            C::Livemode,
            C::SecretKeySealed,
            C::PublishableKey,
            C::WebhookSecretsSealed,
            C::ConnectWebhookSecretsSealed,
            C::UpdatedAt,
        ])
        .to_owned();
    tenant_gateways::Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(souk.db.unscoped())
        .await?;
    Ok(())
}

/// A tenant's keys at a provider, if it has any.
pub async fn keys(souk: &Souk, tenant: TenantId, provider: Provider) -> Result<Option<GatewayKeys>> {
    let row = tenant_gateways::Entity::find_by_id((tenant.uuid(), provider.to_string()))
        .one(souk.db.unscoped())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let open = |column: &str, sealed: &str| souk.sealer.open(&context(tenant, provider, column), sealed);
    let several =
        |text: String| text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    Ok(Some(GatewayKeys {
        api_base: row.api_base,
        livemode: row.livemode,
        secret_key: open("secret_key", &row.secret_key_sealed)?,
        publishable_key: row.publishable_key,
        webhook_secrets: several(open("webhook_secrets", &row.webhook_secrets_sealed)?),
        connect_webhook_secrets: several(open(
            "connect_webhook_secrets",
            &row.connect_webhook_secrets_sealed,
        )?),
        updated_at: row.updated_at,
    }))
}

fn context(tenant: TenantId, provider: Provider, column: &str) -> String {
    format!("tenant_gateways/{tenant}/{provider}/{column}")
}

fn from_row(row: tenants::Model) -> Result<Tenant> {
    Ok(Tenant {
        id: row.id.into(),
        slug: row.slug,
        name: row.name,
        currency: stored("tenants.currency", &row.currency)?,
        country: row.country,
        charge_model: stored("tenants.charge_model", &row.charge_model)?,
        public_url: row.public_url,
        hold_seconds: row.hold_seconds,
        provider_codes: row.provider_codes,
        mixed_baskets: row.mixed_baskets,
    })
}
