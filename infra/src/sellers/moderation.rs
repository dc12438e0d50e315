//! What an admin decides about a seller: a stop that outlasts whatever the provider says, and its end.

use souk_domain::ids::SellerId;
use souk_domain::people::Scope;
use souk_domain::seller::SellerEvent;

use super::accounts::{move_status, stored_readiness};
use super::{SellerView, account_row, charge_model, get, lock};
use crate::error::Result;
use crate::souk::Souk;
use crate::tenants;

/// Stops a seller: its listings vanish and nothing more is sold. Orders that are paid stay as they are.
pub async fn suspend(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<SellerView> {
    let tx = souk.db.begin(scope).await?;
    let row = lock(&*tx, scope, seller).await?;
    move_status(&*tx, souk, scope, &row, &SellerEvent::Suspend, "seller.suspend").await?;
    tx.commit().await?;
    get(souk, scope, seller).await
}

/// Lets a suspended seller go on, as what the provider last said allows.
pub async fn reinstate(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<SellerView> {
    let default = tenants::by_id(souk, scope.tenant).await?.charge_model;
    let tx = souk.db.begin(scope).await?;
    let row = lock(&*tx, scope, seller).await?;
    let account = account_row(&*tx, scope, seller).await?;
    let (connected, can_sell, details_submitted) =
        stored_readiness(account.as_ref(), charge_model(&row, default)?);
    let event = SellerEvent::Reinstate { connected, can_sell, details_submitted };
    move_status(&*tx, souk, scope, &row, &event, "seller.reinstate").await?;
    tx.commit().await?;
    get(souk, scope, seller).await
}
