//! The one source of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// Wall-clock time, shifted by tests that must not wait for a hold to expire.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// Now, in whole microseconds: what PostgreSQL keeps, so that a time read back equals the time written.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6) + Duration::seconds(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// The unshifted time, for what others have stamped with theirs.
    pub fn wall(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }

    /// Moves the clock forward for everything that shares it.
    pub fn advance(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}
