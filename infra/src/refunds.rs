//! Refunds: the amount is reserved by a conditional UPDATE before the provider is asked, under a key of its own that
//! never changes, so that no refund happens twice and none is lost.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Value, json};
use souk_domain::gateway::{GatewayError, RefundRequest, RefundState};
use souk_domain::ids::{OrderId, PaymentId, RefundId};
use souk_domain::job::JobKind;
use souk_domain::money::Money;
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::people::Scope;
use souk_domain::refund::{RefundStatus, share_of_fee};

use crate::checkout::Key;
use crate::db::Tx;
use crate::entity::{order_lines, orders, payments, refunds, slot_holds, slots};
use crate::error::{Error, Result, stored};
use crate::idempotency::{self, Next};
use crate::jobs::{self, NewJob};
use crate::payments::place;
use crate::souk::Souk;
use crate::{audit, pause};

const OPERATION: &str = "refund";

/// A refund to be made.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// How much, in minor units of the order's currency; what is left where it is not said.
    pub amount: Option<i64>,
    /// For people.
    pub reason: Option<String>,
    /// Whether the seats go back on sale.
    pub release: bool,
}

/// A refund.
#[derive(Debug, Clone)]
pub struct RefundShown {
    /// `ref_…`
    pub id: RefundId,
    /// Of which order.
    pub order_id: OrderId,
    /// Where it stands.
    pub status: String,
    /// How much goes back to the buyer.
    pub amount: Money,
    /// How much of it the platform gives back.
    pub application_fee_refunded: Money,
    /// How much of it is taken back from the seller's account.
    pub transfer_reversed: Money,
    /// Why the provider could not, if so.
    pub failure: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

/// What asking for a refund answers.
#[derive(Debug)]
pub enum Outcome {
    /// Made, or on its way; and as rendered.
    Made(Box<RefundShown>, Value),
    /// The first answer again: status and body.
    Replayed(u16, Value),
}

/// Makes a refund. What is more than is left is refused before the provider is asked.
///
/// `render` makes the body that is kept for repetitions, so that they get exactly what the first caller got.
pub async fn create(
    souk: &Souk,
    scope: &Scope,
    order: OrderId,
    new: &NewRefund,
    key: &Key,
    render: fn(&RefundShown) -> Result<Value>,
) -> Result<Outcome> {
    let now = souk.clock.now();
    let tx = souk.db.begin(scope).await?;
    let lock = chrono::Duration::seconds(20);
    let (attempt, id) =
        match idempotency::begin(&tx, scope, OPERATION, &key.key, &key.request_hash, now, lock).await? {
            Next::Replay { status, body } => return Ok(Outcome::Replayed(status, body)),
            Next::Resume { attempt, subject: Some(id) } => (attempt, RefundId::from(id)),
            Next::Start(attempt) | Next::Resume { attempt, subject: None } => {
                let id = write(souk, &tx, scope, order, new, now).await?;
                attempt.set_subject(tx.connection(), id.uuid()).await?;
                (attempt, id)
            }
        };
    tx.commit().await?;
    pause::at("refund.reserved").await;
    // Asked now so that the answer can say how it went; where that fails, the job asks again with the same key.
    if let Err(error) = send(souk, scope, id).await {
        tracing::warn!(refund = %id, %error, "the refund is not at the provider yet; its job goes on");
    }
    let shown = show(souk, scope, id).await?;
    let body = render(&shown)?;
    attempt.complete(souk.db.read(scope), 201, &body).await?;
    Ok(Outcome::Made(Box::new(shown), body))
}

async fn write(
    souk: &Souk,
    tx: &Tx,
    scope: &Scope,
    order: OrderId,
    new: &NewRefund,
    now: DateTime<Utc>,
) -> Result<RefundId> {
    let tenant = scope.tenant.uuid();
    let row = orders::Entity::find_by_id((tenant, order.uuid()))
        .lock_exclusive()
        .one(tx.connection())
        .await?
        .ok_or_else(|| Error::not_found("order"))?;
    let payment = paying(tx, scope, &row).await?;
    let left = payment.amount - payment.refunded;
    let amount = new.amount.unwrap_or(left);
    let too_much = || {
        Error::conflict(
            "refund_exceeds_payment",
            format!("Only {left} minor units of this payment are left to refund."),
        )
    };
    if amount <= 0 {
        return Err(if left == 0 { too_much() } else { Error::invalid("/amount", "must be above zero") });
    }
    // The row count decides: two refunds at once can't both reserve the last of it.
    let reserved = payments::Entity::update_many()
        .col_expr(payments::Column::Refunded, Expr::col(payments::Column::Refunded).add(amount))
        .filter(payments::Column::TenantId.eq(tenant))
        .filter(payments::Column::Id.eq(payment.id))
        .filter(Expr::col(payments::Column::Refunded).add(amount).lte(Expr::col(payments::Column::Amount)))
        .exec(tx.connection())
        .await?
        .rows_affected;
    if reserved != 1 {
        return Err(too_much());
    }
    add_to_order(tx, scope, order, amount).await?;
    let id = RefundId::new();
    let refund = row_of(scope, id, &payment, amount, new, now);
    refunds::Entity::insert(refund).exec_without_returning(tx.connection()).await?;
    jobs::enqueue(
        tx.connection(),
        scope,
        now,
        vec![NewJob::new(JobKind::SendRefund, id, now + chrono::Duration::seconds(20))],
    )
    .await?;
    let detail =
        json!({"refund": id, "amount": amount, "currency": payment.currency, "release": new.release});
    audit::record(tx.connection(), &souk.clock, scope, "order.refund", order.to_string(), detail).await?;
    Ok(id)
}

fn row_of(
    scope: &Scope,
    id: RefundId,
    payment: &payments::Model,
    amount: i64,
    new: &NewRefund,
    now: DateTime<Utc>,
) -> refunds::ActiveModel {
    let fee =
        share_of_fee(payment.application_fee, payment.amount, payment.refunded, payment.refunded + amount);
    let reversed = if payment.charge_model == ChargeModel::Destination.as_str() { amount } else { 0 };
    let (_, requested_by) = scope.actor.parts();
    refunds::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(id.uuid()),
        order_id: Set(payment.order_id),
        payment_id: Set(payment.id),
        kind: Set("requested".to_owned()),
        status: Set("pending".to_owned()),
        amount: Set(amount),
        currency: Set(payment.currency.clone()),
        application_fee_refunded: Set(fee),
        transfer_reversed: Set(reversed),
        release: Set(new.release),
        released: Set(false),
        reason: Set(new.reason.clone()),
        provider_refund: Set(None),
        failure: Set(None),
        requested_by: Set(requested_by),
        created_at: Set(now),
        updated_at: Set(now),
    }
}

/// The payment that paid the order (a duplicate that came back is not it).
async fn paying(tx: &Tx, scope: &Scope, order: &orders::Model) -> Result<payments::Model> {
    let nothing =
        || Error::conflict("order_not_refundable", "Nothing was paid for this order that could be refunded.");
    if !matches!(order.status.as_str(), "paid" | "review" | "unfulfillable") || order.total == 0 {
        return Err(nothing());
    }
    use crate::entity::payment_receipts as receipts;
    let receipt = receipts::Entity::find()
        .filter(receipts::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(receipts::Column::OrderId.eq(order.id))
        .filter(receipts::Column::Kind.eq("captured"))
        .filter(receipts::Column::Verdict.is_in(["paid", "review", "unfulfillable"]))
        .order_by_asc(receipts::Column::CreatedAt)
        .one(tx.connection())
        .await?
        .ok_or_else(nothing)?;
    payments::Entity::find_by_id((scope.tenant.uuid(), receipt.payment_id))
        .one(tx.connection())
        .await?
        .ok_or_else(nothing)
}

/// `amount` may be negative, when a refund failed. An order in review may have been paid more than it cost.
async fn add_to_order(tx: &Tx, scope: &Scope, order: OrderId, amount: i64) -> Result<()> {
    use orders::Column as C;
    let sum = || Expr::col(C::Refunded).add(amount);
    let case = sea_orm::sea_query::CaseStatement::new()
        .case(sum().gt(Expr::col(C::Total)), Expr::col(C::Total))
        .finally(sum());
    orders::Entity::update_many()
        .col_expr(C::Refunded, case.into())
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(order.uuid()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

async fn find(souk: &Souk, scope: &Scope, refund: RefundId) -> Result<refunds::Model> {
    refunds::Entity::find_by_id((scope.tenant.uuid(), refund.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::not_found("refund"))
}

/// Sends a refund to the provider, once however often it is called: the refund's id is the idempotency key.
pub async fn send(souk: &Souk, scope: &Scope, refund: RefundId) -> Result<()> {
    let row = find(souk, scope, refund).await?;
    let status: RefundStatus = stored("refunds.status", &row.status)?;
    if status.is_final() || row.provider_refund.is_some() {
        return Ok(());
    }
    let payment = crate::payments::find(souk, scope, PaymentId::from(row.payment_id)).await?;
    let provider_payment = payment
        .provider_payment
        .clone()
        .ok_or_else(|| Error::Corrupt(format!("{refund} is of a payment that the provider does not know")))?;
    let request = RefundRequest {
        key: refund.to_string(),
        place: place(&payment)?,
        provider_payment,
        amount: Money::new(row.amount, stored("refunds.currency", &row.currency)?),
        refund_application_fee: row.application_fee_refunded > 0,
        reverse_transfer: row.transfer_reversed > 0,
    };
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    match gateway.refund(&request).await {
        Ok(state) => {
            pause::at("refund.answered").await;
            apply(souk, scope, refund, &state).await
        }
        // The seller's balance is short: it fills again, so this is worth waiting for where souk itself owes the money.
        Err(GatewayError::Refused { code, message, .. })
            if code == "balance_insufficient" && row.kind != "requested" =>
        {
            Err(GatewayError::Unavailable(message).into())
        }
        Err(GatewayError::Refused { code, message, .. }) => {
            let state = RefundState {
                id: String::new(),
                status: RefundStatus::Failed,
                failure_reason: Some(format!("{message} ({code})")),
            };
            apply(souk, scope, refund, &state).await?;
            if row.kind == "requested" {
                Ok(())
            } else {
                Err(Error::Corrupt(format!("{refund} was refused: {message} ({code})")))
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// Acts on what the provider says of a refund; what is older than what is known changes nothing.
pub(crate) async fn apply(souk: &Souk, scope: &Scope, refund: RefundId, state: &RefundState) -> Result<()> {
    let now = souk.clock.now();
    let tenant = scope.tenant.uuid();
    let tx = souk.db.begin(scope).await?;
    let row = refunds::Entity::find_by_id((tenant, refund.uuid()))
        .lock_exclusive()
        .one(tx.connection())
        .await?
        .ok_or_else(|| Error::not_found("refund"))?;
    let was: RefundStatus = stored("refunds.status", &row.status)?;
    // A failed or cancelled refund stays so; one that had succeeded may still fail later, as Stripe documents.
    let settled = !was.reserves() || (was == RefundStatus::Succeeded && state.status.reserves());
    if settled || (was == state.status && row.provider_refund.is_some()) {
        return tx.rollback().await;
    }
    let provider_refund =
        if state.id.is_empty() { row.provider_refund.clone() } else { Some(state.id.clone()) };
    refunds::Entity::update_many()
        .col_expr(refunds::Column::Status, Expr::value(state.status.as_str()))
        .col_expr(refunds::Column::ProviderRefund, Expr::value(provider_refund))
        .col_expr(refunds::Column::Failure, Expr::value(state.failure_reason.clone()))
        .col_expr(refunds::Column::UpdatedAt, Expr::value(now))
        .filter(refunds::Column::TenantId.eq(tenant))
        .filter(refunds::Column::Id.eq(refund.uuid()))
        .exec(tx.connection())
        .await?;
    if !state.status.reserves() {
        free(&tx, scope, &row).await?;
    } else if row.release && !row.released {
        release_seats(&tx, scope, &row, now).await?;
    }
    if state.status.reserves() {
        jobs::finish(tx.connection(), scope, JobKind::SendRefund, refund, now).await?;
    }
    tx.commit().await?;
    tracing::info!(%refund, order = %OrderId::from(row.order_id), status = state.status.as_str(), "refund");
    souk.live.order_changed(row.order_id.into());
    Ok(())
}

/// What could not be given back can be given back again.
async fn free(tx: &Tx, scope: &Scope, row: &refunds::Model) -> Result<()> {
    payments::Entity::update_many()
        .col_expr(payments::Column::Refunded, Expr::col(payments::Column::Refunded).sub(row.amount))
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.eq(row.payment_id))
        .exec(tx.connection())
        .await?;
    if row.kind == "duplicate" {
        Ok(())
    } else {
        add_to_order(tx, scope, row.order_id.into(), -row.amount).await
    }
}

/// Puts the order's seats back on sale, once per order.
async fn release_seats(tx: &Tx, scope: &Scope, row: &refunds::Model, now: DateTime<Utc>) -> Result<()> {
    let tenant = scope.tenant.uuid();
    let order =
        orders::Entity::find_by_id((tenant, row.order_id)).lock_exclusive().one(tx.connection()).await?;
    let released = refunds::Entity::find()
        .filter(refunds::Column::TenantId.eq(tenant))
        .filter(refunds::Column::OrderId.eq(row.order_id))
        .filter(refunds::Column::Released.eq(true))
        .one(tx.connection())
        .await?;
    if released.is_some() {
        return Ok(());
    }
    // A paid order has seats. One in review only holds them, and nothing else would ever end that hold.
    let lines = match order.as_ref().map(|order| order.status.as_str()) {
        Some("paid") => {
            order_lines::Entity::find()
                .filter(order_lines::Column::TenantId.eq(tenant))
                .filter(order_lines::Column::OrderId.eq(row.order_id))
                .order_by_asc(order_lines::Column::SlotId)
                .all(tx.connection())
                .await?
        }
        Some("review") => {
            slot_holds::Entity::delete_many()
                .filter(slot_holds::Column::TenantId.eq(tenant))
                .filter(slot_holds::Column::OrderId.eq(row.order_id))
                .exec(tx.connection())
                .await?;
            Vec::new()
        }
        _ => return Ok(()),
    };
    for line in lines {
        slots::Entity::update_many()
            .col_expr(slots::Column::Sold, Expr::col(slots::Column::Sold).sub(line.quantity))
            .col_expr(slots::Column::UpdatedAt, Expr::value(now))
            .filter(slots::Column::TenantId.eq(tenant))
            .filter(slots::Column::Id.eq(line.slot_id))
            .exec(tx.connection())
            .await?;
    }
    refunds::Entity::update_many()
        .col_expr(refunds::Column::Released, Expr::value(true))
        .filter(refunds::Column::TenantId.eq(tenant))
        .filter(refunds::Column::Id.eq(row.id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Reads a refund again at the provider, by the provider's id. Refunds that souk did not make are not its business.
pub(crate) async fn refresh(souk: &Souk, scope: &Scope, provider_refund: &str) -> Result<bool> {
    let row = refunds::Entity::find()
        .filter(refunds::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(refunds::Column::ProviderRefund.eq(provider_refund))
        .one(souk.db.read(scope))
        .await?;
    let Some(row) = row else { return Ok(false) };
    let payment = crate::payments::find(souk, scope, PaymentId::from(row.payment_id)).await?;
    let gateway = souk.gateway(scope.tenant, Provider::Stripe).await?;
    let state = gateway.fetch_refund(&place(&payment)?, provider_refund).await?;
    apply(souk, scope, row.id.into(), &state).await?;
    Ok(true)
}

async fn show(souk: &Souk, scope: &Scope, refund: RefundId) -> Result<RefundShown> {
    shown(find(souk, scope, refund).await?)
}

fn shown(row: refunds::Model) -> Result<RefundShown> {
    let currency = stored("refunds.currency", &row.currency)?;
    let reserves = stored::<RefundStatus>("refunds.status", &row.status)?.reserves();
    let given = |minor: i64| Money::new(if reserves { minor } else { 0 }, currency);
    Ok(RefundShown {
        id: row.id.into(),
        order_id: row.order_id.into(),
        status: row.status,
        amount: Money::new(row.amount, currency),
        application_fee_refunded: given(row.application_fee_refunded),
        transfer_reversed: given(row.transfer_reversed),
        failure: row.failure,
        created_at: row.created_at,
    })
}

/// An order's refunds, the oldest first.
pub async fn of_order(souk: &Souk, scope: &Scope, order: OrderId) -> Result<Vec<RefundShown>> {
    let rows = refunds::Entity::find()
        .filter(refunds::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(refunds::Column::OrderId.eq(order.uuid()))
        .order_by_asc(refunds::Column::Id)
        .all(souk.db.read(scope))
        .await?;
    rows.into_iter().map(shown).collect()
}
