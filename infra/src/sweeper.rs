//! The sweeper: asks the provider about payments and sellers that nobody has told us of for too long. Nothing depends
//! on webhooks arriving.

use chrono::Duration;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use souk_domain::ids::TenantId;
use souk_domain::payment::EvidenceSource;
use souk_domain::people::Scope;

use crate::entity::{connected_accounts, orders, payments, sellers};
use crate::error::Result;
use crate::payments::ask;
use crate::sellers::accounts::refresh_account;
use crate::souk::Souk;

/// How long a payment is left alone after it was last heard of.
const PATIENCE: Duration = Duration::seconds(60);
/// How many payments one sweep asks about.
const MOST: u64 = 100;
/// How long a seller who waits for the provider is left alone after its account was last read.
const ACCOUNT_PATIENCE: Duration = Duration::minutes(5);
/// How many accounts one sweep asks about.
const MOST_ACCOUNTS: u64 = 20;

/// Word for word the conditions of the indexes `sellers_waiting` and `orders_waiting`: of a condition with bound values
/// SQLite would not know that the index covers it.
const WAITING_SELLERS: &str = "status IN ('onboarding', 'restricted')";
const WAITING_ORDERS: &str = "status IN ('pending', 'processing')";

/// Asks about what has not been heard of for too long, the longest waiting first.
pub async fn sweep(souk: Souk) -> Result<()> {
    sweep_payments(&souk).await?;
    sweep_accounts(&souk).await
}

/// The accounts of sellers who can't sell yet, or not at the moment: they wait for a word of the provider's.
async fn sweep_accounts(souk: &Souk) -> Result<()> {
    let waiting = sellers::Entity::find()
        .filter(Expr::cust(WAITING_SELLERS))
        .select_only()
        .column(sellers::Column::TenantId)
        .column(sellers::Column::Id)
        .into_query();
    let seller = [connected_accounts::Column::TenantId, connected_accounts::Column::SellerId]
        .map(ColumnTrait::into_expr);
    let rows = connected_accounts::Entity::find()
        .filter(Expr::tuple(seller).in_subquery(waiting))
        .filter(connected_accounts::Column::AsOf.lt(souk.clock.now() - ACCOUNT_PATIENCE))
        .order_by_asc(connected_accounts::Column::AsOf)
        .limit(MOST_ACCOUNTS)
        .all(souk.db.unscoped())
        .await?;
    for row in rows {
        let scope = Scope::system(TenantId::from(row.tenant_id));
        if let Err(error) = refresh_account(souk, &scope, row.seller_id.into()).await {
            tracing::warn!(%error, account = row.account, "the sweeper could not read an account");
        }
    }
    Ok(())
}

/// The payments of open orders that have not been heard of for a minute.
async fn sweep_payments(souk: &Souk) -> Result<()> {
    let now = souk.clock.now();
    let waiting = orders::Entity::find()
        .filter(Expr::cust(WAITING_ORDERS))
        .filter(orders::Column::CreatedAt.lt(now - PATIENCE))
        .order_by_asc(orders::Column::CreatedAt)
        .limit(MOST * 10)
        .all(souk.db.unscoped())
        .await?;
    let mut asked = 0;
    for order in waiting {
        if asked >= MOST {
            break;
        }
        let scope = Scope::system(TenantId::from(order.tenant_id));
        // The row count decides which of several replicas asks.
        let quiet = payments::Entity::update_many()
            .col_expr(payments::Column::UpdatedAt, Expr::value(now))
            .filter(payments::Column::TenantId.eq(order.tenant_id))
            .filter(payments::Column::OrderId.eq(order.id))
            .filter(payments::Column::Status.is_in(["created", "open", "processing", "authorised"]))
            .filter(payments::Column::UpdatedAt.lt(now - PATIENCE))
            .exec_with_returning(souk.db.read(&scope))
            .await?;
        for payment in quiet {
            asked += 1;
            if let Err(error) = ask(souk, &scope, payment.id.into(), EvidenceSource::Sweeper).await {
                tracing::warn!(%error, payment = %souk_domain::ids::PaymentId::from(payment.id), "the sweeper could not ask");
            }
        }
    }
    Ok(())
}
