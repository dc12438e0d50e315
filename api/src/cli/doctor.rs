//! `souk doctor`: what is wrong with this installation, and what it did not look at.

use std::process::ExitCode;

use souk_domain::payment::Provider;
use souk_infra::db::Db;
use souk_infra::{Souk, tenants};

use super::{Outcome, say};
use crate::settings::Settings;
use crate::startup;

/// The settings were checked by loading them: whoever gets here has usable ones.
pub(super) async fn doctor(settings: &Settings) -> Outcome {
    let mut report = Report::default();
    report.good("The settings can be used.");
    match Db::connect(&settings.database_url).await {
        Ok(db) => of_database(&mut report, db, settings).await?,
        Err(error) => {
            tracing::debug!(%error, "the database cannot be opened");
            report.bad("The database of DATABASE_URL cannot be opened.");
        }
    }
    for (name, given) in [("REDIS_URL", &settings.redis_url), ("SOUK_SMTP_URL", &settings.smtp_url)] {
        if given.is_some() {
            report.unknown(&format!("{name} is set, but this version does not use it yet."));
        }
    }
    report.unknown(
        "Whether Stripe accepts the keys, and whether both webhook endpoints exist there, was not checked.",
    );
    say(&report.lines.join("\n"))?;
    Ok(if report.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn of_database(report: &mut Report, db: Db, settings: &Settings) -> anyhow::Result<()> {
    report.good("The database answers.");
    let waiting = db.pending_migrations().await?;
    if waiting > 0 {
        let how = if db.is_sqlite() { "souk serve and souk migrate apply them" } else { "run souk migrate" };
        report.bad(&format!("{waiting} migration(s) are waiting; {how}."));
        return Ok(());
    }
    report.good("Every migration is applied.");
    let souk = Souk::new(db, settings.infra());
    let all = tenants::all(&souk).await?;
    if all.is_empty() {
        report.unknown("There is no marketplace yet; souk serve or souk tenant create makes one.");
    }
    for tenant in all {
        if tenants::hosts(&souk, tenant.id).await?.is_empty() {
            report.bad(&format!("{} has no host, so nobody can reach it.", tenant.slug));
        }
        if matches!(tenants::keys(&souk, tenant.id, Provider::Stripe).await, Ok(None)) {
            report.bad(&format!("{} has no Stripe keys, so nobody can pay.", tenant.slug));
        }
    }
    let complaints = startup::complaints(&souk, settings.env).await?;
    if complaints.is_empty() {
        report.good("The stored keys can be opened and belong here.");
    }
    for complaint in complaints {
        report.bad(&complaint);
    }
    Ok(())
}

#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: bool,
}

impl Report {
    fn good(&mut self, sentence: &str) {
        self.lines.push(format!("ok       {sentence}"));
    }

    fn bad(&mut self, sentence: &str) {
        self.failed = true;
        self.lines.push(format!("WRONG    {sentence}"));
    }

    fn unknown(&mut self, sentence: &str) {
        self.lines.push(format!("unknown  {sentence}"));
    }
}
