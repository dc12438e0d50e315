//! Back-off: how long a failed webhook or job waits before its next attempt.

use chrono::Duration;

/// Attempts before a webhook or job is given up and shown to an admin as `dead`. With the delays below that is
/// about three days, as long as Stripe itself retries.
pub const MAX_ATTEMPTS: i32 = 24;

/// The wait after `attempts` failures: 1 s doubled each time, at most four hours, of which up to a quarter is
/// taken off by `jitter` (any number; only its remainder counts), so that what failed together does not return together.
pub fn delay(attempts: i32, jitter: u32) -> Duration {
    let exponent = u32::try_from(attempts.clamp(1, 15)).unwrap_or(1) - 1;
    let millis = (1_000_i64 << exponent).min(4 * 3_600_000);
    let cut = millis / 4 * i64::from(jitter % 1_000) / 1_000;
    Duration::milliseconds(millis - cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_then_levels_off_and_never_grows_by_jitter() {
        assert_eq!(delay(1, 0), Duration::seconds(1));
        assert_eq!(delay(4, 0), Duration::seconds(8));
        assert_eq!(delay(99, 0), Duration::hours(4));
        assert_eq!(delay(0, 0), Duration::seconds(1));
        assert!(delay(4, 999) >= Duration::seconds(6) && delay(4, 999) < Duration::seconds(8));
    }
}
