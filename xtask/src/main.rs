//! Development tasks, run as `cargo xtask …`. Provisions what the tests need and runs them; it knows
//! nothing of souk's code, and it must never end a process that it did not start.
#![expect(clippy::print_stdout, reason = "a command line tool talks to people through its output")]

mod junit;
mod plan;
mod process;
mod provision;
mod report;
mod services;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::plan::Step;

/// Development tasks for souk.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Prepare what the tests need, then check and test everything.
    ///
    /// Looks for PostgreSQL, Redis, Chromium, chromedriver, cargo-nextest and cargo-deny. What is missing is
    /// installed with apt-get (as root or through `sudo -n`) or `cargo install`; PostgreSQL and Redis can
    /// also come from docker compose. Then a private PostgreSQL and a private Redis are started
    /// on free ports, and ended again afterwards: nothing that already runs here is touched.
    ///
    /// The steps, in this order: fmt, clippy, deny, unit, sqlite, browser, postgres.
    /// The first one that fails ends the run. The last line is `N passed, N failed, N skipped`.
    Test(TestOptions),
    /// Start only the private PostgreSQL and Redis, print their addresses, and wait for Ctrl-C.
    ///
    /// Put the printed lines into another terminal to run single tests against them. The data is gone afterwards.
    Services,
}

/// What the `test` task was asked to do.
#[derive(Args, Clone, Debug, Default)]
struct TestOptions {
    /// Run only this step; may be given several times.
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// Run only tests whose name contains this word; may be given several times.
    #[arg(long, value_name = "WORD")]
    filter: Vec<String>,
    /// Go on with the next step after one has failed.
    #[arg(long)]
    keep_going: bool,
}

/// The folder with the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let root = workspace_root();
    let done = process::listen_for_interrupts().and_then(|()| match cli.task {
        Task::Test(options) => test::run(&root, &options),
        Task::Services => services::serve(&root),
    });
    match done {
        Ok(()) if process::interrupted() => ExitCode::from(130),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // `test::run` has already printed its report when a step failed; anything else is said here.
            if error.downcast_ref::<report::StepsFailed>().is_none() {
                eprintln!("error: {error:#}");
            }
            if process::interrupted() { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}
