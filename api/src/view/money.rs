//! Money in requests and answers: minor units and a currency, never a decimal.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use souk_domain::money::{Currency, Money};
use souk_infra::{Error, Result};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MoneyView {
    /// In the currency's minor unit: 2500 is 25.00 USD, and 2,500 JPY.
    #[schema(example = 2500)]
    pub amount: i64,
    /// Three letters, lower case.
    #[schema(example = "usd")]
    pub currency: String,
}

impl From<Money> for MoneyView {
    fn from(money: Money) -> Self {
        Self { amount: money.minor, currency: money.currency.code() }
    }
}

impl MoneyView {
    /// `minor` units of `currency`.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Money::new(minor, currency).into()
    }
}

/// An amount of money in a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoneyInput {
    /// In the currency's minor unit: 2500 is 25.00 USD, and 2,500 JPY.
    #[schema(example = 2500)]
    pub amount: i64,
    /// Three letters.
    #[schema(value_type = String, example = "usd")]
    pub currency: Currency,
}

impl From<MoneyInput> for Money {
    fn from(input: MoneyInput) -> Self {
        Self::new(input.amount, input.currency)
    }
}

/// An amount where the currency is known already: a bare number of minor units, or an amount of money that must then
/// be in that currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountInput {
    /// Minor units of the currency that is known.
    Minor(i64),
    /// With its currency.
    Money(Money),
}

impl AmountInput {
    /// The minor units, if the currency is the one that is known. `pointer` names the field in the error.
    pub fn minor_in(self, currency: Currency, pointer: &str) -> Result<i64> {
        match self {
            Self::Minor(minor) => Ok(minor),
            Self::Money(money) if money.currency == currency => Ok(money.minor),
            Self::Money(_) => Err(Error::invalid(pointer, format!("must be in {currency}"))),
        }
    }
}

impl<'de> Deserialize<'de> for AmountInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

/// Written out rather than untagged, so that a mistake inside the object is still named by its field.
struct AmountVisitor;

impl<'de> Visitor<'de> for AmountVisitor {
    type Value = AmountInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units, or an object with amount and currency")
    }

    fn visit_i64<E: de::Error>(self, minor: i64) -> std::result::Result<AmountInput, E> {
        Ok(AmountInput::Minor(minor))
    }

    fn visit_u64<E: de::Error>(self, minor: u64) -> std::result::Result<AmountInput, E> {
        i64::try_from(minor)
            .map(AmountInput::Minor)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(minor), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<AmountInput, A::Error> {
        let input = MoneyInput::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(AmountInput::Money(input.into()))
    }
}

impl PartialSchema for AmountInput {
    fn schema() -> RefOr<Schema> {
        let bare = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some("Minor units of the currency that is known already."))
            .build();
        OneOfBuilder::new().item(bare).item(Ref::from_schema_name("MoneyInput")).into()
    }
}

impl ToSchema for AmountInput {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("MoneyInput".to_owned(), MoneyInput::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> std::result::Result<AmountInput, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn takes_both_forms_and_explains_the_rest() {
        assert_eq!(read("250"), Ok(AmountInput::Minor(250)));
        assert_eq!(read("-1"), Ok(AmountInput::Minor(-1)));
        let money = AmountInput::Money(Money::new(250, Currency::USD));
        assert_eq!(read(r#"{"amount": 250, "currency": "usd"}"#), Ok(money));
        for bad in ["2.5", "\"250\"", "null", "[]", "99999999999999999999"] {
            assert!(read(bad).unwrap_err().contains("expected a whole number of minor units"), "{bad}");
        }
        assert!(read(r#"{"amount": 250}"#).unwrap_err().contains("missing field `currency`"));
        assert!(read(r#"{"amount": 250, "currency": "usd", "x": 1}"#).unwrap_err().contains("unknown field"));
    }

    #[test]
    fn another_currency_is_refused() {
        assert_eq!(AmountInput::Minor(5).minor_in(Currency::EUR, "/min").unwrap(), 5);
        let euros = AmountInput::Money(Money::new(5, Currency::EUR));
        assert_eq!(euros.minor_in(Currency::EUR, "/min").unwrap(), 5);
        assert_eq!(euros.minor_in(Currency::USD, "/min").unwrap_err().code(), Some("invalid_field"));
    }
}
