//! What the provider says of sellers: kept by the time at which we asked, never by the order in which we heard.
//!
//! A webhook is only a hint: its handler calls [`refresh_account`], which asks the provider. An older snapshot never
//! replaces a newer one, and a seller's status is worked out from the snapshot in the same transaction.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr,
    sea_query::OnConflict,
};
use serde_json::json;
use souk_domain::ids::SellerId;
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::people::Scope;
use souk_domain::seller::{AccountSnapshot, Requirements, SellerEvent, SellerStatus};

use super::{account_row, charge_model, load, lock};
use crate::audit;
use crate::entity::{connected_accounts, sellers};
use crate::error::{Error, Result, stored};
use crate::souk::Souk;
use crate::tenants;

/// Whose connected account this is, within the tenant. An account of another tenant is nobody's.
pub async fn seller_of_account(souk: &Souk, scope: &Scope, account: &str) -> Result<Option<SellerId>> {
    use connected_accounts::Column as C;
    let row = connected_accounts::Entity::find()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Provider.eq(Provider::Stripe.as_str()))
        .filter(C::Account.eq(account))
        .one(souk.db.read(scope))
        .await?;
    Ok(row.map(|row| row.seller_id.into()))
}

/// Asks the provider about a seller's account and keeps the answer. Does nothing for a seller that has none.
pub async fn refresh_account(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<()> {
    let db = souk.db.read(scope);
    load(db, scope, seller).await?;
    let Some(row) = account_row(db, scope, seller).await? else { return Ok(()) };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    // The answer is at least as new as this moment, and perhaps no newer.
    let asked_at = souk.clock.now();
    let snapshot = gateway.fetch_account(&row.account).await?;
    if snapshot.id != row.account {
        return Err(Error::Corrupt(format!(
            "asked for {}, the provider answered {}",
            row.account, snapshot.id
        )));
    }
    apply_account(souk, scope, &AccountSnapshot { as_of: asked_at, ..snapshot }).await?;
    Ok(())
}

/// Keeps a snapshot if it is newer than the one at hand, and works out the seller's status from it. Says whether it
/// was newer; a snapshot of an account that is not this tenant's is [`Error::not_found`].
pub async fn apply_account(souk: &Souk, scope: &Scope, snapshot: &AccountSnapshot) -> Result<bool> {
    let seller = seller_of_account(souk, scope, &snapshot.id).await?;
    let seller = seller.ok_or_else(|| Error::not_found("connected account"))?;
    let default = tenants::by_id(souk, scope.tenant).await?.charge_model;

    let tx = souk.db.begin(scope).await?;
    // The seller is locked first wherever both rows change, so that two snapshots cannot wait for each other.
    let row = lock(&*tx, scope, seller).await?;
    if !keep_newer(&*tx, scope, seller, snapshot).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    let event = read_event(snapshot, charge_model(&row, default)?);
    move_status(&*tx, souk, scope, &row, &event, "seller.account_read").await?;
    tx.commit().await?;
    Ok(true)
}

/// The seller has cut the connection: it sells no more, and no late account event brings it back. Does nothing for
/// an account that is not this tenant's.
pub async fn deauthorized(souk: &Souk, scope: &Scope, account: &str) -> Result<()> {
    use connected_accounts::Column as C;
    let Some(seller) = seller_of_account(souk, scope, account).await? else { return Ok(()) };
    let tx = souk.db.begin(scope).await?;
    let row = lock(&*tx, scope, seller).await?;
    move_status(&*tx, souk, scope, &row, &SellerEvent::Deauthorized, "seller.deauthorized").await?;
    connected_accounts::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::SellerId.eq(seller.uuid()))
        .filter(C::Provider.eq(Provider::Stripe.as_str()))
        .col_expr(C::ChargesEnabled, Expr::value(false))
        .col_expr(C::TransfersActive, Expr::value(false))
        .col_expr(C::AsOf, Expr::value(souk.clock.now()))
        .exec(&*tx)
        .await?;
    tx.commit().await
}

/// Writes the account of a seller that has none. Whoever comes second changes nothing.
pub(super) async fn insert_account(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    snapshot: &AccountSnapshot,
) -> Result<()> {
    use connected_accounts::Column as C;
    let default = tenants::by_id(souk, scope.tenant).await?.charge_model;
    let tx = souk.db.begin(scope).await?;
    let row = lock(&*tx, scope, seller).await?;
    let account = connected_accounts::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        seller_id: Set(seller.uuid()),
        provider: Set(Provider::Stripe.to_string()),
        account: Set(snapshot.id.clone()),
        charges_enabled: Set(snapshot.charges_enabled),
        payouts_enabled: Set(snapshot.payouts_enabled),
        details_submitted: Set(snapshot.details_submitted),
        transfers_active: Set(snapshot.transfers_active),
        requirements: Set(requirements_json(&snapshot.requirements)),
        default_currency: Set(snapshot.default_currency.clone()),
        as_of: Set(snapshot.as_of),
        created_at: Set(souk.clock.now()),
    };
    let taken = OnConflict::columns([C::TenantId, C::SellerId, C::Provider]).do_nothing().to_owned();
    let written =
        connected_accounts::Entity::insert(account).on_conflict(taken).exec_without_returning(&*tx).await?;
    if written == 1 {
        let event = read_event(snapshot, charge_model(&row, default)?);
        move_status(&*tx, souk, scope, &row, &event, "seller.account_read").await?;
        let detail = json!({ "account": snapshot.id });
        audit::record(&*tx, &souk.clock, scope, "seller.connect", seller.to_string(), detail).await?;
    }
    tx.commit().await
}

/// What a seller's stored account means to the seller's machine: connected, can sell, form submitted.
pub(super) fn stored_readiness(
    account: Option<&connected_accounts::Model>,
    model: ChargeModel,
) -> (bool, bool, bool) {
    let Some(row) = account else { return (false, false, false) };
    let snapshot = AccountSnapshot {
        id: row.account.clone(),
        charges_enabled: row.charges_enabled,
        payouts_enabled: row.payouts_enabled,
        details_submitted: row.details_submitted,
        transfers_active: row.transfers_active,
        requirements: Requirements::default(),
        country: None,
        default_currency: None,
        as_of: row.as_of,
    };
    (true, snapshot.can_sell(model), row.details_submitted)
}

/// Moves a locked seller to its next status and leaves a trace where that is another one.
pub(super) async fn move_status<C: ConnectionTrait>(
    tx: &C,
    souk: &Souk,
    scope: &Scope,
    row: &sellers::Model,
    event: &SellerEvent,
    action: &str,
) -> Result<SellerStatus> {
    use sellers::Column as C;
    let now = souk.clock.now();
    let from: SellerStatus = stored("sellers.status", &row.status)?;
    let seller = SellerId::from(row.id);
    let to = from.apply(event, now).map_err(|rejected| {
        let code = if rejected.from == SellerStatus::Deauthorized {
            "seller_deauthorized"
        } else {
            "seller_not_suspended"
        };
        Error::conflict(code, format!("This seller is {}.", rejected.from))
    })?;
    if from == to {
        return Ok(to);
    }
    let moved = sellers::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(row.id))
        .filter(C::Status.eq(from.as_str()))
        .col_expr(C::Status, Expr::value(to.as_str()))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .exec(tx)
        .await?;
    if moved.rows_affected != 1 {
        return Err(Error::Internal(format!("{seller} changed under its lock")));
    }
    let detail = json!({ "from": from, "to": to });
    audit::record(tx, &souk.clock, scope, action, seller.to_string(), detail).await?;
    Ok(to)
}

async fn keep_newer<C: ConnectionTrait>(
    tx: &C,
    scope: &Scope,
    seller: SellerId,
    snapshot: &AccountSnapshot,
) -> Result<bool> {
    use connected_accounts::Column as C;
    let kept = connected_accounts::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::SellerId.eq(seller.uuid()))
        .filter(C::Provider.eq(Provider::Stripe.as_str()))
        .filter(C::Account.eq(snapshot.id.as_str()))
        .filter(C::AsOf.lt(snapshot.as_of))
        .col_expr(C::ChargesEnabled, Expr::value(snapshot.charges_enabled))
        .col_expr(C::PayoutsEnabled, Expr::value(snapshot.payouts_enabled))
        .col_expr(C::DetailsSubmitted, Expr::value(snapshot.details_submitted))
        .col_expr(C::TransfersActive, Expr::value(snapshot.transfers_active))
        .col_expr(C::Requirements, Expr::value(requirements_json(&snapshot.requirements)))
        .col_expr(C::DefaultCurrency, Expr::value(snapshot.default_currency.clone()))
        .col_expr(C::AsOf, Expr::value(snapshot.as_of))
        .exec(tx)
        .await?;
    Ok(kept.rows_affected == 1)
}

fn read_event(snapshot: &AccountSnapshot, model: ChargeModel) -> SellerEvent {
    SellerEvent::AccountRead {
        can_sell: snapshot.can_sell(model),
        details_submitted: snapshot.details_submitted,
    }
}

fn requirements_json(requirements: &Requirements) -> serde_json::Value {
    json!({
        "currently_due": requirements.currently_due,
        "past_due": requirements.past_due,
        "disabled_reason": requirements.disabled_reason,
    })
}
