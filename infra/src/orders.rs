//! Orders as people see them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::ids::{ListingId, OrderId, PaymentId, SellerId, SlotId, UserId};
use souk_domain::money::{Currency, Money};
use souk_domain::order::OrderEvent;
use souk_domain::payment::EvidenceSource;
use souk_domain::people::Scope;
use uuid::Uuid;

use crate::checkout::{self, End};
use crate::entity::{order_lines, orders, payments};
use crate::error::{Error, Result, stored};
use crate::page::{Listed, Page};
use crate::souk::Souk;

/// One line of an order.
#[derive(Debug, Clone)]
pub struct LineShown {
    /// Which slot.
    pub slot_id: SlotId,
    /// Of which listing.
    pub listing_id: ListingId,
    /// Whose.
    pub seller_id: SellerId,
    /// What it was called when it was ordered.
    pub title: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// Where: the slot's IANA time zone.
    pub timezone: String,
    /// How many.
    pub quantity: i64,
    /// Each.
    pub unit_price: Money,
    /// All of them, before any discount.
    pub total: Money,
}

/// One attempt to pay an order.
#[derive(Debug, Clone)]
pub struct PaymentShown {
    /// `pay_…`
    pub id: PaymentId,
    /// The provider.
    pub provider: String,
    /// The provider's id, once known.
    pub provider_payment_id: Option<String>,
    /// Where it stands.
    pub status: String,
    /// How much.
    pub amount: Money,
}

/// An order.
#[derive(Debug, Clone)]
pub struct OrderShown {
    /// `ord_…`
    pub id: OrderId,
    /// Where it stands.
    pub status: String,
    /// Of all its amounts.
    pub currency: Currency,
    /// What is bought.
    pub lines: Vec<LineShown>,
    /// The lines' totals.
    pub subtotal: Money,
    /// Taken off.
    pub discount: Money,
    /// To be paid, or paid.
    pub total: Money,
    /// The platform's part, frozen when the order was made.
    pub application_fee: Money,
    /// Given back, or on its way back.
    pub refunded: Money,
    /// Who charges.
    pub charge_model: String,
    /// Until when the seats are held for an unpaid order.
    pub hold_expires_at: DateTime<Utc>,
    /// When it was paid, by the provider's clock.
    pub paid_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Why an admin must look, for orders in review.
    pub review_reason: Option<String>,
    /// The attempts to pay it.
    pub payments: Vec<PaymentShown>,
}

/// Who may see an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parties {
    /// The buyer who was logged in, if one was.
    pub buyer: Option<UserId>,
    /// The seller.
    pub seller: Option<SellerId>,
}

/// Whose an order is; an error where there is none.
pub async fn parties(souk: &Souk, scope: &Scope, order: OrderId) -> Result<Parties> {
    let row = row(souk.db.read(scope), scope, order).await?;
    Ok(Parties { buyer: row.buyer_id.map(Into::into), seller: row.seller_id.map(Into::into) })
}

async fn row<C: ConnectionTrait>(db: &C, scope: &Scope, order: OrderId) -> Result<orders::Model> {
    orders::Entity::find_by_id((scope.tenant.uuid(), order.uuid()))
        .one(db)
        .await?
        .ok_or_else(|| Error::not_found("order"))
}

/// One order, whoever asks.
pub async fn show(souk: &Souk, scope: &Scope, order: OrderId) -> Result<OrderShown> {
    Ok(with_email(souk, scope, order).await?.0)
}

/// One order as it is within a transaction.
pub(crate) async fn show_on<C: ConnectionTrait>(db: &C, scope: &Scope, order: OrderId) -> Result<OrderShown> {
    let row = row(db, scope, order).await?;
    complete(db, scope, vec![row]).await?.pop().ok_or_else(|| Error::not_found("order"))
}

/// One order and where its mail goes.
pub async fn with_email(souk: &Souk, scope: &Scope, order: OrderId) -> Result<(OrderShown, Option<String>)> {
    let row = row(souk.db.read(scope), scope, order).await?;
    let email = row.email.clone();
    let shown = complete(souk.db.read(scope), scope, vec![row]).await?.pop();
    shown.map(|shown| (shown, email)).ok_or_else(|| Error::not_found("order"))
}

/// Which orders a list is of.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one buyer.
    pub buyer: Option<UserId>,
    /// Of one seller.
    pub seller: Option<SellerId>,
    /// In one status.
    pub status: Option<String>,
}

/// Orders, the newest first.
pub async fn list(souk: &Souk, scope: &Scope, filter: &Filter, page: Page) -> Result<Listed<OrderShown>> {
    let mut query = orders::Entity::find().filter(orders::Column::TenantId.eq(scope.tenant.uuid()));
    if let Some(buyer) = filter.buyer {
        query = query.filter(orders::Column::BuyerId.eq(buyer.uuid()));
    }
    if let Some(seller) = filter.seller {
        query = query.filter(orders::Column::SellerId.eq(seller.uuid()));
    }
    if let Some(status) = &filter.status {
        query = query.filter(orders::Column::Status.eq(status.as_str()));
    }
    if let Some(after) = page.after {
        query = query.filter(orders::Column::Id.lt(after));
    }
    let rows = query.order_by_desc(orders::Column::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let Listed { data, has_more } = Listed::cut(rows, page);
    Ok(Listed { data: complete(souk.db.read(scope), scope, data).await?, has_more })
}

/// Adds lines and payments, two queries for any number of orders.
async fn complete<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    rows: Vec<orders::Model>,
) -> Result<Vec<OrderShown>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines: HashMap<Uuid, Vec<order_lines::Model>> = HashMap::new();
    let found = order_lines::Entity::find()
        .filter(order_lines::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(order_lines::Column::OrderId.is_in(ids.iter().copied()))
        .order_by_asc(order_lines::Column::Id)
        .all(db)
        .await?;
    for line in found {
        lines.entry(line.order_id).or_default().push(line);
    }
    let mut attempts: HashMap<Uuid, Vec<payments::Model>> = HashMap::new();
    let found = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::OrderId.is_in(ids))
        .order_by_asc(payments::Column::Id)
        .all(db)
        .await?;
    for payment in found {
        attempts.entry(payment.order_id).or_default().push(payment);
    }
    rows.into_iter()
        .map(|row| {
            let lines = lines.remove(&row.id).unwrap_or_default();
            let attempts = attempts.remove(&row.id).unwrap_or_default();
            one(row, lines, attempts)
        })
        .collect()
}

fn one(
    row: orders::Model,
    lines: Vec<order_lines::Model>,
    attempts: Vec<payments::Model>,
) -> Result<OrderShown> {
    let currency: Currency = stored("orders.currency", &row.currency)?;
    let money = |minor: i64| Money::new(minor, currency);
    let show_line = |line: order_lines::Model| LineShown {
        slot_id: line.slot_id.into(),
        listing_id: line.listing_id.into(),
        seller_id: line.seller_id.into(),
        title: line.title,
        starts_at: line.starts_at,
        timezone: line.timezone,
        quantity: line.quantity,
        unit_price: money(line.unit_price),
        total: money(line.total),
    };
    Ok(OrderShown {
        id: row.id.into(),
        status: row.status,
        currency,
        lines: lines.into_iter().map(show_line).collect(),
        subtotal: money(row.subtotal),
        discount: money(row.discount),
        total: money(row.total),
        application_fee: money(row.application_fee),
        refunded: money(row.refunded),
        charge_model: row.charge_model,
        hold_expires_at: row.hold_expires_at,
        paid_at: row.paid_at,
        created_at: row.created_at,
        review_reason: row.review_reason,
        payments: attempts.into_iter().map(show_payment).collect::<Result<_>>()?,
    })
}

fn show_payment(row: payments::Model) -> Result<PaymentShown> {
    Ok(PaymentShown {
        id: row.id.into(),
        provider: row.provider,
        provider_payment_id: row.provider_payment,
        status: row.status,
        amount: Money::new(row.amount, stored("payments.currency", &row.currency)?),
    })
}

/// A tenant's payments, the newest first.
pub async fn list_payments(
    souk: &Souk,
    scope: &Scope,
    page: Page,
) -> Result<Listed<(OrderId, PaymentShown)>> {
    let mut query = payments::Entity::find().filter(payments::Column::TenantId.eq(scope.tenant.uuid()));
    if let Some(after) = page.after {
        query = query.filter(payments::Column::Id.lt(after));
    }
    let rows =
        query.order_by_desc(payments::Column::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let Listed { data, has_more } = Listed::cut(rows, page);
    let data =
        data.into_iter().map(|row| Ok((row.order_id.into(), show_payment(row)?))).collect::<Result<_>>()?;
    Ok(Listed { data, has_more })
}

/// Asks the provider about every attempt that is not settled, then shows the order. Harmless to repeat.
pub async fn verify(souk: &Souk, scope: &Scope, order: OrderId) -> Result<OrderShown> {
    row(souk.db.read(scope), scope, order).await?;
    let open = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::OrderId.eq(order.uuid()))
        .filter(payments::Column::Status.is_in(["created", "open", "processing", "authorised"]))
        .all(souk.db.read(scope))
        .await?;
    for payment in open {
        crate::payments::ask(souk, scope, payment.id.into(), EvidenceSource::Verify).await?;
    }
    show(souk, scope, order).await
}

/// Gives an unpaid order up: first at the provider, then here.
pub async fn cancel(souk: &Souk, scope: &Scope, order: OrderId) -> Result<OrderShown> {
    let ended = checkout::end(souk, scope, order, OrderEvent::Cancelled).await?;
    let shown = show(souk, scope, order).await?;
    if ended == End::Kept {
        let detail = format!("This order is {} and can't be cancelled any more.", shown.status);
        return Err(Error::conflict("order_not_cancellable", detail));
    }
    Ok(shown)
}

/// Where an unpaid order is paid, for a buyer who comes back to it: the hosted page's address.
pub async fn checkout_url(souk: &Souk, scope: &Scope, order: OrderId) -> Result<Option<String>> {
    let row = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::OrderId.eq(order.uuid()))
        .filter(payments::Column::Status.eq("open"))
        .one(souk.db.read(scope))
        .await?;
    Ok(row.and_then(|row| row.checkout_url))
}
