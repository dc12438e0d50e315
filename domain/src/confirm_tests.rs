//! Tables and properties of [`decide`].

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;

use super::*;
use crate::ids::PaymentId;
use crate::money::Currency;
use crate::payment::{EvidenceSource, Provider};

struct World {
    orders: BTreeMap<OrderId, OrderView>,
    slots: BTreeMap<SlotId, SlotView>,
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

fn paid(order: OrderId, receipt: &str, minor: i64, seconds: i64) -> Evidence {
    Evidence {
        provider: Provider::Stripe,
        payment: PaymentId::new(),
        order,
        receipt: receipt.to_owned(),
        session: None,
        provider_payment: Some(receipt.to_owned()),
        kind: EvidenceKind::Captured,
        amount: usd(minor),
        provider_discount: 0,
        occurred_at: at(seconds),
        source: EvidenceSource::Webhook,
    }
}

impl World {
    fn with_slot(capacity: i64) -> (Self, SlotId) {
        let slot = SlotId::new();
        let view = SlotView { capacity, sold: 0, held: 0, open: true };
        (Self { orders: BTreeMap::new(), slots: BTreeMap::from([(slot, view)]) }, slot)
    }

    fn order(&mut self, slot: SlotId, quantity: i64, hold: bool) -> OrderId {
        let id = OrderId::new();
        let wanted = BTreeMap::from([(slot, quantity)]);
        let held = if hold { wanted.clone() } else { BTreeMap::new() };
        if hold {
            self.slots.get_mut(&slot).unwrap().held += quantity;
        }
        let status = if hold { OrderStatus::Pending } else { OrderStatus::Expired };
        let view = OrderView {
            status,
            total: usd(1_000),
            application_fee: 100,
            wanted,
            held,
            provider_codes: false,
        };
        self.orders.insert(id, view);
        id
    }

    fn decide(&mut self, evidence: &[Evidence]) -> Vec<Verdict> {
        decide(&mut self.orders, &mut self.slots, evidence)
    }
}

const PAID: Verdict = Verdict::Paid { provider_discount: 0, application_fee: 100 };

#[test]
fn a_late_payment_is_honoured_while_there_is_room_but_never_from_another_buyers_hold() {
    let (mut world, slot) = World::with_slot(2);
    let late = world.order(slot, 1, false);
    let holder = world.order(slot, 1, true);
    let later = world.order(slot, 1, false);
    let verdicts = world.decide(&[
        paid(late, "pi_1", 1_000, 1),
        paid(later, "pi_2", 1_000, 2),
        paid(holder, "pi_3", 1_000, 3),
    ]);
    assert_eq!(verdicts, [PAID, Verdict::Unfulfillable(slot), PAID]);
    assert_eq!(world.slots[&slot], SlotView { capacity: 2, sold: 2, held: 0, open: true });
}

#[test]
fn the_providers_times_decide_not_the_order_of_arrival() {
    let (mut world, slot) = World::with_slot(1);
    let (first, second) = (world.order(slot, 1, false), world.order(slot, 1, false));
    let verdicts = world.decide(&[paid(second, "pi_2", 1_000, 20), paid(first, "pi_1", 1_000, 10)]);
    assert_eq!(verdicts, [Verdict::Unfulfillable(slot), PAID]);
}

#[test]
fn a_second_payment_of_one_order_comes_back() {
    let (mut world, slot) = World::with_slot(5);
    let order = world.order(slot, 2, true);
    let verdicts = world.decide(&[paid(order, "pi_1", 1_000, 1), paid(order, "pi_2", 1_000, 2)]);
    assert_eq!(verdicts, [PAID, Verdict::AlreadyPaid]);
    assert_eq!(world.slots[&slot].sold, 2);
}

#[test]
fn another_amount_or_currency_goes_to_review_and_takes_no_seat() {
    let (mut world, slot) = World::with_slot(5);
    let (less, other) = (world.order(slot, 1, true), world.order(slot, 1, true));
    let mut euro = paid(other, "pi_2", 1_000, 2);
    euro.amount = Money::new(1_000, Currency::EUR);
    let verdicts = world.decide(&[paid(less, "pi_1", 999, 1), euro]);
    assert_eq!(verdicts, [Verdict::Review(ReviewReason::Amount), Verdict::Review(ReviewReason::Currency)]);
    assert_eq!(world.slots[&slot].sold, 0);
}

#[test]
fn the_providers_own_codes_count_only_where_allowed() {
    let (mut world, slot) = World::with_slot(5);
    let (allowed, not) = (world.order(slot, 1, true), world.order(slot, 1, true));
    world.orders.get_mut(&allowed).unwrap().provider_codes = true;
    let discounted =
        |order, receipt: &str| Evidence { provider_discount: 950, ..paid(order, receipt, 50, 1) };
    let verdicts = world.decide(&[discounted(allowed, "pi_1"), discounted(not, "pi_2")]);
    assert_eq!(verdicts[0], Verdict::Paid { provider_discount: 950, application_fee: 50 });
    assert_eq!(verdicts[1], Verdict::Review(ReviewReason::Amount));
}

#[test]
fn nothing_due_confirms_a_free_order_and_nothing_else() {
    let (mut world, slot) = World::with_slot(5);
    let (free, dear) = (world.order(slot, 1, true), world.order(slot, 1, true));
    world.orders.get_mut(&free).unwrap().total = usd(0);
    let nothing = |order, receipt: &str| Evidence { kind: EvidenceKind::Free, ..paid(order, receipt, 0, 1) };
    let verdicts = world.decide(&[nothing(free, "cs_1"), nothing(dear, "cs_2")]);
    assert_eq!(verdicts[0], Verdict::Paid { provider_discount: 0, application_fee: 0 });
    assert!(matches!(verdicts[1], Verdict::Ignored(_)));
    assert_eq!(world.orders[&dear].status, OrderStatus::Pending);
}

#[test]
fn an_authorisation_claims_the_seat_before_it_is_captured() {
    let (mut world, slot) = World::with_slot(1);
    let (first, second) = (world.order(slot, 1, false), world.order(slot, 1, false));
    let authorised = |order, receipt: &str, s| Evidence {
        kind: EvidenceKind::Authorised,
        ..paid(order, receipt, 1_000, s)
    };
    let verdicts = world.decide(&[authorised(first, "pi_1", 1), authorised(second, "pi_2", 2)]);
    assert_eq!(verdicts, [Verdict::Capture, Verdict::Unfulfillable(slot)]);
    assert_eq!((world.slots[&slot].sold, world.slots[&slot].held), (0, 1));
    assert_eq!(world.decide(&[paid(first, "pi_1", 1_000, 3)]), [PAID]);
    assert_eq!((world.slots[&slot].sold, world.slots[&slot].held), (1, 0));
}

#[test]
fn a_slot_that_was_called_off_sells_nothing() {
    let (mut world, slot) = World::with_slot(5);
    let order = world.order(slot, 1, true);
    world.slots.get_mut(&slot).unwrap().open = false;
    assert_eq!(world.decide(&[paid(order, "pi_1", 1_000, 1)]), [Verdict::Unfulfillable(slot)]);
    assert_eq!(world.slots[&slot].held, 0);
}

proptest! {
    /// Whatever arrives in whatever order: never more sold than there is, never a holder turned away, and each
    /// payment has seats, a refund or a reviewer.
    #[test]
    fn never_oversold_and_no_holder_turned_away(
        capacity in 1_i64..12,
        buyers in prop::collection::vec((1_i64..4, any::<bool>(), 0_i64..5, 1_usize..3), 1..12),
    ) {
        let (mut world, slot) = World::with_slot(capacity);
        let mut evidence = Vec::new();
        let mut holders = Vec::new();
        for (index, (quantity, wants_hold, seconds, times)) in buyers.iter().enumerate() {
            let hold = *wants_hold && world.slots[&slot].held + quantity <= capacity;
            let order = world.order(slot, *quantity, hold);
            if hold {
                holders.push(order);
            }
            for again in 0..*times {
                evidence.push(paid(order, &format!("pi_{index}_{again}"), 1_000, *seconds));
            }
        }
        let verdicts = world.decide(&evidence);
        let view = world.slots[&slot];
        prop_assert!(view.sold <= view.capacity && view.held >= 0);
        let sold: i64 = world.orders.values().filter(|o| o.status == OrderStatus::Paid).map(|o| o.wanted[&slot]).sum();
        prop_assert_eq!(sold, view.sold);
        for holder in holders {
            prop_assert_eq!(world.orders[&holder].status, OrderStatus::Paid);
        }
        for order in world.orders.keys() {
            let of_order = evidence.iter().zip(&verdicts).filter(|(fact, _)| fact.order == *order);
            let confirmed = of_order.filter(|(_, verdict)| matches!(verdict, Verdict::Paid { .. })).count();
            prop_assert!(confirmed <= 1);
        }
    }
}
