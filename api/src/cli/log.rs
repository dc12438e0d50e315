//! The log: for people in development, JSON for machines in production. Always to standard error.

use tracing_subscriber::EnvFilter;

use crate::settings::{Env, Settings};

/// Libraries whose news is not souk's; SOUK_LOG may say otherwise of each.
const QUIET: &str = "sqlx=warn,sea_orm=warn,sea_orm_migration=warn,hyper=warn,rustls=warn";

/// Starts logging. A command that answers and ends logs only what went wrong, unless RUST_LOG asks for more.
pub(super) fn start(settings: &Settings, lasting: bool) {
    let own = if lasting { settings.log.as_str() } else { "warn" };
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| format!("{QUIET},{own}"));
    let filter = EnvFilter::builder().parse_lossy(wanted);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Where a program that embeds souk has started a log of its own, that one is as good.
    let _ = match settings.env {
        Env::Production => builder.json().flatten_event(true).with_span_list(false).try_init(),
        Env::Development => builder.try_init(),
    };
}
