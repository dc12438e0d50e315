//! Times and amounts as people read and write them: times where the thing takes place, amounts in whole units.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use souk_domain::money::{Currency, Money};

/// A moment where it takes place.
#[derive(Debug, Clone)]
pub(super) struct When {
    /// `Thu 3 Dec 2026`
    pub(super) day: String,
    /// `18:00–20:00 EST`, or only the start.
    pub(super) time: String,
    /// `America/New_York`
    pub(super) zone: String,
    /// For programs that read the page.
    pub(super) iso: String,
}

/// A moment, perhaps with its end, in an IANA time zone.
pub(super) fn when(start: DateTime<Utc>, end: Option<DateTime<Utc>>, zone: &str) -> When {
    let known: Tz = zone.parse().unwrap_or(Tz::UTC);
    let local = start.with_timezone(&known);
    let until = end.map(|end| end.with_timezone(&known)).map_or_else(String::new, |end| {
        let other_day = end.date_naive() != local.date_naive();
        end.format(if other_day { " – %a %-d %b, %H:%M" } else { "–%H:%M" }).to_string()
    });
    When {
        day: local.format("%a %-d %b %Y").to_string(),
        time: format!("{}{until} {}", local.format("%H:%M"), local.format("%Z")),
        zone: known.name().to_owned(),
        iso: start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    }
}

/// A moment for admins: in UTC, to the second.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// An amount as it is typed: `12.50`, without its currency.
pub(super) fn typed(money: Money) -> String {
    let text = money.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Reads what people type, `12.5` or `12`, as minor units. Never through a float.
pub(super) fn amount(text: &str, currency: Currency) -> Option<Money> {
    let decimals = usize::try_from(currency.exponent()).ok()?;
    let (whole, fraction) = match text.trim().split_once(['.', ',']) {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text.trim(), ""),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 12
        || fraction.len() > decimals
        || !digits(whole)
        || !digits(fraction)
    {
        return None;
    }
    let minor: i64 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    Some(Money::new(minor, currency))
}

/// A rate in basis points as people know it: `12.5 %`.
pub(super) fn percent(bps: i64) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    let text = if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:02}") };
    let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
    format!("{text} %")
}

/// A word that programs use, as people read it: `direct_debit` becomes `direct debit`.
pub(super) fn spaced(word: &str) -> String {
    word.replace(['_', '.'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_the_currencys_decimals() {
        let read = |text: &str, code: &str| amount(text, code.parse().unwrap()).map(|money| money.minor);
        assert_eq!(read("12.50", "usd"), Some(1_250));
        assert_eq!(read(" 12,5 ", "usd"), Some(1_250));
        assert_eq!(read("12", "usd"), Some(1_200));
        assert_eq!(read("1200", "jpy"), Some(1_200));
        assert_eq!(read("1.234", "kwd"), Some(1_234));
        for bad in ["", ".5", "5.", "-1", "1e3", "1.234", "1 000", "9999999999999", "0x10", "１"] {
            assert_eq!(read(bad, "usd"), None, "{bad}");
        }
        assert_eq!(read("1.5", "jpy"), None);
        assert_eq!(typed(Money::new(1_205, Currency::USD)), "12.05");
    }

    #[test]
    fn times_are_local_to_the_place() {
        let start: DateTime<Utc> = "2026-12-03T23:00:00Z".parse().unwrap();
        let shown = when(start, Some(start + chrono::Duration::hours(2)), "America/New_York");
        assert_eq!((shown.day.as_str(), shown.time.as_str()), ("Thu 3 Dec 2026", "18:00–20:00 EST"));
        let late = when(start, Some(start + chrono::Duration::hours(8)), "America/New_York");
        assert_eq!(late.time, "18:00 – Fri 4 Dec, 02:00 EST");
        assert_eq!(when(start, None, "Nowhere/At_All").zone, "UTC");
    }

    #[test]
    fn rates_lose_no_digit() {
        for (bps, text) in [(1_000, "10 %"), (1_250, "12.5 %"), (5, "0.05 %"), (0, "0 %"), (10_000, "100 %")]
        {
            assert_eq!(percent(bps), text);
        }
    }
}
