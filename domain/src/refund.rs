//! Refunds: what is given back with them, decided when they are written down so that partial ones sum to the whole.

use serde::{Deserialize, Serialize};

text_enum! {
    /// Where a refund stands.
    RefundStatus {
        /// The amount is reserved; the provider has perhaps not been asked yet.
        Pending = "pending",
        /// The provider wants something from the buyer.
        RequiresAction = "requires_action",
        /// The money is on its way back.
        Succeeded = "succeeded",
        /// The provider could not give it back; the amount is free again.
        Failed = "failed",
        /// Withdrawn at the provider; the amount is free again.
        Cancelled = "cancelled",
    }
}

impl RefundStatus {
    /// Whether nothing more is expected to happen. (A provider may still fail a refund that had succeeded.)
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Whether the amount counts as given back or about to be.
    pub fn reserves(self) -> bool {
        !matches!(self, Self::Failed | Self::Cancelled)
    }
}

text_enum! {
    /// Why there is a refund.
    RefundKind {
        /// A seller or admin asked for it.
        Requested = "requested",
        /// There was no seat for the money.
        Unfulfillable = "unfulfillable",
        /// The order had been paid already by another payment.
        Duplicate = "duplicate",
    }
}

/// The part of `fee` that goes back when the refunds of a payment of `total` rise from `before` to `after`: the
/// difference of the two floored shares, so that however a payment is refunded, the fee parts sum to the fee when
/// everything is refunded. All in minor units of one currency.
pub fn share_of_fee(fee: i64, total: i64, before: i64, after: i64) -> i64 {
    if total <= 0 {
        return 0;
    }
    let share = |refunded: i64| i128::from(fee) * i128::from(refunded.clamp(0, total)) / i128::from(total);
    i64::try_from(share(after) - share(before)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn partial_fee_refunds_sum_to_the_fee(total in 1_i64..1_000_000, fee_part in 0_i64..=100, cuts in prop::collection::vec(0_i64..1_000_000, 0..6)) {
            let fee = total * fee_part / 100;
            let mut points: Vec<i64> = cuts.into_iter().map(|cut| cut % total).chain([0, total]).collect();
            points.sort_unstable();
            let parts: Vec<i64> = points.windows(2).map(|w| share_of_fee(fee, total, w[0], w[1])).collect();
            prop_assert_eq!(parts.iter().sum::<i64>(), fee);
            prop_assert!(parts.iter().all(|part| *part >= 0));
        }
    }

    #[test]
    fn nothing_paid_nothing_back() {
        assert_eq!(share_of_fee(0, 0, 0, 0), 0);
        assert_eq!(share_of_fee(123, 1_000, 0, 500), 61);
        assert_eq!(share_of_fee(123, 1_000, 500, 1_000), 62);
    }
}
