//! `souk demo`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, say};
use crate::demo::{Demo, Options};
use crate::server;
use crate::settings::{Env, Settings};

#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Begin with nothing: an earlier demo's data is deleted.
    #[arg(long)]
    fresh: bool,
    /// Also write the addresses and logins to this file, as JSON.
    #[arg(long, value_name = "PATH")]
    info_file: Option<PathBuf>,
    /// Keep the data here instead of in souk-demo.db. DATABASE_URL is not looked at, so that no demo gets into a real
    /// database by mistake.
    #[arg(long, value_name = "URL", default_value = "sqlite://souk-demo.db")]
    database_url: String,
    /// Use this Redis between several processes.
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
}

pub(super) async fn run(arguments: DemoArguments, settings: &Settings) -> Outcome {
    anyhow::ensure!(settings.env == Env::Development, "souk demo is not for SOUK_ENV=production.");
    if arguments.redis_url.is_some() {
        tracing::warn!("--redis-url is given, but this version of souk does not use Redis yet");
    }
    let mut options = Options::new(settings.bind, settings.sandbox_bind, &arguments.database_url);
    options.fresh = arguments.fresh;
    options.info_file = arguments.info_file;
    let demo = Demo::start(options).await?;
    say(&demo.info.text())?;
    server::asked_to_end().await;
    demo.stop().await;
    Ok(ExitCode::SUCCESS)
}
