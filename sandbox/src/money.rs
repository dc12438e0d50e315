//! Currencies and the arithmetic of fees, in integer minor units.

use serde_json::Value;

use crate::error::StripeError;

/// The largest amount that Stripe takes.
pub(crate) const LARGEST: i64 = 99_999_999;

const ZERO_DECIMAL: &[&str] = &[
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
];
const THREE_DECIMAL: &[&str] = &["bhd", "jod", "kwd", "omr", "tnd"];
/// The smallest charge, in minor units.
const MINIMUM: &[(&str, i64)] = &[
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];
const EURO_COUNTRIES: &[&str] = &[
    "AT", "BE", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV", "MT", "NL",
    "PT", "SI", "SK",
];

/// How many decimals an amount of this currency has when people read it.
pub(crate) fn decimals(currency: &str) -> usize {
    if ZERO_DECIMAL.contains(&currency) {
        0
    } else if THREE_DECIMAL.contains(&currency) {
        3
    } else {
        2
    }
}

pub(crate) fn minimum(currency: &str) -> i64 {
    MINIMUM.iter().find(|(name, _)| *name == currency).map_or(1, |(_, amount)| *amount)
}

pub(crate) fn currency_of_country(country: &str) -> &'static str {
    match country {
        "GB" => "gbp",
        "CA" => "cad",
        "AU" => "aud",
        "NZ" => "nzd",
        "CH" => "chf",
        "JP" => "jpy",
        "SE" => "sek",
        "NO" => "nok",
        "DK" => "dkk",
        "PL" => "pln",
        "CZ" => "czk",
        "HU" => "huf",
        "RO" => "ron",
        "SG" => "sgd",
        "HK" => "hkd",
        "MX" => "mxn",
        "BR" => "brl",
        "IN" => "inr",
        "MY" => "myr",
        "TH" => "thb",
        "AE" => "aed",
        country if EURO_COUNTRIES.contains(&country) => "eur",
        _ => "usd",
    }
}

/// `part / whole` of `amount`, rounded half up. All are non-negative and `whole` is positive.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole.max(1)));
    i64::try_from((amount * part * 2 + whole) / (whole * 2)).unwrap_or(i64::MAX)
}

/// Stripe's own fee on a charge: a rate in hundredths of a percent and a fixed part, never more than the
/// charge itself.
pub(crate) fn processing_fee(amount: i64, rate_bps: u32, fixed: i64) -> i64 {
    (share(amount, i64::from(rate_bps), 10_000) + fixed).min(amount)
}

/// `$5.00`, `¥500`, `5.000 KWD`: for messages and pages.
pub(crate) fn display(amount: i64, currency: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let places = decimals(currency);
    let unit = 10_i64.pow(u32::try_from(places).unwrap_or(0));
    let (whole, rest) = (amount.abs() / unit, amount.abs() % unit);
    let number = if places == 0 { whole.to_string() } else { format!("{whole}.{rest:0places$}") };
    match currency {
        "usd" => format!("{sign}${number}"),
        "eur" => format!("{sign}€{number}"),
        "gbp" => format!("{sign}£{number}"),
        "jpy" => format!("{sign}¥{number}"),
        other => format!("{sign}{number} {}", other.to_uppercase()),
    }
}

/// A currency as Stripe keeps it: lower case, three letters.
pub(crate) fn currency(text: &str, param: &str) -> Result<String, StripeError> {
    let lower = text.to_lowercase();
    if lower.len() == 3 && lower.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(lower);
    }
    let message = format!(
        "Invalid currency: {text}. Stripe currently supports these currencies: usd, eur, gbp, jpy, …"
    );
    Err(StripeError::invalid(message).param(param))
}

/// Whether an amount can be charged: neither too small nor too large, and of a step that exists.
pub(crate) fn check_charge(amount: i64, currency: &str, param: &str) -> Result<(), StripeError> {
    if amount < 1 {
        let message = "This value must be greater than or equal to 1.";
        return Err(StripeError::invalid(message).code("parameter_invalid_integer").param(param));
    }
    if amount < minimum(currency) {
        let least = display(minimum(currency), currency);
        let message = format!("Amount must be at least {least} {currency}");
        return Err(StripeError::invalid(message).code("amount_too_small").param(param));
    }
    check_largest(amount, currency, param)?;
    check_step(amount, currency, param)
}

pub(crate) fn check_largest(amount: i64, currency: &str, param: &str) -> Result<(), StripeError> {
    if amount <= LARGEST {
        return Ok(());
    }
    let message = format!("Amount must be no more than {}", display(LARGEST, currency));
    Err(StripeError::invalid(message).code("amount_too_large").param(param))
}

/// Three-decimal currencies are charged in steps of ten, ISK and UGX in steps of a hundred.
pub(crate) fn check_step(amount: i64, currency: &str, param: &str) -> Result<(), StripeError> {
    let step = match currency {
        "isk" | "ugx" => 100,
        currency if THREE_DECIMAL.contains(&currency) => 10,
        _ => 1,
    };
    if amount % step == 0 {
        return Ok(());
    }
    let message = format!("Amounts in {currency} must be a multiple of {step}.");
    Err(StripeError::invalid(message).code("parameter_invalid_integer").param(param))
}

/// A percentage such as `12.5` in ten-thousandths of a percent, so that no float is needed.
pub(crate) fn percent(text: &str, param: &str) -> Result<i64, StripeError> {
    let wrong = || StripeError::invalid("percent_off must be between 0 and 100").param(param);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{:0<4}", fraction.get(..fraction.len().min(4)).unwrap_or_default());
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let scaled = whole * 10_000 + fraction.parse::<i64>().map_err(|_| wrong())?;
    if (1..=1_000_000).contains(&scaled) { Ok(scaled) } else { Err(wrong()) }
}

/// The percentage as the JSON number that Stripe shows.
pub(crate) fn percent_number(text: &str) -> Value {
    text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processing_fee_is_the_worked_example() {
        assert_eq!(processing_fee(1_000, 290, 30), 59);
        assert_eq!(processing_fee(20, 290, 30), 20);
    }

    #[test]
    fn percentages_are_exact() {
        assert_eq!(percent("10", "p").unwrap(), 100_000);
        assert_eq!(percent("33.33", "p").unwrap(), 333_300);
        assert_eq!(share(1_000, percent("12.5", "p").unwrap(), 1_000_000), 125);
        assert!(percent("0", "p").is_err() && percent("100.1", "p").is_err());
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(display(1_205, "usd"), "$12.05");
        assert_eq!(display(500, "jpy"), "¥500");
        assert_eq!(display(5_000, "kwd"), "5.000 KWD");
        assert!(check_charge(1_234, "kwd", "amount").is_err());
        assert!(check_charge(49, "usd", "amount").is_err());
    }
}
