//! Recurring slots: a rule (RFC 5545) in a time zone becomes the times at which something takes place.
//!
//! The rule is expanded in wall-clock time and each occurrence is then looked up in the time zone, so that a class
//! at 18:00 stays at 18:00 when the clocks change. Where the clocks make a difference:
//!
//! - a local time that does not exist (skipped in spring) has no occurrence and is not counted, as RFC 5545 says;
//! - a local time that exists twice (autumn) means the first of the two;
//! - an occurrence ends its duration later by a stop-watch, whatever the clocks do meanwhile.
//!
//! Whatever the rule says, the work is bounded: never by how many times a rule could happen, only by what is kept.

use chrono::{DateTime, Duration, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use rrule::{RRule, Unvalidated};

/// The most occurrences that one rule may have.
pub const MAX_OCCURRENCES: usize = 500;
/// How far ahead, in days, a rule may reach: two years.
pub const MAX_DAYS_AHEAD: i64 = 731;
/// The longest that one occurrence may last, in minutes: 31 days.
pub const MAX_DURATION_MINUTES: i64 = 31 * 24 * 60;
/// The longest rule, in characters.
const MAX_RULE_LENGTH: usize = 500;
/// How often in one day a rule may happen: every quarter of an hour.
const MAX_TIMES_A_DAY: usize = 96;

/// A recurring slot as a seller describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence<'a> {
    /// The rule, with or without `RRULE:` before it. `FREQ` is `YEARLY` to `HOURLY`; `BYSECOND` has one value at most.
    pub rrule: &'a str,
    /// Where the rule starts, as [`instant`] reads it. It takes place itself only where the rule says so.
    pub dtstart: &'a str,
    /// How long each occurrence lasts, in minutes, 1 to [`MAX_DURATION_MINUTES`].
    pub duration_minutes: i64,
    /// The last moment at which an occurrence may start: as [`instant`] reads it, or a date, which counts in full.
    pub until: &'a str,
}

/// One time at which something takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// From.
    pub starts_at: DateTime<Utc>,
    /// To; always later.
    pub ends_at: DateTime<Utc>,
}

/// Why a recurring slot makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecurrence {
    /// The text is no rule that souk takes; the inner text says why.
    #[error("must be an RFC 5545 recurrence rule: {0}")]
    Rule(String),
    /// The start is no time, or one that the zone skips.
    #[error("must be a time that exists, RFC 3339, or without an offset for the listing's time zone")]
    Start,
    /// The start is not in the future.
    #[error("must be in the future")]
    Past,
    /// The end is no time.
    #[error("must be a date or a time, RFC 3339, or without an offset for the listing's time zone")]
    Until,
    /// The end is before the start.
    #[error("must not be before dtstart")]
    UntilBeforeStart,
    /// The end is too far away.
    #[error("must be within two years from now")]
    TooFar,
    /// The duration is out of bounds.
    #[error("must be between 1 and {MAX_DURATION_MINUTES}")]
    Duration,
    /// More occurrences than are kept.
    #[error("must not yield more than {MAX_OCCURRENCES} slots")]
    TooMany,
    /// No occurrence at all.
    #[error("yields no slot between dtstart and until")]
    None,
}

impl InvalidRecurrence {
    /// The field that is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Rule(_) | Self::TooMany | Self::None => "rrule",
            Self::Start | Self::Past => "dtstart",
            Self::Until | Self::UntilBeforeStart | Self::TooFar => "until",
            Self::Duration => "duration_minutes",
        }
    }
}

/// Reads a time, in whole seconds: RFC 3339 with an offset, or without one for `zone`. `None` where it is neither
/// or where the zone skips it; of a local time that exists twice, the first is meant.
pub fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return time.to_utc().with_nanosecond(0);
    }
    let local = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    in_zone(local, zone)
}

/// Expands a rule; the occurrences are in order and no two start together.
pub fn expand(
    recurrence: &Recurrence<'_>,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Vec<Occurrence>, InvalidRecurrence> {
    if !(1..=MAX_DURATION_MINUTES).contains(&recurrence.duration_minutes) {
        return Err(InvalidRecurrence::Duration);
    }
    let start = instant(recurrence.dtstart, zone).ok_or(InvalidRecurrence::Start)?;
    if start <= now {
        return Err(InvalidRecurrence::Past);
    }
    let until = last_moment(recurrence.until, zone).ok_or(InvalidRecurrence::Until)?;
    if until < start {
        return Err(InvalidRecurrence::UntilBeforeStart);
    }
    if until > now + Duration::days(MAX_DAYS_AHEAD) {
        return Err(InvalidRecurrence::TooFar);
    }
    let rule = Rule::read(recurrence.rrule, zone)?;
    let until = rule.until.map_or(until, |of_rule| of_rule.min(until));
    let starts = starts(&rule, start, until, zone)?;
    let duration = Duration::minutes(recurrence.duration_minutes);
    Ok(starts.into_iter().map(|at| Occurrence { starts_at: at, ends_at: at + duration }).collect())
}

fn starts(
    rule: &Rule,
    start: DateTime<Utc>,
    until: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<DateTime<Utc>>, InvalidRecurrence> {
    let local_start = start.with_timezone(&zone).naive_local();
    let local_until = until.with_timezone(&zone).naive_local();
    // Wall-clock time is handed to the library as if it were UTC, where no time is skipped or doubled.
    let floating = rrule::Tz::UTC.from_utc_datetime(&local_start);
    let set =
        rule.rest.clone().build(floating).map_err(|error| InvalidRecurrence::Rule(error.to_string()))?;
    let mut found: Vec<DateTime<Utc>> = Vec::new();
    for local in &set.limit() {
        let local = local.naive_utc();
        // A day's grace: where clocks go back, an earlier wall-clock time can be the later moment.
        if local > local_until + Duration::days(1) {
            break;
        }
        let at = if local == local_start { Some(start) } else { in_zone(local, zone) };
        let Some(at) = at.filter(|at| *at <= until && found.last().is_none_or(|last| last < at)) else {
            continue;
        };
        found.push(at);
        if found.len() > MAX_OCCURRENCES {
            return Err(InvalidRecurrence::TooMany);
        }
        if rule.count.is_some_and(|count| found.len() >= count) {
            break;
        }
    }
    if found.is_empty() { Err(InvalidRecurrence::None) } else { Ok(found) }
}

fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => Some(time.to_utc()),
        MappedLocalTime::Ambiguous(first, second) => Some(first.to_utc().min(second.to_utc())),
        MappedLocalTime::None => None,
    }
}

/// The last second of a date, or a time as [`instant`] reads it.
fn last_moment(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") else { return instant(text, zone) };
    end_of(date, zone)
}

fn end_of(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let last = date.and_hms_opt(23, 59, 59)?;
    // Some zones skip midnight; the day then ends where the gap begins.
    in_zone(last, zone).or_else(|| in_zone(last - Duration::hours(2), zone))
}

/// A rule in parts: `COUNT` and `UNTIL` are applied here, after the time zone has been; the library does the rest.
struct Rule {
    rest: RRule<Unvalidated>,
    count: Option<usize>,
    until: Option<DateTime<Utc>>,
}

impl Rule {
    fn read(text: &str, zone: Tz) -> Result<Self, InvalidRecurrence> {
        let wrong = |why: &str| InvalidRecurrence::Rule(why.to_owned());
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"=;,+-".contains(&b);
        if text.is_empty() || text.len() > MAX_RULE_LENGTH || !text.bytes().all(plain) {
            return Err(wrong("it has 1 to 500 letters, digits and =;,+-"));
        }
        let (mut rest, mut count, mut until) = (Vec::new(), None, None);
        let (mut frequency, mut hours, mut minutes) = ("", None, 1);
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("each part is NAME=value"))?;
            let values = value.split(',').count();
            match name {
                "COUNT" if count.is_some() => return Err(wrong("COUNT is given twice")),
                "UNTIL" if until.is_some() => return Err(wrong("UNTIL is given twice")),
                "COUNT" => count = Some(positive(value).ok_or_else(|| wrong("COUNT is a positive number"))?),
                "UNTIL" => {
                    until = Some(until_part(value, zone).ok_or_else(|| wrong("UNTIL is a date or time"))?);
                }
                "FREQ" => frequency = value,
                "INTERVAL" if positive(value).is_none() => {
                    return Err(wrong("INTERVAL is a positive number"));
                }
                "BYSECOND" if values > 1 => return Err(wrong("BYSECOND has one value")),
                "BYDAY" if !value.split(',').all(is_weekday) => {
                    return Err(wrong("BYDAY is MO to SU, with a number from -53 to 53 before it"));
                }
                "BYHOUR" => hours = Some(values),
                "BYMINUTE" => minutes = values,
                _ => {}
            }
            if !matches!(name, "COUNT" | "UNTIL") {
                rest.push(part);
            }
        }
        let every_hour = match frequency {
            "YEARLY" | "MONTHLY" | "WEEKLY" | "DAILY" => 1,
            "HOURLY" => 24,
            _ => return Err(wrong("FREQ is YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY")),
        };
        // The library lays out a whole period at once, so what a period can hold is bounded before it starts.
        if hours.unwrap_or(every_hour) * minutes > MAX_TIMES_A_DAY {
            return Err(wrong("it happens more than 96 times a day"));
        }
        let rest = rest
            .join(";")
            .parse()
            .map_err(|error: rrule::RRuleError| InvalidRecurrence::Rule(error.to_string()))?;
        Ok(Self { rest, count, until })
    }
}

fn positive(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| *number > 0)
}

/// `MO`, `2TU`, `-1FR`.
fn is_weekday(text: &str) -> bool {
    let Some((number, day)) = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let number_fits =
        number.is_empty() || number.parse().is_ok_and(|n: i16| n != 0 && (-53..=53).contains(&n));
    number_fits && ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&day)
}

/// `20261231`, `20261231T180000` (in the zone) or `20261231T170000Z`.
fn until_part(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(utc) = text.strip_suffix('Z') {
        return NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").ok().map(|time| time.and_utc());
    }
    if let Ok(local) = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S") {
        return in_zone(local, zone);
    }
    end_of(NaiveDate::parse_from_str(text, "%Y%m%d").ok()?, zone)
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
