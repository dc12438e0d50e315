//! Gap-fill: lists the provider's events since the last one seen, per account, and puts those that never arrived as
//! webhooks into the inbox.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};
use serde_json::Value;
use souk_domain::gateway::{GatewayError, Place};
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::people::Scope;

use crate::entity::{connected_accounts, event_cursors, sellers};
use crate::error::{Error, Result};
use crate::inbox::{self, Endpoint};
use crate::souk::Souk;
use crate::tenants::{self, Tenant};

/// How far each look reaches back behind the newest event seen: events appear in the list a little late, and those
/// that are on their way as webhooks need not be hurried.
const OVERLAP: Duration = Duration::minutes(5);

/// Fills the gaps of every tenant.
pub async fn fill(souk: Souk) -> Result<()> {
    for tenant in tenants::all(&souk).await? {
        if let Err(error) = fill_tenant(&souk, &tenant).await {
            tracing::warn!(%error, tenant = tenant.slug, "gap-fill");
        }
    }
    Ok(())
}

/// Fills one tenant's gaps: the platform, and each account on which direct charges live.
pub async fn fill_tenant(souk: &Souk, tenant: &Tenant) -> Result<()> {
    let scope = Scope::system(tenant.id);
    match fill_place(souk, &scope, &Place::Platform).await {
        Err(Error::Gateway(GatewayError::NotConfigured)) => return Ok(()),
        other => other?,
    }
    let direct = ChargeModel::Direct.as_str();
    let mut selling = sellers::Column::ChargeModel.eq(direct);
    if tenant.charge_model == ChargeModel::Direct {
        selling = selling.or(sellers::Column::ChargeModel.is_null());
    }
    let selling = sellers::Entity::find()
        .filter(sellers::Column::TenantId.eq(tenant.id.uuid()))
        .filter(sellers::Column::Status.is_in(["active", "restricted", "suspended"]))
        .filter(selling)
        .select_only()
        .column(sellers::Column::Id)
        .into_query();
    let accounts = connected_accounts::Entity::find()
        .filter(connected_accounts::Column::TenantId.eq(tenant.id.uuid()))
        .filter(connected_accounts::Column::SellerId.in_subquery(selling))
        .all(souk.db.read(&scope))
        .await?;
    for account in accounts {
        if let Err(error) = fill_place(souk, &scope, &Place::Account(account.account.clone())).await {
            tracing::warn!(%error, account = account.account, "gap-fill of an account");
        }
    }
    Ok(())
}

async fn fill_place(souk: &Souk, scope: &Scope, place: &Place) -> Result<()> {
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let account = place.account().unwrap_or_default().to_owned();
    let key = (scope.tenant.uuid(), Provider::Stripe.to_string(), account.clone());
    let cursor = event_cursors::Entity::find_by_id(key).one(souk.db.read(scope)).await?;
    let since = cursor.map_or_else(|| souk.clock.now() - Duration::hours(1), |row| row.seen_until);
    let events = gateway.list_events(place, since - OVERLAP).await?;
    let Some(newest) = events.iter().map(|event| event.created).max() else { return Ok(()) };
    let endpoint = if place.account().is_some() { Endpoint::Connect } else { Endpoint::Platform };
    let mut missed = 0;
    for event in &events {
        if inbox::append(souk, scope, endpoint, &as_delivered(&event.body, place)?).await? {
            missed += 1;
        }
    }
    if missed > 0 {
        tracing::warn!(missed, account, "events had not arrived as webhooks");
    }
    move_cursor(souk, scope, account, std::cmp::max(newest, since)).await
}

/// An event that is listed as the connected account itself does not say whose it is; the webhook would have.
fn as_delivered(body: &str, place: &Place) -> Result<String> {
    let Some(account) = place.account() else { return Ok(body.to_owned()) };
    let mut event: Value = serde_json::from_str(body).map_err(|error| Error::Internal(error.to_string()))?;
    event["account"] = Value::from(account);
    Ok(event.to_string())
}

async fn move_cursor(souk: &Souk, scope: &Scope, account: String, seen_until: DateTime<Utc>) -> Result<()> {
    use event_cursors::Column as C;
    let row = event_cursors::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        provider: Set(Provider::Stripe.to_string()),
        account: Set(account),
        seen_until: Set(seen_until),
        updated_at: Set(souk.clock.now()),
    };
    let forward = OnConflict::columns([C::TenantId, C::Provider, C::Account])
        .update_columns([C::SeenUntil, C::UpdatedAt])
        .to_owned();
    event_cursors::Entity::insert(row)
        .on_conflict(forward)
        .exec_without_returning(souk.db.read(scope))
        .await?;
    Ok(())
}
