//! What an order costs: lines, discount, total and application fee, frozen when the order is written down.

use crate::fee::FeeSchedule;
use crate::ids::{ListingId, SellerId, SlotId};
use crate::money::{Currency, MAX_CHARGE, Money, MoneyError, allocate};

/// The most places that one line may ask for.
pub const MAX_QUANTITY: i64 = 1_000;
/// The most lines that one order may have.
pub const MAX_LINES: usize = 50;

/// What is asked for, with the price that the listing has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteLine {
    /// Which slot.
    pub slot: SlotId,
    /// Of which listing.
    pub listing: ListingId,
    /// Whose.
    pub seller: SellerId,
    /// Each.
    pub unit_price: Money,
    /// How many.
    pub quantity: i64,
}

/// What an order costs. All amounts are minor units of `currency`; `total = subtotal - discount`, the lines'
/// totals sum to the subtotal, their discounts to the discount and their fees to the application fee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Of every amount.
    pub currency: Currency,
    /// The lines' totals.
    pub line_totals: Vec<i64>,
    /// Each line's part of the discount.
    pub line_discounts: Vec<i64>,
    /// Each line's part of the fee.
    pub line_fees: Vec<i64>,
    /// Before the discount.
    pub subtotal: i64,
    /// Taken off.
    pub discount: i64,
    /// To be paid.
    pub total: i64,
    /// The platform's part of it.
    pub application_fee: i64,
}

/// Why an order cannot be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// No line, or too many.
    #[error("an order has 1 to {MAX_LINES} lines")]
    Lines,
    /// A quantity outside 1 to [`MAX_QUANTITY`].
    #[error("a quantity is between 1 and {MAX_QUANTITY}")]
    Quantity,
    /// The lines are priced in different currencies.
    #[error("all items must be priced in one currency")]
    MixedCurrencies,
    /// The provider does not take so little; the amount is the least it takes.
    #[error("the total is below the smallest amount that can be charged, {0}")]
    BelowMinimum(Money),
    /// The provider does not take so much.
    #[error("the total is above the largest amount that can be charged")]
    AboveMaximum,
}

/// Prices an order. The minimum is checked here, before the provider is asked; a total of zero is a free order.
pub fn quote(lines: &[QuoteLine], discount: i64, schedule: &FeeSchedule) -> Result<Quote, QuoteError> {
    let (currency, line_totals, subtotal) = subtotal(lines)?;
    let discount = discount.clamp(0, subtotal);
    let total = subtotal - discount;
    if total > MAX_CHARGE {
        return Err(QuoteError::AboveMaximum);
    }
    if let Some(minimum) = currency.minimum_charge()
        && total > 0
        && total < minimum
    {
        return Err(QuoteError::BelowMinimum(Money::new(minimum, currency)));
    }
    let application_fee = schedule.fee_on(total, currency);
    let line_discounts = allocate(discount, &line_totals, currency.step());
    let paid: Vec<i64> = line_totals.iter().zip(&line_discounts).map(|(t, d)| (t - d).max(0)).collect();
    let line_fees = allocate(application_fee, &paid, currency.step());
    Ok(Quote { currency, line_totals, line_discounts, line_fees, subtotal, discount, total, application_fee })
}

/// The currency, each line's total and their sum, before any discount.
pub fn subtotal(lines: &[QuoteLine]) -> Result<(Currency, Vec<i64>, i64), QuoteError> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(QuoteError::Lines);
    }
    let currency = lines[0].unit_price.currency;
    let mut sum = Money::zero(currency);
    let mut totals = Vec::with_capacity(lines.len());
    for line in lines {
        if !(1..=MAX_QUANTITY).contains(&line.quantity) {
            return Err(QuoteError::Quantity);
        }
        let total = line.unit_price.checked_mul(line.quantity).map_err(|_| QuoteError::AboveMaximum)?;
        sum = sum.checked_add(total).map_err(|error| match error {
            MoneyError::CurrencyMismatch => QuoteError::MixedCurrencies,
            MoneyError::Overflow => QuoteError::AboveMaximum,
        })?;
        totals.push(total.minor);
    }
    Ok((currency, totals, sum.minor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(minor: i64, quantity: i64, code: &str) -> QuoteLine {
        QuoteLine {
            slot: SlotId::new(),
            listing: ListingId::new(),
            seller: SellerId::new(),
            unit_price: Money::new(minor, code.parse().unwrap()),
            quantity,
        }
    }

    const TEN_PERCENT: FeeSchedule = FeeSchedule { fee_bps: 1_000, fixed: 0, min: None, max: None };

    #[test]
    fn refuses_what_the_provider_would_refuse() {
        assert_eq!(quote(&[], 0, &TEN_PERCENT), Err(QuoteError::Lines));
        assert_eq!(quote(&[line(100, 0, "usd")], 0, &TEN_PERCENT), Err(QuoteError::Quantity));
        let mixed = [line(100, 1, "usd"), line(100, 1, "eur")];
        assert_eq!(quote(&mixed, 0, &TEN_PERCENT), Err(QuoteError::MixedCurrencies));
        let least = QuoteError::BelowMinimum(Money::new(50, Currency::USD));
        assert_eq!(quote(&[line(100, 1, "usd")], 51, &TEN_PERCENT), Err(least));
        assert_eq!(quote(&[line(99_999_999, 2, "usd")], 0, &TEN_PERCENT), Err(QuoteError::AboveMaximum));
        assert_eq!(quote(&[line(i64::MAX, 2, "usd")], 0, &TEN_PERCENT), Err(QuoteError::AboveMaximum));
    }

    #[test]
    fn a_discount_never_makes_a_total_negative() {
        let free = quote(&[line(100, 1, "usd")], 10_000, &TEN_PERCENT).unwrap();
        assert_eq!((free.total, free.discount, free.application_fee), (0, 100, 0));
    }

    proptest! {
        #[test]
        fn everything_sums(prices in prop::collection::vec((50_i64..100_000, 1_i64..20), 1..8), off in 0_i64..200_000) {
            let lines: Vec<_> = prices.iter().map(|(price, quantity)| line(*price, *quantity, "usd")).collect();
            let Ok(q) = quote(&lines, off, &TEN_PERCENT) else { return Ok(()) };
            prop_assert_eq!(q.subtotal, q.line_totals.iter().sum::<i64>());
            prop_assert_eq!(q.discount, q.line_discounts.iter().sum::<i64>());
            prop_assert_eq!(q.application_fee, q.line_fees.iter().sum::<i64>());
            prop_assert_eq!(q.total, q.subtotal - q.discount);
            prop_assert!(q.total >= 0 && q.application_fee <= q.total);
        }
    }
}
