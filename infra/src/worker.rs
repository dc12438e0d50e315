//! The loops that work by themselves, in any number of processes at once: inbox, jobs, sweeper, gap-fill, clean-up.
//!
//! None takes an input: each looks at what is and moves it towards what should be, so that it may run at any time,
//! twice, or after a crash.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::Result;
use crate::inbox::work;
use crate::jobs::run as jobs;
use crate::souk::Souk;
use crate::{gap_fill, idempotency, sweeper};

/// How many webhooks are taken at once; a batch costs as many statements as one.
const BATCH: u64 = 32;
/// How many jobs of one process call providers at once.
const JOBS: u64 = 8;

/// Runs every loop until `stop` becomes true, then lets what was begun finish.
pub async fn run(souk: Souk, stop: watch::Receiver<bool>) {
    let mut loops = JoinSet::new();
    // Two inbox loops: while one waits for the provider, the other goes on confirming.
    for _ in 0..2 {
        loops.spawn(on_wake(souk.clone(), stop.clone(), work_inbox));
    }
    loops.spawn(on_wake(souk.clone(), stop.clone(), work_jobs));
    loops.spawn(every(Duration::from_secs(15), souk.clone(), stop.clone(), "sweeper", sweeper::sweep));
    loops.spawn(every(Duration::from_secs(60), souk.clone(), stop.clone(), "gap_fill", gap_fill::fill));
    loops.spawn(every(Duration::from_secs(600), souk, stop, "clean_up", clean_up));
    while loops.join_next().await.is_some() {}
}

async fn work_inbox(souk: Souk) -> Result<bool> {
    let leased = work::lease(&souk, BATCH).await?;
    let busy = !leased.is_empty();
    work::work(&souk, leased).await?;
    Ok(busy)
}

async fn work_jobs(souk: Souk) -> Result<bool> {
    let leased = jobs::lease(&souk, JOBS).await?;
    let busy = !leased.is_empty();
    let mut running = JoinSet::new();
    for job in leased {
        let souk = souk.clone();
        running.spawn(async move { jobs::run(&souk, job).await });
    }
    while let Some(done) = running.join_next().await {
        match done {
            Ok(outcome) => outcome?,
            // The job's lease runs out and it is tried again.
            Err(panic) => tracing::error!(%panic, "a job panicked"),
        }
    }
    Ok(busy)
}

async fn clean_up(souk: Souk) -> Result<()> {
    idempotency::purge(&souk).await.map(|_| ())
}

/// Works while there is work, then waits for a wake-up or a second, whichever is first.
async fn on_wake<F, W>(souk: Souk, mut stop: watch::Receiver<bool>, work: W)
where
    W: Fn(Souk) -> F,
    F: Future<Output = Result<bool>>,
{
    let wake = souk.live.work();
    while !*stop.borrow() {
        // Registered before looking, so that what arrives during the look is not slept over.
        let woken = wake.notified();
        match work(souk.clone()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "a worker could not look for work"),
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn every<F, W>(
    period: Duration,
    souk: Souk,
    mut stop: watch::Receiver<bool>,
    name: &'static str,
    work: W,
) where
    W: Fn(Souk) -> F,
    F: Future<Output = Result<()>>,
{
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            _ = stop.changed() => continue,
        }
        if let Err(error) = work(souk.clone()).await {
            tracing::error!(%error, name, "a periodic task failed");
        }
    }
}
