//! Connecting a seller to the payment provider: its account, and the links by which its people get there.
//!
//! One seller has one account however often, at once or half this is asked for: the provider's idempotency key comes
//! from the seller's id, and the row that is there first stays.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use souk_domain::gateway::{AccountRequest, Link};
use souk_domain::ids::SellerId;
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::people::Scope;
use souk_domain::seller::AccountSnapshot;
use souk_domain::text;

use super::accounts::insert_account;
use super::{account_row, charge_model, load, require_welcome};
use crate::entity::sellers;
use crate::error::{Error, Result, stored};
use crate::gateway::Gateway;
use crate::souk::Souk;
use crate::tenants::{self, Tenant};

/// Where the provider sends a seller's people back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnTo {
    /// After the form, done or not; souk's own page where none is given.
    pub return_url: Option<String>,
    /// When the link has expired or was used; souk's own page where none is given.
    pub refresh_url: Option<String>,
}

/// A secret for the provider's components in a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountSession {
    /// For one page view, for the seller's people only.
    pub client_secret: String,
}

/// A link to the provider's form; opens the seller's account first where there is none.
pub async fn onboarding_link(souk: &Souk, scope: &Scope, seller: SellerId, to: ReturnTo) -> Result<Link> {
    let row = load(souk.db.read(scope), scope, seller).await?;
    require_welcome(stored("sellers.status", &row.status)?)?;
    let tenant = tenants::by_id(souk, scope.tenant).await?;
    let return_url = page(&tenant, seller, to.return_url, "return")?;
    let refresh_url = page(&tenant, seller, to.refresh_url, "refresh")?;
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let model = settle_charge_model(souk, scope, &row, tenant.charge_model).await?;
    if !gateway.capabilities().charge_models.contains(&model) {
        return Err(Error::unprocessable(
            "charge_model_unsupported",
            format!("{} does not offer {model} charges.", gateway.provider()),
        ));
    }
    let account = ensure_account(souk, scope, &row, model, &gateway).await?;
    Ok(gateway.create_onboarding_link(&account, &return_url, &refresh_url).await?)
}

/// A link to the provider's dashboard.
pub async fn dashboard_link(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<Link> {
    let (account, gateway) = connected(souk, scope, seller).await?;
    Ok(gateway.create_dashboard_link(&account).await?)
}

/// A secret for the provider's components embedded in a page.
pub async fn account_session(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<AccountSession> {
    let (account, gateway) = connected(souk, scope, seller).await?;
    if !gateway.capabilities().account_sessions {
        return Err(Error::unprocessable(
            "account_sessions_unsupported",
            format!("{} has no components to embed.", gateway.provider()),
        ));
    }
    Ok(AccountSession { client_secret: gateway.create_account_session(&account).await? })
}

async fn connected(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<(String, Gateway)> {
    let db = souk.db.read(scope);
    let row = load(db, scope, seller).await?;
    let account = account_row(db, scope, seller).await?.ok_or_else(|| {
        Error::conflict("not_connected", "This seller has no account at the payment provider yet.")
    })?;
    if row.status == "deauthorized" {
        require_welcome(stored("sellers.status", &row.status)?)?;
    }
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    Ok((account.account, gateway))
}

/// The charge model with which the account is opened. Who bears fees and losses can never be changed on an account,
/// so from here on the seller keeps the tenant's default of today as its own.
async fn settle_charge_model(
    souk: &Souk,
    scope: &Scope,
    row: &sellers::Model,
    default: ChargeModel,
) -> Result<ChargeModel> {
    use sellers::Column as C;
    if row.charge_model.is_some() {
        return charge_model(row, default);
    }
    let tx = souk.db.begin(scope).await?;
    sellers::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(row.id))
        .filter(C::ChargeModel.is_null())
        .col_expr(C::ChargeModel, Expr::value(default.as_str()))
        .exec(&*tx)
        .await?;
    let settled = load(&*tx, scope, row.id.into()).await?;
    tx.commit().await?;
    charge_model(&settled, default)
}

/// The seller's account at the provider, opened now if there is none.
async fn ensure_account(
    souk: &Souk,
    scope: &Scope,
    row: &sellers::Model,
    charge_model: ChargeModel,
    gateway: &Gateway,
) -> Result<String> {
    let seller = SellerId::from(row.id);
    if let Some(known) = account_row(souk.db.read(scope), scope, seller).await? {
        return Ok(known.account);
    }
    // All of it comes from columns that never change again, so that the same key always means the same request.
    let request = AccountRequest {
        key: format!("acct:{seller}"),
        country: row.country.clone(),
        email: row.email.clone(),
        display_name: row.display_name.clone(),
        reference: seller.to_string(),
        charge_model,
    };
    let asked_at = souk.clock.now();
    match gateway.create_account(&request).await {
        Ok(snapshot) => {
            let snapshot = AccountSnapshot { as_of: asked_at, ..snapshot };
            insert_account(souk, scope, seller, &snapshot).await?;
        }
        // Someone else may be at the same key right now; what counts is whether there is an account.
        Err(error) => {
            let known = account_row(souk.db.read(scope), scope, seller).await?;
            return known.map(|known| known.account).ok_or(Error::Gateway(error));
        }
    }
    let known = account_row(souk.db.read(scope), scope, seller).await?;
    known
        .map(|known| known.account)
        .ok_or_else(|| Error::Internal(format!("{seller} lost its connected account")))
}

fn page(tenant: &Tenant, seller: SellerId, given: Option<String>, which: &str) -> Result<String> {
    match given {
        Some(url) => text::web_url(&url).map_err(|e| Error::invalid(&format!("/{which}_url"), e)),
        None => Ok(format!("{}/seller/{seller}/onboarding/{which}", tenant.public_url)),
    }
}
