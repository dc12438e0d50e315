//! Recurring slots: across clock changes, and whatever a rule says.

use std::time::Instant;

use chrono::Datelike;
use proptest::prelude::*;

use super::*;

const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn now() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn run(rrule: &str, dtstart: &str, until: &str) -> Result<Vec<Occurrence>, InvalidRecurrence> {
    expand(&Recurrence { rrule, dtstart, duration_minutes: 60, until }, BERLIN, now())
}

fn utc(found: &[Occurrence]) -> Vec<String> {
    found.iter().map(|o| o.starts_at.format("%m-%d %H:%M").to_string()).collect()
}

#[test]
fn a_weekly_class_keeps_its_local_hour_when_clocks_change() {
    // Berlin goes to summer time on 2026-03-29 and back on 2026-10-25.
    let spring = run("FREQ=WEEKLY", "2026-03-17T18:00", "2026-04-08").unwrap();
    assert_eq!(utc(&spring), ["03-17 17:00", "03-24 17:00", "03-31 16:00", "04-07 16:00"]);
    let year = run("RRULE:FREQ=WEEKLY;BYDAY=TU", "2026-03-17T18:00:00+01:00", "2027-03-01").unwrap();
    assert_eq!(year.len(), 50);
    for occurrence in &year {
        let local = occurrence.starts_at.with_timezone(&BERLIN);
        assert_eq!((local.hour(), local.weekday()), (18, chrono::Weekday::Tue));
        assert_eq!(occurrence.ends_at - occurrence.starts_at, Duration::minutes(60));
    }
}

#[test]
fn an_offset_names_the_moment_and_the_zone_names_the_hour() {
    // 09:00 in New York is 15:00 in Berlin, and 15:00 in Berlin is what repeats.
    let found = run("FREQ=WEEKLY;COUNT=2", "2026-10-20T09:00:00-04:00", "2026-12-01").unwrap();
    assert_eq!(utc(&found), ["10-20 13:00", "10-27 14:00"]);
}

#[test]
fn skipped_times_do_not_happen_and_do_not_count() {
    let found = run("FREQ=DAILY;COUNT=3", "2026-03-28T02:30", "2026-06-01").unwrap();
    assert_eq!(utc(&found), ["03-28 01:30", "03-30 00:30", "03-31 00:30"]);
    assert_eq!(run("FREQ=DAILY", "2026-03-29T02:30", "2026-06-01"), Err(InvalidRecurrence::Start));
}

#[test]
fn doubled_times_mean_the_first_unless_the_start_says_otherwise() {
    let found = run("FREQ=DAILY;COUNT=2", "2026-10-24T02:30", "2026-11-01").unwrap();
    assert_eq!(utc(&found), ["10-24 00:30", "10-25 00:30"]);
    let second = run("FREQ=DAILY;COUNT=2", "2026-10-25T02:30:00+01:00", "2026-11-01").unwrap();
    assert_eq!(utc(&second), ["10-25 01:30", "10-26 01:30"]);
    let hourly = run("FREQ=HOURLY", "2026-10-25T01:00", "2026-10-25T04:00").unwrap();
    assert_eq!(utc(&hourly), ["10-24 23:00", "10-25 00:00", "10-25 02:00", "10-25 03:00"]);
}

#[test]
fn every_end_counts_and_is_inclusive() {
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", "2026-02-03T10:00").unwrap().len(), 3);
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", "2026-02-03T09:59").unwrap().len(), 2);
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", "2026-02-03").unwrap().len(), 3);
    for (until, expected) in
        [("20260202", 2), ("20260202T100000", 2), ("20260202T090000Z", 2), ("20260101", 0)]
    {
        let found = run(&format!("FREQ=DAILY;UNTIL={until}"), "2026-02-01T10:00", "2026-03-01");
        assert_eq!(found.map_or(0, |found| found.len()), expected, "{until}");
    }
    assert_eq!(run("FREQ=DAILY;COUNT=2", "2026-02-01T10:00", "2026-02-28").unwrap().len(), 2);
    assert_eq!(run("FREQ=MONTHLY;BYDAY=-1FR", "2026-02-01T10:00", "2026-04-30").unwrap().len(), 3);
}

#[test]
fn bounds_are_exact() {
    assert_eq!(run("FREQ=DAILY;COUNT=500", "2026-02-01T10:00", "2028-01-01").unwrap().len(), 500);
    assert_eq!(
        run("FREQ=DAILY;COUNT=501", "2026-02-01T10:00", "2028-01-01"),
        Err(InvalidRecurrence::TooMany)
    );
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", "2028-01-17"), Err(InvalidRecurrence::TooFar));
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", "2026-01-31"), Err(InvalidRecurrence::UntilBeforeStart));
    assert_eq!(run("FREQ=DAILY", "2026-01-15T13:00", "2026-02-28"), Err(InvalidRecurrence::Past));
    assert_eq!(run("FREQ=DAILY", "tomorrow", "2026-02-28"), Err(InvalidRecurrence::Start));
    assert_eq!(run("FREQ=DAILY", "2026-02-01T10:00", ""), Err(InvalidRecurrence::Until));
    for minutes in [i64::MIN, -1, 0, MAX_DURATION_MINUTES + 1, i64::MAX] {
        let rule = Recurrence {
            rrule: "FREQ=DAILY",
            dtstart: "2026-02-01T10:00",
            duration_minutes: minutes,
            until: "2026-02-02",
        };
        assert_eq!(expand(&rule, BERLIN, now()), Err(InvalidRecurrence::Duration));
    }
}

#[test]
fn rules_that_are_none_are_refused() {
    for bad in [
        "",
        "weekly",
        "FREQ=",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=15",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=99999999999",
        "FREQ=WEEKLY;BYDAY=XXMO",
        "FREQ=WEEKLY;BYDAY=É",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=MONTHLY;BYMONTH=13",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYSECOND=0,1",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=DAILY\nRDATE:20260301T000000Z",
        "DTSTART:19700101T000000Z\nRRULE:FREQ=DAILY",
    ] {
        let found = run(bad, "2026-02-01T10:00", "2026-03-01");
        assert!(matches!(found, Err(InvalidRecurrence::Rule(_))), "{bad:?}: {found:?}");
    }
    assert_eq!(
        run("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-02-01T10:00", "2028-01-01"),
        Err(InvalidRecurrence::None)
    );
}

#[test]
fn huge_rules_end_soon() {
    let numbers = |to: i32| (0..to).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let nasty = [
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={};BYMINUTE={}", numbers(24), numbers(60)),
        format!("FREQ=HOURLY;BYMINUTE={}", numbers(60)),
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={};BYMINUTE=0,15,30,45", numbers(24)),
        "FREQ=HOURLY;COUNT=4294967295".to_owned(),
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30".to_owned(),
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=3".to_owned(),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;INTERVAL=7".to_owned(),
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6".to_owned(),
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4;BYSETPOS=-1".to_owned(),
        "FREQ=WEEKLY;INTERVAL=65535".to_owned(),
    ];
    for rule in nasty {
        let begun = Instant::now();
        let found = run(&rule, "2026-02-01T10:00", "2028-01-01");
        assert!(found.as_ref().map_or(true, |found| found.len() <= 1), "{rule}: {found:?}");
        // Not a speed test: what it guards against takes minutes or all the memory.
        assert!(begun.elapsed().as_secs() < 20, "{rule} took {:?}", begun.elapsed());
    }
}

fn part() -> impl Strategy<Value = String> {
    let list = |name: &'static str, range: std::ops::Range<i32>| {
        prop::collection::vec(range, 1..4).prop_map(move |values| {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("{name}={}", values.join(","))
        })
    };
    prop_oneof![
        (0_u32..70_000).prop_map(|n| format!("INTERVAL={n}")),
        (0_u32..600).prop_map(|n| format!("COUNT={n}")),
        list("BYHOUR", -1..25),
        list("BYMINUTE", -1..61),
        list("BYSECOND", 0..61),
        list("BYMONTH", 0..14),
        list("BYMONTHDAY", -32..33),
        list("BYYEARDAY", -367..368),
        list("BYWEEKNO", -54..55),
        list("BYSETPOS", -370..370),
        "BYDAY=(-?[1-5]?(MO|WE|SU),)?[1-9]?[0-9]?(TU|FR|SA)",
        "WKST=(MO|SU|XX)",
        "[A-Z=;,0-9-]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_panics_hangs_or_yields_nonsense(freq in prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]), parts in prop::collection::vec(part(), 0..4)) {
        let rule = format!("FREQ={freq};{}", parts.join(";"));
        let begun = Instant::now();
        if let Ok(found) = run(&rule, "2026-02-28T23:30", "2027-12-31") {
            prop_assert!(!found.is_empty() && found.len() <= MAX_OCCURRENCES);
            prop_assert!(found.windows(2).all(|pair| pair[0].starts_at < pair[1].starts_at));
            prop_assert!(found.iter().all(|o| o.starts_at > now() && o.starts_at < o.ends_at));
        }
        prop_assert!(begun.elapsed().as_secs() < 20, "{rule} took {:?}", begun.elapsed());
    }
}
