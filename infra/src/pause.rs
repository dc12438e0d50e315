//! Places at which a test may stop this process in order to kill it.
//!
//! In a debug build, a process that was started with `TEST_PAUSE_AT=<place>` waits there for ever and says so by
//! making the file `TEST_PAUSE_FILE`. A release build knows nothing of this: the calls compile to nothing.

/// Waits for ever if a test asked for this place.
#[cfg(debug_assertions)]
pub(crate) async fn at(place: &str) {
    use std::sync::OnceLock;
    static WANTED: OnceLock<Option<(String, String)>> = OnceLock::new();
    let wanted =
        WANTED.get_or_init(|| std::env::var("TEST_PAUSE_AT").ok().zip(std::env::var("TEST_PAUSE_FILE").ok()));
    if let Some((wanted, file)) = wanted
        && wanted == place
    {
        let _ = std::fs::write(file, place);
        std::future::pending::<()>().await;
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) async fn at(_place: &str) {}
