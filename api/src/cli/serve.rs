//! `souk serve` and `souk worker`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use souk_infra::Souk;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Outcome;
use crate::server::{self, Server};
use crate::settings::Settings;
use crate::startup;
use crate::state::AppState;

/// How often an unfinished database is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn serve(settings: Settings) -> Outcome {
    let souk = startup::open(&settings).await?;
    refuse_if_unfit(&souk, &settings).await?;
    let listener = TcpListener::bind(settings.bind)
        .await
        .with_context(|| format!("SOUK_BIND {} cannot be listened at", settings.bind))?;
    let server = Server::serve(AppState::new(souk.clone(), settings.http.clone()), listener)?;
    tracing::info!(address = ?server.address(), public_url = settings.public_url, "souk serves");
    let outcome = until_asked_to_end(souk, settings).await;
    server.stop().await;
    outcome
}

pub(super) async fn work(settings: Settings) -> Outcome {
    let souk = startup::open(&settings).await?;
    refuse_if_unfit(&souk, &settings).await?;
    tracing::info!("souk works");
    until_asked_to_end(souk, settings).await
}

/// The refusals that need the database. One that is not migrated yet has nothing to refuse.
async fn refuse_if_unfit(souk: &Souk, settings: &Settings) -> anyhow::Result<()> {
    for (name, given) in [("REDIS_URL", &settings.redis_url), ("SOUK_SMTP_URL", &settings.smtp_url)] {
        if given.is_some() {
            tracing::warn!("{name} is set, but this version of souk does not use it yet");
        }
    }
    if souk.db.pending_migrations().await? == 0 {
        prepare(souk, settings).await?;
    }
    Ok(())
}

/// The marketplace `default`, and no start with keys that do not belong here.
async fn prepare(souk: &Souk, settings: &Settings) -> anyhow::Result<()> {
    startup::ensure_default(souk, settings).await?;
    let complaints = startup::complaints(souk, settings.env).await?;
    anyhow::ensure!(complaints.is_empty(), "{}", complaints.join(" "));
    Ok(())
}

/// Waits for the migrations, then works, until the process is asked to end.
async fn until_asked_to_end(souk: Souk, settings: Settings) -> Outcome {
    let (stop, stopped) = watch::channel(false);
    let mut work = tokio::spawn(async move {
        if migrated(&souk, stopped.clone()).await {
            prepare(&souk, &settings).await?;
            souk_infra::worker::run(souk, stopped).await;
        }
        anyhow::Ok(())
    });
    tokio::select! {
        () = server::asked_to_end() => {}
        // Only a failed preparation ends the work before it is asked to.
        ended = &mut work => {
            ended??;
            return Ok(ExitCode::SUCCESS);
        }
    }
    tracing::info!("souk ends: what was begun is finished first");
    stop.send_replace(true);
    work.await??;
    Ok(ExitCode::SUCCESS)
}

/// Returns true once the schema is up to date, or false if asked to stop before.
async fn migrated(souk: &Souk, mut stopped: watch::Receiver<bool>) -> bool {
    let mut said = false;
    loop {
        match souk.db.pending_migrations().await {
            Ok(0) => return true,
            Ok(waiting) if !said => {
                tracing::error!(waiting, "migrations are waiting; run souk migrate");
                said = true;
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the database cannot be looked at"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            _ = stopped.wait_for(|stop| *stop) => return false,
        }
    }
}
