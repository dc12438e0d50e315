//! `souk webhooks`: what providers have told us.

use clap::{Args, Subcommand};
use souk_domain::ids::EventId;
use souk_domain::people::Scope;
use souk_infra::inbox;

use super::{Outcome, open_ready, say, tenant_by_slug};
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(super) enum WebhooksCommand {
    /// Have received webhooks worked on once more; a running souk does it within a second.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The marketplace's short name.
    #[arg(long, default_value = crate::startup::DEFAULT_TENANT)]
    tenant: String,
    /// The events, as `evt_…` in the admin's list of webhooks.
    #[arg(required = true, value_name = "EVENT")]
    events: Vec<EventId>,
}

pub(super) async fn run(command: WebhooksCommand, settings: &Settings) -> Outcome {
    let WebhooksCommand::Replay(replay) = command;
    let souk = open_ready(settings).await?;
    let scope = Scope::system(tenant_by_slug(&souk, &replay.tenant).await?.id);
    for event in &replay.events {
        inbox::replay(&souk, &scope, *event).await.map_err(|error| anyhow::anyhow!("{event}: {error}"))?;
    }
    say(&format!("{} event(s) will be worked on again.", replay.events.len()))
}
