//! What confirm reads: payments, receipts, and orders and slots under lock.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::confirm::{OrderView, SlotView};
use souk_domain::ids::{OrderId, PaymentId, SlotId};
use souk_domain::money::Money;
use souk_domain::payment::Evidence;
use souk_domain::people::Scope;
use uuid::Uuid;

use super::Fact;
use crate::catalogue::slots::held;
use crate::db::Tx;
use crate::entity::{order_lines, orders, payment_receipts, payments, slot_holds, slots};
use crate::error::{Result, stored};

/// The payments that the facts speak of, without those that are not what the fact says they are.
pub(super) async fn payments(
    tx: &Tx,
    scope: &Scope,
    facts: &[Fact],
) -> Result<HashMap<PaymentId, payments::Model>> {
    let ids: HashSet<Uuid> = facts.iter().map(|fact| fact.evidence.payment.uuid()).collect();
    let rows = payments::Entity::find()
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.is_in(ids))
        .all(tx.connection())
        .await?;
    let mut known: HashMap<PaymentId, payments::Model> =
        rows.into_iter().map(|row| (row.id.into(), row)).collect();
    for Fact { evidence, .. } in facts {
        let fits = known.get(&evidence.payment).is_some_and(|row| {
            let same_session =
                row.session.is_none() || evidence.session.is_none() || row.session == evidence.session;
            row.order_id == evidence.order.uuid()
                && row.provider == evidence.provider.as_str()
                && same_session
        });
        if !fits {
            known.remove(&evidence.payment);
        }
    }
    Ok(known)
}

/// Writes the receipts and says which facts are new: the database's unique key decides, whoever tells and however
/// often. A concurrent teller waits here until the first has committed.
pub(super) async fn insert_receipts(
    tx: &Tx,
    scope: &Scope,
    facts: &[Fact],
    known: &HashMap<PaymentId, payments::Model>,
    now: DateTime<Utc>,
) -> Result<Vec<usize>> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, fact) in facts.iter().enumerate() {
        if known.contains_key(&fact.evidence.payment) {
            first.entry(&fact.evidence.receipt).or_insert(index);
        }
    }
    if first.is_empty() {
        return Ok(Vec::new());
    }
    // In the order of the receipts, so that two batches with common members wait for each other rather than dead-lock.
    let rows = first.values().map(|index| {
        let evidence = &facts[*index].evidence;
        payment_receipts::ActiveModel {
            tenant_id: Set(scope.tenant.uuid()),
            provider: Set(evidence.provider.to_string()),
            receipt: Set(evidence.receipt.clone()),
            payment_id: Set(evidence.payment.uuid()),
            order_id: Set(evidence.order.uuid()),
            kind: Set(evidence.kind.to_string()),
            amount: Set(evidence.amount.minor),
            currency: Set(evidence.amount.currency.code()),
            verdict: Set(String::new()),
            source: Set(evidence.source.to_string()),
            occurred_at: Set(evidence.occurred_at),
            created_at: Set(now),
        }
    });
    use payment_receipts::Column as C;
    let known_already = OnConflict::columns([C::TenantId, C::Provider, C::Receipt]).do_nothing().to_owned();
    let inserted = payment_receipts::Entity::insert_many(rows)
        .on_conflict(known_already)
        .exec_with_returning(tx.connection())
        .await?;
    let inserted: HashSet<String> = inserted.into_iter().map(|row| row.receipt).collect();
    Ok(first.into_iter().filter(|(receipt, _)| inserted.contains(*receipt)).map(|(_, index)| index).collect())
}

/// Orders and slots as they are under lock.
pub(super) struct World {
    pub(super) orders: BTreeMap<OrderId, OrderView>,
    pub(super) slots: BTreeMap<SlotId, SlotView>,
    pub(super) rows: HashMap<OrderId, orders::Model>,
}

pub(super) async fn world(tx: &Tx, scope: &Scope, evidence: &[Evidence]) -> Result<World> {
    let tenant = scope.tenant.uuid();
    let ids: HashSet<Uuid> = evidence.iter().map(|fact| fact.order.uuid()).collect();
    if ids.is_empty() {
        return Ok(World { orders: BTreeMap::new(), slots: BTreeMap::new(), rows: HashMap::new() });
    }
    let rows = orders::Entity::find()
        .filter(orders::Column::TenantId.eq(tenant))
        .filter(orders::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(orders::Column::Id)
        .lock_exclusive()
        .all(tx.connection())
        .await?;
    let lines = order_lines::Entity::find()
        .filter(order_lines::Column::TenantId.eq(tenant))
        .filter(order_lines::Column::OrderId.is_in(ids.iter().copied()))
        .all(tx.connection())
        .await?;
    let slot_ids: HashSet<Uuid> = lines.iter().map(|line| line.slot_id).collect();
    let slots = lock_slots(tx, scope, slot_ids.iter().copied()).await?;
    let holds = slot_holds::Entity::find()
        .filter(slot_holds::Column::TenantId.eq(tenant))
        .filter(slot_holds::Column::OrderId.is_in(ids))
        .all(tx.connection())
        .await?;

    let mut orders = BTreeMap::new();
    for row in &rows {
        let currency = stored("orders.currency", &row.currency)?;
        let view = OrderView {
            status: stored("orders.status", &row.status)?,
            total: Money::new(row.total, currency),
            application_fee: row.application_fee,
            wanted: quantities(
                lines.iter().filter(|line| line.order_id == row.id).map(|line| (line.slot_id, line.quantity)),
            ),
            held: quantities(
                holds.iter().filter(|hold| hold.order_id == row.id).map(|hold| (hold.slot_id, hold.quantity)),
            ),
            provider_codes: row.provider_codes,
        };
        orders.insert(OrderId::from(row.id), view);
    }
    let rows = rows.into_iter().map(|row| (OrderId::from(row.id), row)).collect();
    Ok(World { orders, slots, rows })
}

fn quantities(pairs: impl Iterator<Item = (Uuid, i64)>) -> BTreeMap<SlotId, i64> {
    let mut sums = BTreeMap::new();
    for (slot, quantity) in pairs {
        *sums.entry(SlotId::from(slot)).or_insert(0) += quantity;
    }
    sums
}

/// Locks slots in the order of their ids and counts what is held on each; the count is taken after the lock.
pub(crate) async fn lock_slots(
    tx: &Tx,
    scope: &Scope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<SlotId, SlotView>> {
    let ids: Vec<Uuid> = ids.collect();
    let rows = slots::Entity::find()
        .filter(slots::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(slots::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(slots::Column::Id)
        .lock_exclusive()
        .all(tx.connection())
        .await?;
    let held = held(tx.connection(), scope, ids).await?;
    let view = |row: slots::Model| {
        let id = SlotId::from(row.id);
        let held = held.get(&row.id).copied().unwrap_or(0);
        (id, SlotView { capacity: row.capacity, sold: row.sold, held, open: row.status == "open" })
    };
    Ok(rows.into_iter().map(view).collect())
}
