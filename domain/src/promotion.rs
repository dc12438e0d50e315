//! Promotions: souk's own codes, whose discount souk computes and the provider's page only shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::fee::WHOLE;
use crate::money::Money;

/// What a code takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Basis points of the subtotal, 1 to 10,000.
    Percent(i64),
    /// A fixed amount, in its currency only.
    Amount(Money),
}

/// A promotion as the tenant set it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// What it takes off.
    pub discount: Discount,
    /// Switched on by the tenant.
    pub active: bool,
    /// From when it may be used.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it may be used.
    pub ends_at: Option<DateTime<Utc>>,
    /// The least subtotal, in minor units of the order's currency.
    pub min_subtotal: Option<i64>,
}

/// Why a code gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PromotionRefused {
    /// Not active, not yet valid, or over.
    #[error("this code is not valid now")]
    NotValidNow,
    /// The order is too small.
    #[error("the order is below this code's minimum")]
    BelowMinimum,
    /// A fixed discount in another currency.
    #[error("this code is for another currency")]
    OtherCurrency,
}

impl Promotion {
    /// What the code takes off `subtotal` at `now`: half up to a chargeable amount, never more than the subtotal.
    pub fn discount_on(&self, subtotal: Money, now: DateTime<Utc>) -> Result<Money, PromotionRefused> {
        let begun = self.starts_at.is_none_or(|at| at <= now);
        let over = self.ends_at.is_some_and(|at| at <= now);
        if !self.active || !begun || over {
            return Err(PromotionRefused::NotValidNow);
        }
        if self.min_subtotal.is_some_and(|min| subtotal.minor < min) {
            return Err(PromotionRefused::BelowMinimum);
        }
        let off = match self.discount {
            Discount::Percent(bps) => {
                let share = i128::from(subtotal.minor) * i128::from(bps);
                subtotal.currency.round_half_up(share, i128::from(WHOLE)).unwrap_or(subtotal.minor)
            }
            Discount::Amount(money) if money.currency == subtotal.currency => money.minor,
            Discount::Amount(_) => return Err(PromotionRefused::OtherCurrency),
        };
        Ok(Money::new(off.clamp(0, subtotal.minor), subtotal.currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn promotion(discount: Discount) -> Promotion {
        Promotion { discount, active: true, starts_at: None, ends_at: None, min_subtotal: None }
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn never_takes_more_than_there_is() {
        let now = Utc::now();
        assert_eq!(promotion(Discount::Percent(1_000)).discount_on(usd(2_505), now), Ok(usd(251)));
        assert_eq!(promotion(Discount::Percent(10_000)).discount_on(usd(2_505), now), Ok(usd(2_505)));
        assert_eq!(promotion(Discount::Amount(usd(3_000))).discount_on(usd(2_505), now), Ok(usd(2_505)));
        let euro = promotion(Discount::Amount(Money::new(100, Currency::EUR)));
        assert_eq!(euro.discount_on(usd(2_505), now), Err(PromotionRefused::OtherCurrency));
    }

    #[test]
    fn only_within_its_time_and_above_its_minimum() {
        let now = Utc::now();
        let base = promotion(Discount::Percent(1_000));
        let refused = Err(PromotionRefused::NotValidNow);
        assert_eq!(Promotion { active: false, ..base.clone() }.discount_on(usd(100), now), refused);
        assert_eq!(Promotion { ends_at: Some(now), ..base.clone() }.discount_on(usd(100), now), refused);
        let later = now + chrono::Duration::seconds(1);
        assert_eq!(Promotion { starts_at: Some(later), ..base.clone() }.discount_on(usd(100), now), refused);
        let minimum = Promotion { min_subtotal: Some(101), ..base };
        assert_eq!(minimum.discount_on(usd(100), now), Err(PromotionRefused::BelowMinimum));
    }
}
