//! The platform's application fee: what the fee schedule makes of an order's total.

use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// A hundred per cent, in basis points.
pub const WHOLE: i64 = 10_000;

/// How the application fee is computed. Amounts are minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeSchedule {
    /// The rate in basis points, 0 to 10,000.
    pub fee_bps: i64,
    /// Added to the rate's share.
    pub fixed: i64,
    /// The fee is at least this.
    pub min: Option<i64>,
    /// The fee is at most this.
    pub max: Option<i64>,
}

/// Why a fee schedule makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFeeSchedule {
    /// The rate is outside 0 to 10,000 basis points.
    #[error("fee_bps must be between 0 and 10000")]
    Rate,
    /// An amount is negative.
    #[error("fixed, min and max must not be negative")]
    Negative,
    /// The least fee is above the greatest.
    #[error("min must not be above max")]
    MinAboveMax,
}

impl FeeSchedule {
    /// No fee at all.
    pub const NONE: Self = Self { fee_bps: 0, fixed: 0, min: None, max: None };

    /// Checks the bounds.
    pub fn validate(&self) -> Result<(), InvalidFeeSchedule> {
        if !(0..=WHOLE).contains(&self.fee_bps) {
            return Err(InvalidFeeSchedule::Rate);
        }
        if self.fixed < 0 || self.min.is_some_and(|v| v < 0) || self.max.is_some_and(|v| v < 0) {
            return Err(InvalidFeeSchedule::Negative);
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(InvalidFeeSchedule::MinAboveMax);
        }
        Ok(())
    }

    /// The fee on `total` minor units of `currency`: rate, half up to the smallest chargeable unit, plus the fixed
    /// part, within min and max, never above the total and never on nothing.
    pub fn fee_on(&self, total: i64, currency: Currency) -> i64 {
        if total <= 0 {
            return 0;
        }
        let share = i128::from(total) * i128::from(self.fee_bps) + i128::from(self.fixed) * i128::from(WHOLE);
        let fee = currency.round_half_up(share, i128::from(WHOLE)).unwrap_or(total);
        let fee = self.min.map_or(fee, |min| fee.max(min));
        let fee = self.max.map_or(fee, |max| fee.min(max));
        fee.min(total)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fee(fee_bps: i64, fixed: i64, min: Option<i64>, max: Option<i64>, total: i64, code: &str) -> i64 {
        FeeSchedule { fee_bps, fixed, min, max }.fee_on(total, code.parse().unwrap())
    }

    #[test]
    fn rounds_half_up_in_every_kind_of_currency() {
        assert_eq!(fee(1_000, 0, None, None, 2_500, "usd"), 250);
        assert_eq!(fee(250, 0, None, None, 1_010, "usd"), 25); // 25.25
        assert_eq!(fee(250, 0, None, None, 1_020, "usd"), 26); // 25.5
        assert_eq!(fee(1_000, 0, None, None, 15, "jpy"), 2); // 1.5 yen
        assert_eq!(fee(1_000, 0, None, None, 1_250, "kwd"), 130); // 0.125 dinar, last digit must be 0
        assert_eq!(fee(1_000, 0, None, None, 150_000, "isk"), 15_000);
        assert_eq!(fee(1_000, 0, None, None, 1_500, "isk"), 200); // 1.5 krona
    }

    #[test]
    fn fixed_min_max_and_the_total_bound_it() {
        assert_eq!(fee(500, 30, None, None, 1_000, "usd"), 80);
        assert_eq!(fee(100, 0, Some(50), None, 1_000, "usd"), 50);
        assert_eq!(fee(5_000, 0, None, Some(300), 1_000, "usd"), 300);
        assert_eq!(fee(0, 500, None, None, 100, "usd"), 100);
        assert_eq!(fee(0, 500, Some(100), None, 0, "usd"), 0);
    }

    #[test]
    fn nonsense_is_refused() {
        let ok = FeeSchedule { fee_bps: 500, fixed: 0, min: None, max: None };
        assert_eq!(ok.validate(), Ok(()));
        assert_eq!(FeeSchedule { fee_bps: 10_001, ..ok }.validate(), Err(InvalidFeeSchedule::Rate));
        assert_eq!(FeeSchedule { fee_bps: -1, ..ok }.validate(), Err(InvalidFeeSchedule::Rate));
        assert_eq!(FeeSchedule { fixed: -1, ..ok }.validate(), Err(InvalidFeeSchedule::Negative));
        assert_eq!(
            FeeSchedule { min: Some(2), max: Some(1), ..ok }.validate(),
            Err(InvalidFeeSchedule::MinAboveMax)
        );
    }

    proptest! {
        #[test]
        fn never_negative_never_above_the_total(fee_bps in 0_i64..=10_000, fixed in 0_i64..10_000, min in prop::option::of(0_i64..5_000), total in 0_i64..=99_999_999, code in prop::sample::select(vec!["usd", "jpy", "kwd", "isk"])) {
            let charged = fee(fee_bps, fixed, min, None, total, code);
            prop_assert!((0..=total).contains(&charged));
        }
    }
}
