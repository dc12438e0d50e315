//! Money: integers in a currency's minor unit, with checked arithmetic. Never a float, never without its currency.
//!
//! The minor unit is the one that Stripe's API uses, so that no conversion stands between souk's books and the
//! provider's: ISO 4217, except ISK and UGX (sent with two decimals that are always zero) and MGA (sent with none).
//! Source: docs.stripe.com/currencies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount that a provider accepts in one charge, in minor units (eight digits).
pub const MAX_CHARGE: i64 = 99_999_999;

/// An ISO 4217 currency; its text form is lower case, as providers write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// Why two amounts could not be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are of different currencies.
    #[error("amounts of different currencies cannot be combined")]
    CurrencyMismatch,
    /// The result does not fit in 64 bits.
    #[error("the amount is too large")]
    Overflow,
}

/// The text is not a currency that can be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a currency code that can be charged")]
pub struct UnknownCurrency;

impl Currency {
    /// US dollars.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// Euros.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The three-letter code in lower case.
    pub fn code(self) -> String {
        self.0.code().to_ascii_lowercase()
    }

    /// How many decimals the minor unit has.
    pub fn exponent(self) -> u32 {
        match self.0.code() {
            "ISK" | "UGX" => 2,
            "MGA" => 0,
            _ => self.0.exponent().map_or(2, u32::from),
        }
    }

    /// Every chargeable amount is a multiple of this many minor units: 10 where there are three decimals (the last
    /// digit must be 0), 100 for ISK and UGX (their decimals must be 00), else 1.
    pub fn step(self) -> i64 {
        match self.0.code() {
            "ISK" | "UGX" => 100,
            _ if self.exponent() == 3 => 10,
            _ => 1,
        }
    }

    /// The smallest charge that the provider accepts in this currency, in minor units; `None` where none is published.
    pub fn minimum_charge(self) -> Option<i64> {
        Some(match self.0.code() {
            "USD" | "AUD" | "BRL" | "CAD" | "CHF" | "EUR" | "INR" | "NZD" | "SGD" | "JPY" => 50,
            "GBP" => 30,
            "AED" | "MYR" | "PLN" | "RON" => 200,
            "BGN" => 100,
            "CZK" => 1_500,
            "DKK" => 250,
            "HKD" => 400,
            "HUF" => 17_500,
            "MXN" | "THB" => 1_000,
            "NOK" | "SEK" => 300,
            _ => return None,
        })
    }

    /// `numerator / denominator` rounded half up to a chargeable amount, for a numerator that is not negative.
    pub(crate) fn round_half_up(self, numerator: i128, denominator: i128) -> Option<i64> {
        let unit = denominator.checked_mul(i128::from(self.step()))?;
        let steps = (numerator.checked_mul(2)?.checked_add(unit)?) / unit.checked_mul(2)?;
        i64::try_from(steps.checked_mul(i128::from(self.step()))?).ok()
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let upper = text.to_ascii_uppercase();
        let currency = iso_currency::Currency::from_code(&upper).ok_or(UnknownCurrency)?;
        // Gold, drawing rights and test codes have no minor unit, hence no price.
        if text.len() != 3 || currency.exponent().is_none() {
            Err(UnknownCurrency)
        } else {
            Ok(Self(currency))
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in a currency's minor unit; may be negative only where a difference is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    #[serde(rename = "amount")]
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum, if both are of one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference, if both are of one currency and it fits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The amount `quantity` times.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    fn combine(self, other: Self, op: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = op(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

/// Splits `total` in proportion to `weights` so that the parts always sum to it: floor first, then the left-over
/// units one by one to the largest remainders, ties in order. `step` is the unit that is handed out
/// ([`Currency::step`]); the last part takes what is not a multiple of it. Weights that sum to zero give zero parts,
/// the first of which takes the total.
pub fn allocate(total: i64, weights: &[i64], step: i64) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    let mut parts = vec![0_i64; weights.len()];
    if weights.is_empty() {
        return parts;
    }
    if sum <= 0 {
        parts[0] = total;
        return parts;
    }
    let units = i128::from(total / step);
    let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
    let mut given: i128 = 0;
    for (index, weight) in weights.iter().enumerate() {
        let product = units * i128::from(*weight);
        // The quotient is at most `units`, which came from an i64.
        parts[index] = i64::try_from(product / sum).unwrap_or(0) * step;
        given += product / sum;
        remainders.push((product % sum, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let left = usize::try_from(units - given).unwrap_or(0);
    for (_, index) in remainders.into_iter().take(left) {
        parts[index] += step;
    }
    let last = parts.len() - 1;
    parts[last] += total % step;
    parts
}

impl fmt::Display for Money {
    /// `12.50 USD`, with as many decimals as the currency has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let minor = self.minor.unsigned_abs();
        let code = self.currency.0.code();
        if exponent == 0 {
            write!(f, "{sign}{minor} {code}")
        } else {
            write!(f, "{sign}{}.{:0width$} {code}", minor / unit, minor % unit, width = exponent as usize)
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn exponents_follow_iso_with_the_providers_exceptions() {
        for (code, exponent, step) in [
            ("usd", 2, 1),
            ("jpy", 0, 1),
            ("krw", 0, 1),
            ("kwd", 3, 10),
            ("isk", 2, 100),
            ("ugx", 2, 100),
            ("mga", 0, 1),
            ("huf", 2, 1),
        ] {
            assert_eq!((currency(code).exponent(), currency(code).step()), (exponent, step), "{code}");
        }
        for bad in ["", "us", "usdx", "xau", "abc", "ÄÖ"] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }

    #[test]
    fn shows_the_decimals_of_the_currency() {
        assert_eq!(Money::new(1250, Currency::USD).to_string(), "12.50 USD");
        assert_eq!(Money::new(-5, Currency::USD).to_string(), "-0.05 USD");
        assert_eq!(Money::new(1250, currency("jpy")).to_string(), "1250 JPY");
        assert_eq!(Money::new(1250, currency("kwd")).to_string(), "1.250 KWD");
    }

    #[test]
    fn two_currencies_never_add_up() {
        let sum = Money::new(1, Currency::USD).checked_add(Money::new(1, Currency::EUR));
        assert_eq!(sum, Err(MoneyError::CurrencyMismatch));
        assert_eq!(
            Money::new(i64::MAX, Currency::USD).checked_add(Money::new(1, Currency::USD)),
            Err(MoneyError::Overflow)
        );
    }

    proptest! {
        #[test]
        fn allocation_always_sums(total in 0_i64..=MAX_CHARGE, weights in prop::collection::vec(0_i64..1_000_000, 1..12), step in prop::sample::select(vec![1_i64, 10, 100])) {
            let parts = allocate(total, &weights, step);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            prop_assert!(parts.iter().all(|p| *p >= 0));
        }

        #[test]
        fn half_up_is_never_off_by_more_than_half_a_step(n in 0_i128..1_000_000_000_000, code in prop::sample::select(vec!["usd", "jpy", "kwd", "isk"])) {
            let currency = currency(code);
            let rounded = i128::from(currency.round_half_up(n, 10_000).unwrap());
            let unit = 10_000 * i128::from(currency.step());
            prop_assert_eq!(rounded % i128::from(currency.step()), 0);
            prop_assert!((rounded * 10_000 - n).abs() * 2 <= unit);
        }
    }
}
