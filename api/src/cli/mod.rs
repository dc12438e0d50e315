//! The command line. Answers go to standard output, the log to standard error, and a failure is one sentence.

mod admin;
mod demo;
mod doctor;
mod log;
mod serve;
mod tenant;
mod webhooks;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use souk_infra::db::Db;
use souk_infra::tenants::{self, Tenant};
use souk_infra::{Error, Souk};

use crate::settings::{DEFAULT_FILE, Settings};
use crate::startup;

/// The payments backend of a marketplace.
///
/// Settings come from the environment, or from a file given with --config; `souk --print-default-config` shows and
/// explains them all.
#[derive(Debug, Parser)]
#[command(name = "souk", version, arg_required_else_help = true)]
struct Cli {
    /// A TOML file with settings; the environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the default settings with their explanations, and end.
    #[arg(long)]
    print_default_config: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try the whole product: two marketplaces with people and slots, and a simulator in Stripe's place.
    Demo(demo::DemoArguments),
    /// Serve the API and the pages, and do the work behind them.
    ///
    /// Any number of these may run on one database. SQLite is migrated at the start; on PostgreSQL run `souk migrate`
    /// first, until then /readyz says no.
    Serve,
    /// Do the work behind the API (webhooks, jobs, sweeps) without serving it.
    Worker,
    /// Bring the database up to date.
    Migrate,
    /// Say what is wrong with this installation; ends with 1 if anything is.
    Doctor,
    /// Marketplaces.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// People who run a marketplace.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Received webhooks.
    #[command(subcommand)]
    Webhooks(webhooks::WebhooksCommand),
    /// Print the API's description (OpenAPI 3.1, JSON).
    Openapi,
}

/// Why a command failed, for the person at the terminal.
pub(crate) type Outcome = anyhow::Result<ExitCode>;

/// Runs the command of this process.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli).await {
        Ok(code) => code,
        Err(error) => {
            // Nobody reads standard error any more: then the exit code has to do.
            let _ = writeln!(std::io::stderr(), "souk: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// A refusal's own sentence, without what is for programs.
fn sentence(error: &anyhow::Error) -> String {
    match error.downcast_ref() {
        Some(Error::Refused(refusal)) => refusal.detail.clone(),
        _ => format!("{error:#}"),
    }
}

async fn dispatch(cli: Cli) -> Outcome {
    if cli.print_default_config {
        return say(DEFAULT_FILE.trim_end());
    }
    let Some(command) = cli.command else { return say("Nothing to do; see souk --help.") };
    if matches!(command, Command::Openapi) {
        return say(&crate::docs::openapi()?);
    }
    let settings = Settings::load(cli.config.as_deref(), std::env::vars())?;
    let lasting = matches!(command, Command::Demo(_) | Command::Serve | Command::Worker);
    log::start(&settings, lasting);
    match command {
        Command::Demo(arguments) => demo::run(arguments, &settings).await,
        Command::Serve => serve::serve(settings).await,
        Command::Worker => serve::work(settings).await,
        Command::Migrate => migrate(&settings).await,
        Command::Doctor => doctor::doctor(&settings).await,
        Command::Tenant(command) => tenant::run(command, &settings).await,
        Command::Admin(command) => admin::run(command, &settings).await,
        Command::Webhooks(command) => webhooks::run(command, &settings).await,
        Command::Openapi => Ok(ExitCode::SUCCESS),
    }
}

async fn migrate(settings: &Settings) -> Outcome {
    let db = Db::connect(&settings.database_url).await?;
    let waiting = db.pending_migrations().await?;
    db.migrate().await?;
    say(&format!("The database is up to date; {waiting} migration(s) ran."))
}

/// Writes a line to standard output. A reader that has gone away (`souk openapi | head`) is no failure.
fn say(text: &str) -> Outcome {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// souk on a database that is up to date, for commands that read and write it.
async fn open_ready(settings: &Settings) -> anyhow::Result<Souk> {
    let souk = startup::open(settings).await?;
    anyhow::ensure!(
        souk.db.pending_migrations().await? == 0,
        "The database is not up to date; run souk migrate."
    );
    Ok(souk)
}

/// The marketplace of that slug.
async fn tenant_by_slug(souk: &Souk, slug: &str) -> anyhow::Result<Tenant> {
    tenants::by_slug(souk, slug)
        .await?
        .ok_or_else(|| anyhow::anyhow!("There is no marketplace {slug:?}; souk tenant list shows them."))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_is_explained() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} says nothing of itself", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(explained);
        }
        let command = Cli::command();
        command.clone().debug_assert();
        explained(&command);
    }
}
