//! What confirm writes. Every UPDATE is conditional and set-based; a row count other than what was decided fails the
//! transaction.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Value};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use souk_domain::confirm::{SlotView, Verdict};
use souk_domain::ids::{EventId, PaymentId, PromotionId, RefundId, SlotId};
use souk_domain::job::JobKind;
use souk_domain::order::{OrderEvent, OrderStatus};
use souk_domain::payment::{Evidence, EvidenceKind, PaymentStatus};
use souk_domain::people::Scope;
use souk_domain::refund::RefundKind;
use uuid::Uuid;

use super::load::World;
use crate::db::Tx;
use crate::entity::{orders, payment_receipts, payments, refunds, slot_holds, slots, webhook_events};
use crate::error::{Error, Result};
use crate::jobs::{self, NewJob};
use crate::promotions;

/// A fact and what was decided about it.
pub(super) type Decided<'a> = (&'a Evidence, &'a Verdict);

pub(super) async fn all(
    tx: &Tx,
    scope: &Scope,
    decided: &[Decided<'_>],
    known: &HashMap<PaymentId, payments::Model>,
    world: &World,
    before: &BTreeMap<SlotId, SlotView>,
    now: DateTime<Utc>,
) -> Result<()> {
    if decided.is_empty() {
        return Ok(());
    }
    for event in [
        OrderEvent::Paid,
        OrderEvent::Authorised,
        OrderEvent::PaidWithoutRoom,
        OrderEvent::AuthorisedWithoutRoom,
        OrderEvent::PaidOtherwise,
    ] {
        move_orders(tx, scope, event, decided, now).await?;
    }
    reprice(tx, scope, decided, world).await?;
    take_seats(tx, scope, &world.slots, before, now).await?;
    settle_holds(tx, scope, decided, world, now).await?;
    settle_payments(tx, scope, decided, known, now).await?;
    note_verdicts(tx, scope, decided).await?;
    let refunds = owe_refunds(tx, scope, decided, world, now).await?;
    settle_promotions(tx, scope, decided, world).await?;
    jobs::enqueue(tx.connection(), scope, now, jobs_for(decided, refunds, now)).await
}

/// One UPDATE for all orders that take the same event.
async fn move_orders(
    tx: &Tx,
    scope: &Scope,
    event: OrderEvent,
    decided: &[Decided<'_>],
    now: DateTime<Utc>,
) -> Result<()> {
    let moving: Vec<&Decided<'_>> =
        decided.iter().filter(|(fact, verdict)| verdict.order_event(fact.kind) == Some(event)).collect();
    if moving.is_empty() {
        return Ok(());
    }
    let sources = OrderStatus::sources(event);
    let Some((next, _)) = sources.first().and_then(|status| status.apply(event, now).ok()) else {
        return Ok(());
    };
    let ids: Vec<Uuid> = moving.iter().map(|(fact, _)| fact.order.uuid()).collect();
    let mut update = orders::Entity::update_many()
        .col_expr(orders::Column::Status, Expr::value(next.as_str()))
        .col_expr(orders::Column::UpdatedAt, Expr::value(now));
    if event == OrderEvent::Paid {
        let paid_at = by_id(
            orders::Column::Id,
            moving.iter().map(|(fact, _)| (fact.order.uuid(), fact.occurred_at.into())),
        );
        update = update.col_expr(orders::Column::PaidAt, paid_at);
    }
    if event == OrderEvent::PaidOtherwise {
        let reasons = moving.iter().filter_map(|(fact, verdict)| match verdict {
            Verdict::Review(reason) => Some((fact.order.uuid(), reason.as_str().into())),
            _ => None,
        });
        update = update.col_expr(orders::Column::ReviewReason, by_id(orders::Column::Id, reasons));
    }
    let changed = update
        .filter(orders::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(orders::Column::Id.is_in(ids.iter().copied()))
        .filter(orders::Column::Status.is_in(sources.iter().map(|status| status.as_str())))
        .exec(tx.connection())
        .await?
        .rows_affected;
    expect_rows("orders", changed, ids.len())
}

/// The provider's own codes lower what an order cost; the rare case, one by one.
async fn reprice(tx: &Tx, scope: &Scope, decided: &[Decided<'_>], world: &World) -> Result<()> {
    for (fact, verdict) in decided {
        let Verdict::Paid { provider_discount, application_fee } = verdict else { continue };
        let Some(row) = world.rows.get(&fact.order) else { continue };
        if *provider_discount == 0 && *application_fee == row.application_fee {
            continue;
        }
        orders::Entity::update_many()
            .col_expr(orders::Column::Discount, Expr::value(row.discount + provider_discount))
            .col_expr(orders::Column::Total, Expr::value(row.total - provider_discount))
            .col_expr(orders::Column::ApplicationFee, Expr::value(*application_fee))
            .filter(orders::Column::TenantId.eq(scope.tenant.uuid()))
            .filter(orders::Column::Id.eq(row.id))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// `sold = sold + q`, only where it stays within capacity: the last word against over-selling is the database's.
async fn take_seats(
    tx: &Tx,
    scope: &Scope,
    after: &BTreeMap<SlotId, SlotView>,
    before: &BTreeMap<SlotId, SlotView>,
    now: DateTime<Utc>,
) -> Result<()> {
    let taken: Vec<(Uuid, i64)> = after
        .iter()
        .filter_map(|(id, view)| Some((id.uuid(), view.sold - before.get(id)?.sold)))
        .filter(|(_, quantity)| *quantity != 0)
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    let quantity = || by_id(slots::Column::Id, taken.iter().map(|(id, quantity)| (*id, (*quantity).into())));
    let sold = || Expr::col(slots::Column::Sold).add(quantity());
    let changed = slots::Entity::update_many()
        .col_expr(slots::Column::Sold, sold())
        .col_expr(slots::Column::UpdatedAt, Expr::value(now))
        .filter(slots::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(slots::Column::Id.is_in(taken.iter().map(|(id, _)| *id)))
        .filter(sold().lte(Expr::col(slots::Column::Capacity)))
        .exec(tx.connection())
        .await?
        .rows_affected;
    expect_rows("slots", changed, taken.len())
}

/// Orders that are settled lose their holds; those to be captured get theirs, anew where they had run out.
async fn settle_holds(
    tx: &Tx,
    scope: &Scope,
    decided: &[Decided<'_>],
    world: &World,
    now: DateTime<Utc>,
) -> Result<()> {
    let ends = |verdict: &Verdict| {
        matches!(verdict, Verdict::Paid { .. } | Verdict::Unfulfillable(_) | Verdict::Capture)
    };
    let ended: Vec<Uuid> =
        decided.iter().filter(|(_, verdict)| ends(verdict)).map(|(fact, _)| fact.order.uuid()).collect();
    if !ended.is_empty() {
        slot_holds::Entity::delete_many()
            .filter(slot_holds::Column::TenantId.eq(scope.tenant.uuid()))
            .filter(slot_holds::Column::OrderId.is_in(ended))
            .exec(tx.connection())
            .await?;
    }
    let mut held = Vec::new();
    for (fact, _) in decided.iter().filter(|(_, verdict)| **verdict == Verdict::Capture) {
        let Some(order) = world.orders.get(&fact.order) else { continue };
        let expires_at = world.rows.get(&fact.order).map_or(now, |row| row.hold_expires_at);
        held.extend(order.held.iter().map(|(slot, quantity)| slot_holds::ActiveModel {
            tenant_id: Set(scope.tenant.uuid()),
            order_id: Set(fact.order.uuid()),
            slot_id: Set(slot.uuid()),
            quantity: Set(*quantity),
            expires_at: Set(expires_at),
            created_at: Set(now),
        }));
    }
    if !held.is_empty() {
        slot_holds::Entity::insert_many(held).exec_without_returning(tx.connection()).await?;
    }
    Ok(())
}

/// Records on each payment what the provider says of it: that much is true whatever became of the order. Evidence that
/// proves nothing changes nothing: the payment is still open, and must be ended at the provider before its seats go.
async fn settle_payments(
    tx: &Tx,
    scope: &Scope,
    decided: &[Decided<'_>],
    known: &HashMap<PaymentId, payments::Model>,
    now: DateTime<Utc>,
) -> Result<()> {
    let proven = |verdict: &Verdict| !matches!(verdict, Verdict::Ignored(_));
    let facts = || decided.iter().filter(|(_, verdict)| proven(verdict)).map(|(fact, _)| *fact);
    if facts().next().is_none() {
        return Ok(());
    }
    let column = |value: &dyn Fn(&Evidence) -> Value| {
        by_id(payments::Column::Id, facts().map(|fact| (fact.payment.uuid(), value(fact))))
    };
    let status = |fact: &Evidence| match fact.kind {
        EvidenceKind::Authorised => PaymentStatus::Authorised,
        EvidenceKind::Captured | EvidenceKind::Free => PaymentStatus::Succeeded,
    };
    let same_currency =
        |fact: &Evidence| known.get(&fact.payment).filter(|row| row.currency == fact.amount.currency.code());
    let amount = |fact: &Evidence| {
        same_currency(fact).map_or_else(|| known[&fact.payment].amount, |_| fact.amount.minor)
    };
    let fee = |fact: &Evidence| std::cmp::min(known[&fact.payment].application_fee, amount(fact));
    let changed = payments::Entity::update_many()
        .col_expr(payments::Column::Status, column(&|fact| status(fact).as_str().into()))
        .col_expr(payments::Column::Session, column(&|fact| fact.session.clone().into()))
        .col_expr(payments::Column::ProviderPayment, column(&|fact| fact.provider_payment.clone().into()))
        .col_expr(payments::Column::Amount, column(&|fact| amount(fact).into()))
        .col_expr(payments::Column::ApplicationFee, column(&|fact| fee(fact).into()))
        .col_expr(payments::Column::UpdatedAt, Expr::value(now))
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.is_in(facts().map(|fact| fact.payment.uuid())))
        .exec(tx.connection())
        .await?
        .rows_affected;
    let mut distinct: Vec<PaymentId> = facts().map(|fact| fact.payment).collect();
    distinct.sort_unstable();
    distinct.dedup();
    expect_rows("payments", changed, distinct.len())
}

async fn note_verdicts(tx: &Tx, scope: &Scope, decided: &[Decided<'_>]) -> Result<()> {
    use payment_receipts::Column as C;
    let mut case = CaseStatement::new();
    for (fact, verdict) in decided {
        case = case.case(Expr::col(C::Receipt).eq(fact.receipt.as_str()), verdict.as_str());
    }
    let mut any = Condition::any();
    for (fact, _) in decided {
        any = any.add(C::Provider.eq(fact.provider.as_str()).and(C::Receipt.eq(fact.receipt.as_str())));
    }
    payment_receipts::Entity::update_many()
        .col_expr(C::Verdict, case.into())
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(any)
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Money that bought nothing goes back: written down here, sent by a job. Says which refunds those are.
async fn owe_refunds(
    tx: &Tx,
    scope: &Scope,
    decided: &[Decided<'_>],
    world: &World,
    now: DateTime<Utc>,
) -> Result<Vec<RefundId>> {
    let mut rows = Vec::new();
    let mut ids = Vec::new();
    for (fact, verdict) in
        decided.iter().filter(|(fact, _)| fact.kind == EvidenceKind::Captured && fact.amount.minor > 0)
    {
        let kind = match verdict {
            Verdict::Unfulfillable(_) => RefundKind::Unfulfillable,
            Verdict::AlreadyPaid => RefundKind::Duplicate,
            _ => continue,
        };
        let id = RefundId::new();
        let model = world.rows.get(&fact.order);
        let fee = model.map_or(0, |row| std::cmp::min(row.application_fee, fact.amount.minor));
        let reversed = model.is_some_and(|row| row.charge_model == "destination");
        ids.push(id);
        rows.push(refunds::ActiveModel {
            tenant_id: Set(scope.tenant.uuid()),
            id: Set(id.uuid()),
            order_id: Set(fact.order.uuid()),
            payment_id: Set(fact.payment.uuid()),
            kind: Set(kind.to_string()),
            status: Set("pending".to_owned()),
            amount: Set(fact.amount.minor),
            currency: Set(fact.amount.currency.code()),
            application_fee_refunded: Set(fee),
            transfer_reversed: Set(if reversed { fact.amount.minor } else { 0 }),
            release: Set(false),
            released: Set(false),
            reason: Set(None),
            provider_refund: Set(None),
            failure: Set(None),
            requested_by: Set("system".to_owned()),
            created_at: Set(now),
            updated_at: Set(now),
        });
        reserve(tx, scope, fact, kind).await?;
    }
    if !rows.is_empty() {
        refunds::Entity::insert_many(rows).exec_without_returning(tx.connection()).await?;
    }
    Ok(ids)
}

async fn reserve(tx: &Tx, scope: &Scope, fact: &Evidence, kind: RefundKind) -> Result<()> {
    let changed = payments::Entity::update_many()
        .col_expr(payments::Column::Refunded, Expr::col(payments::Column::Amount))
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.eq(fact.payment.uuid()))
        .filter(payments::Column::Refunded.eq(0))
        .exec(tx.connection())
        .await?
        .rows_affected;
    expect_rows("payments to refund", changed, 1)?;
    // A duplicate payment's money never was the order's.
    if kind == RefundKind::Unfulfillable {
        orders::Entity::update_many()
            .col_expr(orders::Column::Refunded, Expr::col(orders::Column::Total))
            .filter(orders::Column::TenantId.eq(scope.tenant.uuid()))
            .filter(orders::Column::Id.eq(fact.order.uuid()))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// An order that comes to nothing gives its code's use back; one that was given up before, when it gave it back, and
/// is paid late after all, uses it again.
async fn settle_promotions(tx: &Tx, scope: &Scope, decided: &[Decided<'_>], world: &World) -> Result<()> {
    for (fact, verdict) in decided {
        let Some(row) = world.rows.get(&fact.order) else { continue };
        let Some(promotion) = row.promotion_id.map(PromotionId::from) else { continue };
        let open = row.status == "pending" || row.status == "processing";
        match verdict {
            Verdict::Unfulfillable(_) if open => {
                promotions::give_back(tx.connection(), scope, promotion).await?;
            }
            Verdict::Paid { .. } | Verdict::Capture if !open => {
                promotions::use_again(tx.connection(), scope, promotion).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn jobs_for(decided: &[Decided<'_>], refunds: Vec<RefundId>, now: DateTime<Utc>) -> Vec<NewJob> {
    let mut jobs: Vec<NewJob> =
        refunds.into_iter().map(|refund| NewJob::new(JobKind::SendRefund, refund, now)).collect();
    for (fact, verdict) in decided {
        let authorised = fact.kind == EvidenceKind::Authorised;
        match verdict {
            Verdict::Capture => jobs.push(NewJob::new(JobKind::CapturePayment, fact.payment, now)),
            Verdict::Unfulfillable(_) | Verdict::AlreadyPaid if authorised => {
                jobs.push(NewJob::new(JobKind::CancelAuthorisation, fact.payment, now));
            }
            Verdict::Paid { .. } | Verdict::Unfulfillable(_) => {
                jobs.push(NewJob::new(JobKind::OrderMail, fact.order, now));
            }
            Verdict::AlreadyPaid | Verdict::Review(_) | Verdict::Ignored(_) => {}
        }
    }
    jobs
}

/// Marks the webhooks that led here as done, in the same transaction.
pub(super) async fn finish_events(
    tx: &Tx,
    scope: &Scope,
    events: impl Iterator<Item = EventId>,
    now: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = events.map(EventId::uuid).collect();
    if ids.is_empty() {
        return Ok(());
    }
    webhook_events::Entity::update_many()
        .col_expr(webhook_events::Column::Status, Expr::value("done"))
        .col_expr(webhook_events::Column::FinishedAt, Expr::value(now))
        .filter(webhook_events::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(webhook_events::Column::Id.is_in(ids))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// `CASE id WHEN … THEN … END`: one value per row in one statement, on both databases.
fn by_id<C: ColumnTrait>(id: C, values: impl Iterator<Item = (Uuid, Value)>) -> Expr {
    let mut case = CaseStatement::new();
    for (row, value) in values {
        case = case.case(Expr::col(id).eq(row), Expr::value(value));
    }
    case.into()
}

fn expect_rows(what: &str, changed: u64, decided: usize) -> Result<()> {
    if changed == decided as u64 {
        Ok(())
    } else {
        Err(Error::Internal(format!("{decided} {what} were decided, {changed} changed")))
    }
}
