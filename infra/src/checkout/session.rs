//! The call to the provider and the second transaction: what it answered goes onto the payment.

use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use souk_domain::gateway::{CheckoutRequest, CheckoutSession, GatewayError};
use souk_domain::ids::PaymentId;
use souk_domain::job::JobKind;
use souk_domain::order::OrderEvent;
use souk_domain::payment::{PaymentState, Provider};
use souk_domain::people::Scope;

use super::claim::read_request;
use super::{CREATED, CheckoutStarted, release};
use crate::entity::payments;
use crate::error::{Error, Result};
use crate::idempotency::Attempt;
use crate::jobs;
use crate::pause;
use crate::payments::settle;
use crate::souk::Souk;

/// Who is to be answered, and how.
pub(super) struct Caller<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) render: fn(&CheckoutStarted) -> Result<Value>,
}

/// Asks the provider for the checkout and notes its answer, together with what the caller is told. A refusal fails
/// the order and lets its seats go. Without a caller there is nobody to tell.
pub(super) async fn open(
    souk: &Souk,
    scope: &Scope,
    request: &CheckoutRequest,
    caller: Option<&Caller<'_>>,
) -> Result<Option<(CheckoutStarted, Value)>> {
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let session = match gateway.create_checkout(request).await {
        Ok(session) => session,
        Err(error) if error.is_transient() => return Err(error.into()),
        Err(error) => {
            let reason = error.to_string();
            tracing::warn!(order = %request.order, payment = %request.payment, reason, "the provider refused a checkout");
            release::close(souk, scope, request.order, OrderEvent::SetupFailed, Some(&reason)).await?;
            return Err(error.into());
        }
    };
    pause::at("checkout.answered").await;
    let told = attach(souk, scope, request, &session, caller).await?;
    pause::at("checkout.attached").await;
    if session.state != PaymentState::Open {
        settle(souk, scope, request.payment, session.state).await?;
    }
    Ok(told)
}

async fn attach(
    souk: &Souk,
    scope: &Scope,
    request: &CheckoutRequest,
    session: &CheckoutSession,
    caller: Option<&Caller<'_>>,
) -> Result<Option<(CheckoutStarted, Value)>> {
    use payments::Column as C;
    let now = souk.clock.now();
    let secret = match &session.client_secret {
        Some(clear) => Some(souk.sealer.seal(&secret_context(request.payment), clear)?),
        None => None,
    };
    let tx = souk.db.begin(scope).await?;
    // A payment that has moved on meanwhile keeps its status; it only learns its session.
    let status =
        CaseStatement::new().case(Expr::col(C::Status).eq("created"), "open").finally(Expr::col(C::Status));
    let changed = payments::Entity::update_many()
        .col_expr(C::Status, status.into())
        .col_expr(C::Session, Expr::value(session.id.as_str()))
        .col_expr(C::CheckoutUrl, Expr::value(session.url.clone()))
        .col_expr(C::ClientSecretSealed, Expr::value(secret))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(request.payment.uuid()))
        .filter(C::Session.is_null().or(C::Session.eq(session.id.as_str())))
        .exec(tx.connection())
        .await?
        .rows_affected;
    if changed != 1 {
        return Err(Error::Corrupt(format!("{} has another session than {}", request.payment, session.id)));
    }
    jobs::finish(tx.connection(), scope, JobKind::ResumeCheckout, request.payment, now).await?;
    let told = match caller {
        Some(caller) => {
            let started = super::show(souk, tx.connection(), scope, request, session).await?;
            let body = (caller.render)(&started)?;
            caller.attempt.complete(tx.connection(), CREATED, &body).await?;
            Some((started, body))
        }
        None => None,
    };
    tx.commit().await?;
    Ok(told)
}

fn secret_context(payment: PaymentId) -> String {
    format!("payments/{payment}/client_secret")
}

/// Asks again, with the same key, for a checkout whose answer was lost: the job after a crash, and whoever must know
/// the session in order to end it. Does nothing where the session is known.
pub async fn resume(souk: &Souk, scope: &Scope, payment: PaymentId) -> Result<()> {
    let row = payments::Entity::find_by_id((scope.tenant.uuid(), payment.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::not_found("payment"))?;
    if row.session.is_some() || row.status != "created" {
        return Ok(());
    }
    match open(souk, scope, &read_request(&row)?, None).await {
        // The order has been failed and its seats let go: there is nothing more to do.
        Err(Error::Gateway(GatewayError::Refused { .. } | GatewayError::NotFound(_))) => Ok(()),
        other => other.map(|_| ()),
    }
}
