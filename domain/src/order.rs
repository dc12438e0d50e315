//! The order's status machine.
//!
//! The `UPDATE … WHERE status IN (…)` that writes a transition takes its list from [`OrderStatus::sources`], so that
//! the database and this table cannot disagree.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

text_enum! {
    /// Where an order stands. What is refunded is a sum on the order, not a status.
    OrderStatus {
        /// Holding seats, waiting for payment.
        Pending = "pending",
        /// A payment is under way that takes time (bank debit, capture after authorisation); the hold stays.
        Processing = "processing",
        /// Paid, seats taken.
        Paid = "paid",
        /// The hold ran out before a payment.
        Expired = "expired",
        /// Given up by the buyer or an admin before a payment.
        Cancelled = "cancelled",
        /// The payment failed for good, or could not be set up.
        Failed = "failed",
        /// Paid or authorised, but a seat was gone: nothing taken, everything given back.
        Unfulfillable = "unfulfillable",
        /// Paid, but not what was asked: an admin decides.
        Review = "review",
    }
}

/// What can happen to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The provider says that a payment has begun and will take time.
    ProcessingBegan,
    /// The provider holds the money for us; we are to capture it.
    Authorised,
    /// Money arrived (or nothing was due) and every seat is there.
    Paid,
    /// Money arrived, but a seat is gone.
    PaidWithoutRoom,
    /// Authorised, but a seat is gone.
    AuthorisedWithoutRoom,
    /// Money arrived that is not what was asked.
    PaidOtherwise,
    /// A payment that was under way failed for good.
    PaymentFailed,
    /// The provider could not set the payment up.
    SetupFailed,
    /// The hold ran out and the provider has been told.
    HoldExpired,
    /// Buyer or admin gave up and the provider has been told.
    Cancelled,
}

/// What must be written in the same transaction as the new status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEffect {
    /// Add the quantities to the slots' `sold`.
    TakeSeats,
    /// Delete the order's holds.
    ReleaseHolds,
    /// Give a promotion's redemption back.
    ReleasePromotion,
    /// A job: capture the authorised payment.
    Capture,
    /// A job: cancel the authorised payment.
    CancelAuthorisation,
    /// A job: refund the payment in full, application fee and transfer included.
    RefundInFull,
    /// A job: tell the buyer.
    SendConfirmation,
}

/// The event cannot happen to an order in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} does not take {event:?}")]
pub struct Rejected {
    /// The status it has.
    pub from: OrderStatus,
    /// What was tried.
    pub event: OrderEvent,
}

impl OrderStatus {
    /// The next status and what goes with it.
    pub fn apply(self, event: OrderEvent, _now: DateTime<Utc>) -> Result<(Self, Vec<OrderEffect>), Rejected> {
        use OrderEffect as Do;
        use OrderEvent as E;
        use OrderStatus as S;
        let rejected = Rejected { from: self, event };
        // Money that has been taken may reach an order that was given up; it is then honoured or given back.
        let open = matches!(self, S::Pending | S::Processing);
        let given_up = matches!(self, S::Expired | S::Cancelled | S::Failed);
        Ok(match event {
            E::ProcessingBegan if open || given_up => (S::Processing, vec![]),
            E::Authorised if open || given_up => (S::Processing, vec![Do::Capture]),
            E::Paid if open || given_up => {
                (S::Paid, vec![Do::TakeSeats, Do::ReleaseHolds, Do::SendConfirmation])
            }
            E::PaidWithoutRoom if open || given_up => (
                S::Unfulfillable,
                vec![Do::ReleaseHolds, Do::ReleasePromotion, Do::RefundInFull, Do::SendConfirmation],
            ),
            E::AuthorisedWithoutRoom if open || given_up => {
                (S::Unfulfillable, vec![Do::ReleaseHolds, Do::ReleasePromotion, Do::CancelAuthorisation])
            }
            E::PaidOtherwise if open || given_up => (S::Review, vec![]),
            E::PaymentFailed if self == S::Processing => {
                (S::Failed, vec![Do::ReleaseHolds, Do::ReleasePromotion])
            }
            E::SetupFailed if self == S::Pending => (S::Failed, vec![Do::ReleaseHolds, Do::ReleasePromotion]),
            E::HoldExpired if self == S::Pending => {
                (S::Expired, vec![Do::ReleaseHolds, Do::ReleasePromotion])
            }
            E::Cancelled if self == S::Pending => {
                (S::Cancelled, vec![Do::ReleaseHolds, Do::ReleasePromotion])
            }
            _ => return Err(rejected),
        })
    }

    /// The statuses that take `event`: the WHERE clause of its UPDATE.
    pub fn sources(event: OrderEvent) -> Vec<Self> {
        let now = DateTime::UNIX_EPOCH;
        Self::ALL.iter().copied().filter(|status| status.apply(event, now).is_ok()).collect()
    }

    /// Whether a buyer may still pay.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Processing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table: what each event makes of each status, `None` where it is refused.
    #[test]
    fn full_transition_table() {
        use OrderEvent as E;
        use OrderStatus as S;
        let table: &[(E, [Option<S>; 8])] = &[
            // pending, processing, paid, expired, cancelled, failed, unfulfillable, review
            (E::ProcessingBegan, row("P P - P P P - -", S::Processing)),
            (E::Authorised, row("P P - P P P - -", S::Processing)),
            (E::Paid, row("P P - P P P - -", S::Paid)),
            (E::PaidWithoutRoom, row("P P - P P P - -", S::Unfulfillable)),
            (E::AuthorisedWithoutRoom, row("P P - P P P - -", S::Unfulfillable)),
            (E::PaidOtherwise, row("P P - P P P - -", S::Review)),
            (E::PaymentFailed, row("- P - - - - - -", S::Failed)),
            (E::SetupFailed, row("P - - - - - - -", S::Failed)),
            (E::HoldExpired, row("P - - - - - - -", S::Expired)),
            (E::Cancelled, row("P - - - - - - -", S::Cancelled)),
        ];
        for (event, expected) in table {
            for (status, expected) in S::ALL.iter().zip(expected) {
                let got = status.apply(*event, DateTime::UNIX_EPOCH).ok().map(|(next, _)| next);
                assert_eq!(got, *expected, "{status} + {event:?}");
            }
        }
    }

    fn row(marks: &str, to: OrderStatus) -> [Option<OrderStatus>; 8] {
        let cells: Vec<_> = marks.split(' ').map(|mark| (mark == "P").then_some(to)).collect();
        cells.try_into().unwrap()
    }

    #[test]
    fn seats_are_taken_by_payment_alone_and_money_without_a_seat_always_goes_back() {
        use OrderEffect as Do;
        for event in [
            OrderEvent::Paid,
            OrderEvent::PaidWithoutRoom,
            OrderEvent::HoldExpired,
            OrderEvent::Cancelled,
            OrderEvent::PaymentFailed,
            OrderEvent::ProcessingBegan,
        ] {
            for status in OrderStatus::ALL {
                let Ok((next, effects)) = status.apply(event, DateTime::UNIX_EPOCH) else { continue };
                assert_eq!(effects.contains(&Do::TakeSeats), next == OrderStatus::Paid);
                assert_eq!(effects.contains(&Do::RefundInFull), next == OrderStatus::Unfulfillable);
            }
        }
    }
}
