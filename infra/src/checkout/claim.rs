//! The first transaction: idempotency key, seats, order, and what will be asked of the provider.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use souk_domain::confirm::SlotView;
use souk_domain::gateway::CheckoutRequest;
use souk_domain::ids::{OrderId, OrderLineId, PaymentId, SlotId};
use souk_domain::job::JobKind;
use souk_domain::payment::Provider;
use souk_domain::people::Scope;

use super::price::{Priced, price};
use super::{Basket, Key, OPERATION, buyer};
use crate::confirm::lock_slots;
use crate::db::Tx;
use crate::entity::{order_lines, orders, payments, slot_holds};
use crate::error::{Error, Refusal, RefusalKind, Result};
use crate::idempotency::{self, Attempt, Next};
use crate::jobs::{self, NewJob};
use crate::pause;
use crate::souk::Souk;
use crate::tenants::Tenant;

pub(super) enum Claimed {
    /// Seats are held; this is to be asked of the provider.
    New(Attempt, Box<CheckoutRequest>),
    /// An earlier attempt with the same key died before it could answer; its order.
    Earlier(Attempt, OrderId),
    /// The first answer.
    Replay(u16, Value),
}

/// How long a checkout may take before another request with the same key may take over.
const LOCK: Duration = Duration::seconds(20);
/// How long after its beginning a checkout is taken for dead and resumed by a job.
const RESUME_AFTER: Duration = Duration::seconds(30);

pub(super) async fn claim(
    souk: &Souk,
    scope: &Scope,
    tenant: &Tenant,
    basket: &Basket,
    key: &Key,
) -> Result<Claimed> {
    let gateway = souk.gateway(tenant.id, Provider::Stripe).await?;
    let now = souk.clock.now();
    let tx = souk.db.begin(scope).await?;
    let attempt =
        match idempotency::begin(&tx, scope, OPERATION, &key.key, &key.request_hash, now, LOCK).await? {
            Next::Start(attempt) | Next::Resume { attempt, subject: None } => attempt,
            Next::Resume { attempt, subject: Some(order) } => {
                tx.commit().await?;
                return Ok(Claimed::Earlier(attempt, order.into()));
            }
            Next::Replay { status, body } => return Ok(Claimed::Replay(status, body)),
        };
    let slots = lock_slots(&tx, scope, basket.items.iter().map(|(slot, _)| slot.uuid())).await?;
    let priced = price(&tx, scope, tenant, basket, &slots, &gateway.capabilities(), now).await?;
    check_room(basket, &slots)?;
    let request = write(souk, &tx, scope, basket, &priced, now).await?;
    attempt.set_subject(tx.connection(), request.order.uuid()).await?;
    pause::at("checkout.claiming").await;
    tx.commit().await?;
    pause::at("checkout.claimed").await;
    Ok(Claimed::New(attempt, Box::new(request)))
}

/// `capacity - sold - active holds >= quantity`, under the slots' lock.
fn check_room(basket: &Basket, slots: &BTreeMap<SlotId, SlotView>) -> Result<()> {
    for (index, (slot, quantity)) in basket.items.iter().enumerate() {
        let left = slots.get(slot).map_or(0, |view| view.capacity - view.sold - view.held);
        if left < *quantity {
            let detail = match left {
                ..=0 => "This slot is sold out.".to_owned(),
                1 => "Only one place is left on this slot.".to_owned(),
                left => format!("Only {left} places are left on this slot."),
            };
            let refusal = Refusal::new(RefusalKind::Conflict, "sold_out", detail)
                .at(format!("/items/{index}/slot_id"))
                .with("slot_id", slot.to_string())
                .with("available", left.max(0));
            return Err(refusal.into());
        }
    }
    Ok(())
}

async fn write(
    souk: &Souk,
    tx: &Tx,
    scope: &Scope,
    basket: &Basket,
    priced: &Priced,
    now: DateTime<Utc>,
) -> Result<CheckoutRequest> {
    let (order, payment) = (OrderId::new(), PaymentId::new());
    let request = priced.request(souk, scope, order, payment, basket)?;
    let row = order_row(scope, &request, priced, now);
    orders::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    let lines = (0..priced.lines.len()).map(|index| line_row(scope, order, priced, index));
    order_lines::Entity::insert_many(lines).exec_without_returning(tx.connection()).await?;
    let holds = priced.lines.iter().map(|line| slot_holds::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        order_id: Set(order.uuid()),
        slot_id: Set(line.quote.slot.uuid()),
        quantity: Set(line.quote.quantity),
        expires_at: Set(priced.hold_expires_at),
        created_at: Set(now),
    });
    slot_holds::Entity::insert_many(holds).exec_without_returning(tx.connection()).await?;
    let asked = serde_json::to_value(&request).map_err(|error| Error::Internal(error.to_string()))?;
    let row = payment_row(scope, &request, asked, now);
    payments::Entity::insert(row).exec_without_returning(tx.connection()).await?;
    let jobs = vec![
        NewJob::new(JobKind::ReleaseHold, order, priced.hold_expires_at),
        NewJob::new(JobKind::ResumeCheckout, payment, now + RESUME_AFTER),
    ];
    jobs::enqueue(tx.connection(), scope, now, jobs).await?;
    Ok(request)
}

fn order_row(
    scope: &Scope,
    request: &CheckoutRequest,
    priced: &Priced,
    now: DateTime<Utc>,
) -> orders::ActiveModel {
    let quote = &priced.quote;
    orders::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(request.order.uuid()),
        status: Set("pending".to_owned()),
        review_reason: Set(None),
        buyer_id: Set(buyer(scope).map(Into::into)),
        email: Set(priced.email.clone()),
        seller_id: Set(Some(priced.seller.uuid())),
        charge_model: Set(priced.charge_model.to_string()),
        capture: Set(request.capture.to_string()),
        provider_codes: Set(request.promotion_codes_on_page),
        promotion_id: Set(priced.promotion.as_ref().map(|(id, _)| id.uuid())),
        promotion_code: Set(priced.promotion.as_ref().map(|(_, code)| code.clone())),
        currency: Set(quote.currency.code()),
        subtotal: Set(quote.subtotal),
        discount: Set(quote.discount),
        total: Set(quote.total),
        application_fee: Set(quote.application_fee),
        refunded: Set(0),
        hold_expires_at: Set(priced.hold_expires_at),
        paid_at: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    }
}

fn line_row(scope: &Scope, order: OrderId, priced: &Priced, index: usize) -> order_lines::ActiveModel {
    let (line, quote) = (&priced.lines[index], &priced.quote);
    order_lines::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(OrderLineId::new().uuid()),
        order_id: Set(order.uuid()),
        slot_id: Set(line.quote.slot.uuid()),
        listing_id: Set(line.quote.listing.uuid()),
        seller_id: Set(line.quote.seller.uuid()),
        title: Set(line.title.clone()),
        starts_at: Set(line.starts_at),
        timezone: Set(line.timezone.clone()),
        quantity: Set(line.quote.quantity),
        unit_price: Set(line.quote.unit_price.minor),
        total: Set(quote.line_totals[index]),
        discount: Set(quote.line_discounts[index]),
        application_fee: Set(quote.line_fees[index]),
    }
}

fn payment_row(
    scope: &Scope,
    request: &CheckoutRequest,
    asked: Value,
    now: DateTime<Utc>,
) -> payments::ActiveModel {
    payments::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(request.payment.uuid()),
        order_id: Set(request.order.uuid()),
        provider: Set("stripe".to_owned()),
        status: Set("created".to_owned()),
        charge_model: Set(request.charge_model.to_string()),
        account: Set(request.account.clone()),
        ui_mode: Set(request.ui_mode.to_string()),
        currency: Set(request.currency.code()),
        amount: Set(request.total),
        refunded: Set(0),
        application_fee: Set(request.application_fee),
        request: Set(asked),
        session: Set(None),
        provider_payment: Set(None),
        checkout_url: Set(None),
        client_secret_sealed: Set(None),
        failure: Set(None),
        expires_at: Set(request.expires_at),
        created_at: Set(now),
        updated_at: Set(now),
    }
}

/// What was to be asked for an order's only payment.
pub(super) async fn request_of(souk: &Souk, scope: &Scope, order: OrderId) -> Result<Box<CheckoutRequest>> {
    let row = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::OrderId.eq(order.uuid()))
        .one(souk.db.read(scope))
        .await?
        .ok_or_else(|| Error::Corrupt(format!("{order} has no payment")))?;
    read_request(&row).map(Box::new)
}

/// The request as it was stored before the call.
pub(crate) fn read_request(row: &payments::Model) -> Result<CheckoutRequest> {
    serde_json::from_value(row.request.clone())
        .map_err(|error| Error::Corrupt(format!("payments.request of {}: {error}", PaymentId::from(row.id))))
}
