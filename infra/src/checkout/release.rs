//! The end of an order that was not paid: first at the provider, then here.
//!
//! Seats are let go only when nobody can pay for them any more. "Already complete" from the provider means confirm,
//! not release; an order whose payment is under way keeps its hold.

use chrono::Duration;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use souk_domain::gateway::{ExpireOutcome, GatewayError};
use souk_domain::ids::{OrderId, PaymentId, PromotionId};
use souk_domain::job::JobKind;
use souk_domain::order::{OrderEvent, OrderStatus};
use souk_domain::payment::{PaymentState, PaymentStatus, Provider};
use souk_domain::people::Scope;

use super::session::resume;
use crate::entity::{orders, payments, slot_holds};
use crate::error::{Error, Result, stored};
use crate::payments::{reference, settle};
use crate::souk::Souk;
use crate::{jobs, pause, promotions};

/// How long after a session's own end nothing of it can be under way any more.
const AFTER_ITS_END: Duration = Duration::minutes(5);

/// What became of an order that was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is over and its seats are free.
    Ended,
    /// It could not be ended any more: paid, being paid, or ended before.
    Kept,
}

/// The hold's time is over: the job of every order.
pub async fn release_due(souk: &Souk, scope: &Scope, order: OrderId) -> Result<()> {
    end(souk, scope, order, OrderEvent::HoldExpired).await.map(|_| ())
}

/// Ends an unpaid order, with [`OrderEvent::HoldExpired`] or [`OrderEvent::Cancelled`].
pub async fn end(souk: &Souk, scope: &Scope, order: OrderId, event: OrderEvent) -> Result<End> {
    let row = orders::Entity::find_by_id((scope.tenant.uuid(), order.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::not_found("order"))?;
    let status: OrderStatus = stored("orders.status", &row.status)?;
    if status.apply(event, souk.clock.now()).is_err() {
        return Ok(End::Kept);
    }
    for payment in unfinished(souk, scope, order).await? {
        if !end_payment(souk, scope, payment).await? {
            return Ok(End::Kept);
        }
    }
    pause::at("release.told").await;
    close(souk, scope, order, event, None).await
}

async fn unfinished(souk: &Souk, scope: &Scope, order: OrderId) -> Result<Vec<PaymentId>> {
    let rows = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::OrderId.eq(order.uuid()))
        .filter(payments::Column::Status.is_in(["created", "open", "processing", "authorised"]))
        .all(souk.db.read(scope))
        .await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}

/// Makes sure at the provider that a payment can no longer be paid; false where it has been, or is being.
async fn end_payment(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<bool> {
    // Without its session there is nothing to end: ask for it again, with the same key.
    let resumed = resume(souk, scope, payment).await;
    let row = payments::Entity::find_by_id((scope.tenant.uuid(), payment.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::not_found("payment"))?;
    if let Err(error) = resumed {
        // A provider may repeat an error under the same key for a day. If there is a session behind it, nobody was
        // ever told its address, and it has ended by itself.
        let ended_by_itself = row.session.is_none() && souk.clock.now() > row.expires_at + AFTER_ITS_END;
        return if error.is_transient() && ended_by_itself { Ok(true) } else { Err(error) };
    }
    let Some(asked) = reference(&row)? else { return Ok(true) };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    match gateway.expire_checkout(&asked).await {
        // A seller who has cut the connection can't be paid through it any more either.
        Ok(ExpireOutcome::Ended) | Err(GatewayError::NotFound(_)) => Ok(true),
        Ok(ExpireOutcome::AlreadyComplete(PaymentState::Failed(reason))) => {
            settle(souk, scope, payment, PaymentState::Failed(reason)).await?;
            Ok(true)
        }
        Ok(ExpireOutcome::AlreadyComplete(state)) => {
            settle(souk, scope, payment, state).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the end of an order: status, holds, promotion and payments in one transaction. The provider has been told.
pub(crate) async fn close(
    souk: &Souk,
    scope: &Scope,
    order: OrderId,
    event: OrderEvent,
    reason: Option<&str>,
) -> Result<End> {
    let now = souk.clock.now();
    let sources = OrderStatus::sources(event);
    let next = sources.first().and_then(|status| status.apply(event, now).ok()).map(|(next, _)| next);
    let next = next.ok_or_else(|| Error::Internal(format!("{event:?} ends no order")))?;
    let tenant = scope.tenant.uuid();
    let tx = souk.db.begin(scope).await?;
    let changed = orders::Entity::update_many()
        .col_expr(orders::Column::Status, Expr::value(next.as_str()))
        .col_expr(orders::Column::UpdatedAt, Expr::value(now))
        .filter(orders::Column::TenantId.eq(tenant))
        .filter(orders::Column::Id.eq(order.uuid()))
        .filter(orders::Column::Status.is_in(sources.iter().map(|status| status.as_str())))
        .exec_with_returning(tx.connection())
        .await?;
    let Some(row) = changed.into_iter().next() else {
        tx.rollback().await?;
        return Ok(End::Kept);
    };
    slot_holds::Entity::delete_many()
        .filter(slot_holds::Column::TenantId.eq(tenant))
        .filter(slot_holds::Column::OrderId.eq(order.uuid()))
        .exec(tx.connection())
        .await?;
    if let Some(promotion) = row.promotion_id {
        promotions::give_back(tx.connection(), scope, PromotionId::from(promotion)).await?;
    }
    let status = if event == OrderEvent::SetupFailed || event == OrderEvent::PaymentFailed {
        PaymentStatus::Failed
    } else {
        PaymentStatus::Cancelled
    };
    payments::Entity::update_many()
        .col_expr(payments::Column::Status, Expr::value(status.as_str()))
        .col_expr(payments::Column::Failure, Expr::value(reason))
        .col_expr(payments::Column::UpdatedAt, Expr::value(now))
        .filter(payments::Column::TenantId.eq(tenant))
        .filter(payments::Column::OrderId.eq(order.uuid()))
        .filter(payments::Column::Status.is_in(["created", "open", "processing"]))
        .exec(tx.connection())
        .await?;
    jobs::finish(tx.connection(), scope, JobKind::ReleaseHold, order, now).await?;
    tx.commit().await?;
    tracing::info!(%order, status = next.as_str(), "order ended without payment");
    souk.live.order_changed(order);
    Ok(End::Ended)
}
