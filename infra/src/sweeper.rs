//! The sweeper: asks the provider about payments that nobody has told us of for too long. Nothing depends on webhooks
//! arriving.

use chrono::Duration;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::ids::TenantId;
use souk_domain::payment::EvidenceSource;
use souk_domain::people::Scope;

use crate::entity::{orders, payments};
use crate::error::Result;
use crate::payments::ask;
use crate::souk::Souk;

/// How long a payment is left alone after it was last heard of.
const PATIENCE: Duration = Duration::seconds(60);
/// How many payments one sweep asks about.
const MOST: u64 = 100;

/// Asks about the payments of open orders that have not been heard of for a minute, the longest waiting first.
pub async fn sweep(souk: Souk) -> Result<()> {
    let now = souk.clock.now();
    let waiting = orders::Entity::find()
        .filter(orders::Column::Status.is_in(["pending", "processing"]))
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
            if let Err(error) = ask(&souk, &scope, payment.id.into(), EvidenceSource::Sweeper).await {
                tracing::warn!(%error, payment = %souk_domain::ids::PaymentId::from(payment.id), "the sweeper could not ask");
            }
        }
    }
    Ok(())
}
