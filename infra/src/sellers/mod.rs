//! Sellers: who sells in a tenant, and what the payment provider says of them.
//!
//! A seller's status follows from what the provider last said ([`accounts`]) and from what an admin decided
//! ([`moderation`]); nothing here takes a browser's word for it. No call to a provider is made while a transaction
//! is open.

pub mod accounts;
pub mod moderation;
pub mod onboarding;

use std::collections::HashMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;
use serde_json::json;
use souk_domain::ids::{MembershipId, SellerId};
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::people::{Actor, Role, Scope};
use souk_domain::seller::{Requirements, SellerStatus};
use souk_domain::text;
use uuid::Uuid;

use crate::entity::{connected_accounts, memberships, sellers, users};
use crate::error::{Error, Result, stored};
use crate::page::{Listed, Page};
use crate::souk::Souk;
use crate::{audit, tenants};

/// An application to sell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSeller {
    /// 1 to 120 characters.
    pub display_name: String,
    /// Two letters.
    pub country: String,
    /// The seller's own; without one the tenant's holds.
    pub charge_model: Option<ChargeModel>,
}

/// A seller as its people and the tenant's admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SellerView {
    /// Its id.
    pub id: SellerId,
    /// Its name for buyers.
    pub display_name: String,
    /// Its own charge model, or else the tenant's.
    pub charge_model: ChargeModel,
    /// Whether it may sell.
    pub status: SellerStatus,
    /// The provider's record of it, once there is one.
    pub connected_account: Option<AccountView>,
}

/// What the provider last said of a seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// The provider's id.
    pub id: String,
    /// May be charged.
    pub charges_enabled: bool,
    /// May be paid out.
    pub payouts_enabled: bool,
    /// The provider's form was filled in.
    pub details_submitted: bool,
    /// What the provider still wants to know.
    pub requirements: Requirements,
}

/// Writes a seller down, with the person who applies as its owner.
pub async fn create(souk: &Souk, scope: &Scope, new: NewSeller) -> Result<SellerView> {
    let Actor::User(user) = scope.actor else {
        return Err(Error::forbidden("Only a person who is logged in can become a seller."));
    };
    let display_name =
        text::bounded(&new.display_name, 1, 120).map_err(|e| Error::invalid("/display_name", e))?;
    let country = text::country(&new.country).map_err(|e| Error::invalid("/country", e))?;
    let tenant = tenants::by_id(souk, scope.tenant).await?;
    let (id, now) = (SellerId::new(), souk.clock.now());

    let tx = souk.db.begin(scope).await?;
    let owner = users::Entity::find_by_id((scope.tenant.uuid(), user.uuid())).one(&*tx).await?;
    let owner = owner.ok_or_else(|| Error::not_found("user"))?;
    let row = sellers::Model {
        tenant_id: scope.tenant.uuid(),
        id: id.uuid(),
        display_name,
        country,
        email: owner.email,
        charge_model: new.charge_model.map(|model| model.to_string()),
        status: SellerStatus::Pending.to_string(),
        created_at: now,
        updated_at: now,
    };
    sellers::Entity::insert(sellers::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&*tx)
        .await?;
    let membership = memberships::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(MembershipId::new().uuid()),
        user_id: Set(user.uuid()),
        role: Set(Role::SellerOwner.to_string()),
        seller_id: Set(Some(id.uuid())),
        created_at: Set(now),
    };
    memberships::Entity::insert(membership).exec_without_returning(&*tx).await?;
    let detail = json!({ "country": row.country, "charge_model": row.charge_model });
    audit::record(&*tx, &souk.clock, scope, "seller.create", id.to_string(), detail).await?;
    tx.commit().await?;
    view(row, None, tenant.charge_model)
}

/// Refuses where the tenant has no such seller.
pub async fn require(souk: &Souk, scope: &Scope, id: SellerId) -> Result<()> {
    load(souk.db.read(scope), scope, id).await.map(|_| ())
}

/// A seller of this tenant.
pub async fn get(souk: &Souk, scope: &Scope, id: SellerId) -> Result<SellerView> {
    let db = souk.db.read(scope);
    let row = load(db, scope, id).await?;
    let account = account_row(db, scope, id).await?;
    let tenant = tenants::by_id(souk, scope.tenant).await?;
    view(row, account, tenant.charge_model)
}

/// The tenant's sellers, the newest first.
pub async fn list(
    souk: &Souk,
    scope: &Scope,
    status: Option<SellerStatus>,
    page: Page,
) -> Result<Listed<SellerView>> {
    use sellers::Column as C;
    let db = souk.db.read(scope);
    let mut query = sellers::Entity::find().filter(C::TenantId.eq(scope.tenant.uuid()));
    if let Some(status) = status {
        query = query.filter(C::Status.eq(status.as_str()));
    }
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(db).await?;
    let rows = Listed::cut(rows, page);
    let mut accounts = account_rows(db, scope, rows.data.iter().map(|row| row.id)).await?;
    let default = tenants::by_id(souk, scope.tenant).await?.charge_model;
    let data = rows.data.into_iter().map(|row| {
        let account = accounts.remove(&row.id);
        view(row, account, default)
    });
    Ok(Listed { data: data.collect::<Result<_>>()?, has_more: rows.has_more })
}

/// Refuses what a seller may not do while an admin has stopped it or after it has cut the connection.
pub(crate) fn require_welcome(status: SellerStatus) -> Result<()> {
    match status {
        SellerStatus::Suspended => {
            Err(Error::conflict("seller_suspended", "This seller is suspended by the marketplace."))
        }
        SellerStatus::Deauthorized => Err(Error::conflict(
            "seller_deauthorized",
            "This seller has cut its connection to the marketplace; apply as a new seller.",
        )),
        SellerStatus::Pending
        | SellerStatus::Onboarding
        | SellerStatus::Active
        | SellerStatus::Restricted => Ok(()),
    }
}

pub(crate) async fn load<C: ConnectionTrait>(db: &C, scope: &Scope, id: SellerId) -> Result<sellers::Model> {
    let row = sellers::Entity::find_by_id((scope.tenant.uuid(), id.uuid())).one(db).await?;
    row.ok_or_else(|| Error::not_found("seller"))
}

pub(crate) async fn lock<C: ConnectionTrait>(db: &C, scope: &Scope, id: SellerId) -> Result<sellers::Model> {
    let key = (scope.tenant.uuid(), id.uuid());
    let row = sellers::Entity::find_by_id(key).lock_exclusive().one(db).await?;
    row.ok_or_else(|| Error::not_found("seller"))
}

pub(crate) async fn account_row<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    id: SellerId,
) -> Result<Option<connected_accounts::Model>> {
    let key = (scope.tenant.uuid(), id.uuid(), Provider::Stripe.to_string());
    Ok(connected_accounts::Entity::find_by_id(key).one(db).await?)
}

async fn account_rows<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    sellers: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, connected_accounts::Model>> {
    use connected_accounts::Column as C;
    let rows = connected_accounts::Entity::find()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Provider.eq(Provider::Stripe.as_str()))
        .filter(C::SellerId.is_in(sellers))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.seller_id, row)).collect())
}

/// The charge model that holds for a seller.
pub(crate) fn charge_model(row: &sellers::Model, default: ChargeModel) -> Result<ChargeModel> {
    row.charge_model.as_deref().map_or(Ok(default), |text| stored("sellers.charge_model", text))
}

fn view(
    row: sellers::Model,
    account: Option<connected_accounts::Model>,
    default: ChargeModel,
) -> Result<SellerView> {
    Ok(SellerView {
        id: row.id.into(),
        charge_model: charge_model(&row, default)?,
        status: stored("sellers.status", &row.status)?,
        display_name: row.display_name,
        connected_account: account.map(account_view).transpose()?,
    })
}

fn account_view(row: connected_accounts::Model) -> Result<AccountView> {
    let requirements = serde_json::from_value(row.requirements)
        .map_err(|error| Error::Corrupt(format!("connected_accounts.requirements: {error}")))?;
    Ok(AccountView {
        id: row.account,
        charges_enabled: row.charges_enabled,
        payouts_enabled: row.payouts_enabled,
        details_submitted: row.details_submitted,
        requirements,
    })
}
