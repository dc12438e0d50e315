//! The decision at the heart of souk: which of a batch of payments take their seats.
//!
//! [`decide`] is given orders, slots and evidence as they are under lock, and says for each piece of evidence what
//! it makes of its order. It never over-sells, whatever it is given, and never loses money: whoever has paid gets
//! the seats, the money back, or an admin's attention.

use std::collections::BTreeMap;

use crate::ids::{OrderId, SlotId};
use crate::money::Money;
use crate::order::{OrderEvent, OrderStatus};
use crate::payment::{Evidence, EvidenceKind};

/// A slot under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotView {
    /// Places in all.
    pub capacity: i64,
    /// Places paid for.
    pub sold: i64,
    /// Places held by unpaid orders, this one's included.
    pub held: i64,
    /// False where the seller has called it off.
    pub open: bool,
}

/// An order under lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// Where it stands.
    pub status: OrderStatus,
    /// What is asked for.
    pub total: Money,
    /// The platform's part of it, in minor units.
    pub application_fee: i64,
    /// Places wanted, by slot.
    pub wanted: BTreeMap<SlotId, i64>,
    /// Places it holds, by slot.
    pub held: BTreeMap<SlotId, i64>,
    /// Whether codes of the provider's own may lower the total.
    pub provider_codes: bool,
}

/// What one piece of evidence makes of its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The seats are its own. The order's final discount by the provider and fee, in minor units.
    Paid {
        /// Taken off by the provider's own codes.
        provider_discount: i64,
        /// Never above what was paid.
        application_fee: i64,
    },
    /// The money is reserved and the seats are held: capture it.
    Capture,
    /// Another payment came first: give this one back in full.
    AlreadyPaid,
    /// No room on this slot: no seat of the order is taken, everything goes back.
    Unfulfillable(SlotId),
    /// The money is not what was asked: keep it, tell an admin.
    Review(ReviewReason),
    /// Evidence that proves nothing: recorded, nothing else.
    Ignored(&'static str),
}

/// Why an admin must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewReason {
    /// Paid in another currency.
    Currency,
    /// Paid another amount.
    Amount,
}

impl ReviewReason {
    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Currency => "currency_mismatch",
            Self::Amount => "amount_mismatch",
        }
    }
}

impl Verdict {
    /// The event that the order's machine takes, if any.
    pub fn order_event(&self, kind: EvidenceKind) -> Option<OrderEvent> {
        match self {
            Self::Paid { .. } => Some(OrderEvent::Paid),
            Self::Capture => Some(OrderEvent::Authorised),
            Self::Unfulfillable(_) if kind == EvidenceKind::Authorised => {
                Some(OrderEvent::AuthorisedWithoutRoom)
            }
            Self::Unfulfillable(_) => Some(OrderEvent::PaidWithoutRoom),
            Self::Review(_) => Some(OrderEvent::PaidOtherwise),
            Self::AlreadyPaid | Self::Ignored(_) => None,
        }
    }

    /// The stable text form, as receipts keep it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Paid { .. } => "paid",
            Self::Capture => "capture",
            Self::AlreadyPaid => "already_paid",
            Self::Unfulfillable(_) => "unfulfillable",
            Self::Review(_) => "review",
            Self::Ignored(_) => "ignored",
        }
    }
}

/// Decides a batch. Evidence is taken in the order of the provider's times (ties: by receipt), whatever order it is
/// given in; the verdicts come back in the order of the argument. `orders` and `slots` are left as they will be
/// after the writes.
pub fn decide(
    orders: &mut BTreeMap<OrderId, OrderView>,
    slots: &mut BTreeMap<SlotId, SlotView>,
    evidence: &[Evidence],
) -> Vec<Verdict> {
    let mut turn: Vec<usize> = (0..evidence.len()).collect();
    turn.sort_by(|a, b| {
        let (a, b) = (&evidence[*a], &evidence[*b]);
        a.occurred_at.cmp(&b.occurred_at).then_with(|| a.receipt.cmp(&b.receipt))
    });
    let mut verdicts = vec![Verdict::Ignored("unknown order"); evidence.len()];
    for index in turn {
        let fact = &evidence[index];
        if let Some(order) = orders.get_mut(&fact.order) {
            verdicts[index] = decide_one(order, slots, fact);
        }
    }
    verdicts
}

fn decide_one(order: &mut OrderView, slots: &mut BTreeMap<SlotId, SlotView>, fact: &Evidence) -> Verdict {
    if OrderStatus::Paid == order.status || !OrderStatus::sources(OrderEvent::Paid).contains(&order.status) {
        return match fact.kind {
            EvidenceKind::Captured | EvidenceKind::Authorised => Verdict::AlreadyPaid,
            EvidenceKind::Free => Verdict::Ignored("the order is settled already"),
        };
    }
    if let Some(verdict) = amount_verdict(order, fact) {
        if let Verdict::Review(_) = verdict {
            order.status = OrderStatus::Review;
        }
        return verdict;
    }
    if let Some(full) =
        order.wanted.iter().find(|(slot, quantity)| !has_room(order, slots, **slot, **quantity))
    {
        let full = *full.0;
        give_holds_back(order, slots);
        order.status = OrderStatus::Unfulfillable;
        return Verdict::Unfulfillable(full);
    }
    if fact.kind == EvidenceKind::Authorised {
        take_holds(order, slots);
        order.status = OrderStatus::Processing;
        return Verdict::Capture;
    }
    give_holds_back(order, slots);
    for (slot, quantity) in &order.wanted {
        if let Some(slot) = slots.get_mut(slot) {
            slot.sold += quantity;
        }
    }
    order.status = OrderStatus::Paid;
    order.application_fee = order.application_fee.min(fact.amount.minor);
    Verdict::Paid { provider_discount: fact.provider_discount, application_fee: order.application_fee }
}

/// `None` where exactly what was asked has been paid.
fn amount_verdict(order: &OrderView, fact: &Evidence) -> Option<Verdict> {
    let discount = if order.provider_codes { fact.provider_discount } else { 0 };
    let due = order.total.minor - discount;
    let exact = fact.amount.currency == order.total.currency && fact.amount.minor == due && discount >= 0;
    if fact.kind == EvidenceKind::Free {
        // A session without a payment proves a free order and nothing else (a trial or a set-up has one too).
        return (!exact || due != 0)
            .then_some(Verdict::Ignored("nothing was due, yet the order is not free"));
    }
    if exact {
        None
    } else if fact.amount.currency == order.total.currency {
        Some(Verdict::Review(ReviewReason::Amount))
    } else {
        Some(Verdict::Review(ReviewReason::Currency))
    }
}

/// Whoever holds seats competes with what is sold; whoever lost the hold competes with other buyers' holds too.
fn has_room(order: &OrderView, slots: &BTreeMap<SlotId, SlotView>, slot: SlotId, quantity: i64) -> bool {
    let own = order.held.get(&slot).copied().unwrap_or(0);
    slots.get(&slot).is_some_and(|view| {
        let others = if own >= quantity { 0 } else { view.held - own };
        view.open && view.capacity - view.sold - others >= quantity
    })
}

fn give_holds_back(order: &mut OrderView, slots: &mut BTreeMap<SlotId, SlotView>) {
    for (slot, quantity) in std::mem::take(&mut order.held) {
        if let Some(view) = slots.get_mut(&slot) {
            view.held -= quantity;
        }
    }
}

fn take_holds(order: &mut OrderView, slots: &mut BTreeMap<SlotId, SlotView>) {
    give_holds_back(order, slots);
    for (slot, quantity) in &order.wanted {
        if let Some(view) = slots.get_mut(slot) {
            view.held += quantity;
        }
    }
    order.held = order.wanted.clone();
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
