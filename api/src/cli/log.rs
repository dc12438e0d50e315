//! The log: for people in development, JSON for machines in production. Always to standard error.

use tracing_subscriber::EnvFilter;

use crate::settings::{Env, Settings};

/// Starts logging. A second start (in a test) changes nothing.
pub(super) fn start(settings: &Settings) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| settings.log.clone());
    let filter = EnvFilter::builder().parse_lossy(format!("{wanted},sqlx=warn,hyper=warn,rustls=warn"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    // Somebody else's subscriber is as good.
    let _ = match settings.env {
        Env::Production => {
            builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        Env::Development => builder.try_init(),
    };
}
