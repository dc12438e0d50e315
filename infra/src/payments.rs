//! Payments: what a provider's answer makes of one of ours, short of confirmation.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use souk_domain::gateway::{PaymentRef, Place};
use souk_domain::ids::{OrderId, PaymentId};
use souk_domain::job::JobKind;
use souk_domain::order::{OrderEvent, OrderStatus};
use souk_domain::payment::{ChargeModel, EvidenceKind, EvidenceSource, PaymentState, Provider};
use souk_domain::people::Scope;

use crate::checkout::{close, read_request};
use crate::confirm::{Fact, confirm_one};
use crate::entity::{orders, payments};
use crate::error::{Error, Result, stored};
use crate::jobs::{self, NewJob};
use crate::pause;
use crate::souk::Souk;

/// Where a payment lives at its provider; `None` while the provider does not know it.
pub(crate) fn reference(row: &payments::Model) -> Result<Option<PaymentRef>> {
    let Some(session) = row.session.clone() else { return Ok(None) };
    let request = read_request(row)?;
    Ok(Some(PaymentRef {
        payment: row.id.into(),
        order: row.order_id.into(),
        place: place(row)?,
        session,
        provider_payment: row.provider_payment.clone(),
        capture: request.capture,
        own_discount: request.discount.map_or(0, |(amount, _)| amount),
    }))
}

/// Whose charge it is.
pub(crate) fn place(row: &payments::Model) -> Result<Place> {
    let model: ChargeModel = stored("payments.charge_model", &row.charge_model)?;
    Ok(if model == ChargeModel::Direct { Place::Account(row.account.clone()) } else { Place::Platform })
}

/// One payment's row.
pub(crate) async fn find(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<payments::Model> {
    payments::Entity::find_by_id((scope.tenant.uuid(), payment.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::not_found("payment"))
}

/// Acts on what the provider says of a payment.
pub(crate) async fn settle(
    souk: &Souk,
    scope: &Scope,
    payment: PaymentId,
    state: PaymentState,
) -> Result<()> {
    match state {
        PaymentState::Open => Ok(()),
        PaymentState::Evidence(evidence) => confirm_one(souk, scope, Fact::from(*evidence)).await.map(|_| ()),
        PaymentState::Processing => begin_processing(souk, scope, payment).await,
        PaymentState::Failed(reason) => {
            let row = find(souk, scope, payment).await?;
            close(souk, scope, row.order_id.into(), OrderEvent::PaymentFailed, Some(&reason))
                .await
                .map(|_| ())
        }
        // The provider has ended the session, so nobody can pay: the order's own end is safe, and a job.
        PaymentState::Ended => {
            let row = find(souk, scope, payment).await?;
            let now = souk.clock.now();
            jobs::hasten(
                souk.db.read(scope),
                scope,
                NewJob::new(JobKind::ReleaseHold, OrderId::from(row.order_id), now),
            )
            .await?;
            souk.live.work_arrived();
            Ok(())
        }
    }
}

/// A slow payment has failed. It had begun, though the event that says so may come later, or be in another worker's
/// hands: an order that is still pending goes the whole way.
pub(crate) async fn slow_failure(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<()> {
    begin_processing(souk, scope, payment).await?;
    let reason = "the payment failed after it had begun".to_owned();
    settle(souk, scope, payment, PaymentState::Failed(reason)).await
}

/// A slow payment has begun: the order keeps its seats until the provider says how it went.
async fn begin_processing(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<()> {
    let now = souk.clock.now();
    let tenant = scope.tenant.uuid();
    let tx = souk.db.begin(scope).await?;
    let changed = payments::Entity::update_many()
        .col_expr(payments::Column::Status, Expr::value("processing"))
        .col_expr(payments::Column::UpdatedAt, Expr::value(now))
        .filter(payments::Column::TenantId.eq(tenant))
        .filter(payments::Column::Id.eq(payment.uuid()))
        .filter(payments::Column::Status.is_in(["created", "open"]))
        .exec_with_returning(tx.connection())
        .await?;
    let Some(row) = changed.first() else { return tx.rollback().await };
    // An order that lost its seats meanwhile stays as it is: if the money arrives, confirm tries for seats again.
    orders::Entity::update_many()
        .col_expr(orders::Column::Status, Expr::value(OrderStatus::Processing.as_str()))
        .col_expr(orders::Column::UpdatedAt, Expr::value(now))
        .filter(orders::Column::TenantId.eq(tenant))
        .filter(orders::Column::Id.eq(row.order_id))
        .filter(orders::Column::Status.eq(OrderStatus::Pending.as_str()))
        .exec(tx.connection())
        .await?;
    tx.commit().await?;
    souk.live.order_changed(row.order_id.into());
    Ok(())
}

/// Asks the provider about a payment and acts on the answer.
pub async fn ask(souk: &Souk, scope: &Scope, payment: PaymentId, source: EvidenceSource) -> Result<()> {
    crate::checkout::resume(souk, scope, payment).await?;
    let row = find(souk, scope, payment).await?;
    let Some(asked) = reference(&row)? else { return Ok(()) };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let mut state = gateway.fetch_payment(&asked).await?;
    if let PaymentState::Evidence(evidence) = &mut state {
        evidence.source = source;
    }
    settle(souk, scope, payment, state).await
}

/// Captures an authorised payment whose seats are held, then confirms it. A failed capture lets the seats go.
pub(crate) async fn capture(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<()> {
    let row = find(souk, scope, payment).await?;
    let Some(asked) = reference(&row)? else { return Ok(()) };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let state = gateway.capture(&asked, &format!("{payment}/capture")).await?;
    pause::at("capture.answered").await;
    match &state {
        PaymentState::Evidence(evidence) if evidence.kind == EvidenceKind::Authorised => {
            Err(Error::Internal("the provider has not captured the payment yet".to_owned()))
        }
        _ => settle(souk, scope, payment, state).await,
    }
}

/// Gives an authorised payment up.
pub(crate) async fn cancel_authorisation(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<()> {
    let row = find(souk, scope, payment).await?;
    let Some(asked) = reference(&row)? else { return Ok(()) };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    gateway.cancel_authorisation(&asked, &format!("{payment}/cancel")).await?;
    payments::Entity::update_many()
        .col_expr(payments::Column::Status, Expr::value("cancelled"))
        .col_expr(payments::Column::UpdatedAt, Expr::value(souk.clock.now()))
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.eq(payment.uuid()))
        .filter(payments::Column::Status.eq("authorised"))
        .exec(souk.db.read(scope))
        .await?;
    Ok(())
}
