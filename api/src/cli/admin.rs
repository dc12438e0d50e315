//! `souk admin`: the people who run a marketplace, the first of whom nobody else can let in.

use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use souk_domain::people::{Membership, Role, Scope};
use souk_infra::people::{self, NewUser, secret, users};
use souk_infra::{Souk, audit};

use super::{Outcome, open_ready, say, tenant_by_slug};
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Give a person a role in a marketplace, with a new login if there is none with that address.
    Create(Create),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The marketplace's short name.
    #[arg(long, default_value = crate::startup::DEFAULT_TENANT)]
    tenant: String,
    /// The person's e-mail address.
    #[arg(long)]
    email: String,
    /// The person's name.
    #[arg(long)]
    name: Option<String>,
    /// What the person may do.
    #[arg(long, value_enum, default_value_t = Kind::Admin)]
    role: Kind,
    /// Read the password from standard input instead of making one up and printing it.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Runs the marketplace.
    Admin,
    /// Reconciles; no settings.
    Finance,
    /// Runs the installation.
    Operator,
}

impl From<Kind> for Role {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Admin => Self::TenantAdmin,
            Kind::Finance => Self::TenantFinance,
            Kind::Operator => Self::Operator,
        }
    }
}

pub(super) async fn run(command: AdminCommand, settings: &Settings) -> Outcome {
    let AdminCommand::Create(create) = command;
    let souk = open_ready(settings).await?;
    let tenant = tenant_by_slug(&souk, &create.tenant).await?;
    let scope = Scope::system(tenant.id);
    let role = Membership { role: create.role.into(), seller_id: None };
    if let Some(user) = users::by_email(&souk, &scope, &create.email).await? {
        grant(&souk, &scope, user.id, role).await?;
        return say(&format!("{} has the role {} in {} now.", user.email, role.role, tenant.slug));
    }
    let (password, made_up) =
        if create.password_stdin { (from_stdin()?, false) } else { (secret::random(), true) };
    let new = NewUser::prepare(&create.email, &password, create.name.as_deref()).await?;
    let tx = souk.db.begin(&scope).await?;
    let user = new.insert(tx.connection(), &scope, souk.clock.now()).await?;
    people::add_membership(tx.connection(), &scope, souk.clock.now(), user.id, role).await?;
    record(&souk, tx.connection(), &scope, user.id, role).await?;
    tx.commit().await?;
    say(&format!("{} has a login and the role {} in {} now.", user.email, role.role, tenant.slug))?;
    if made_up {
        say(&format!("The password, shown only now: {password}"))
    } else {
        Ok(std::process::ExitCode::SUCCESS)
    }
}

async fn grant(
    souk: &Souk,
    scope: &Scope,
    user: souk_domain::ids::UserId,
    role: Membership,
) -> anyhow::Result<()> {
    let tx = souk.db.begin(scope).await?;
    people::add_membership(tx.connection(), scope, souk.clock.now(), user, role).await?;
    record(souk, tx.connection(), scope, user, role).await?;
    tx.commit().await?;
    Ok(())
}

async fn record<C: sea_orm::ConnectionTrait>(
    souk: &Souk,
    db: &C,
    scope: &Scope,
    user: souk_domain::ids::UserId,
    role: Membership,
) -> souk_infra::Result<()> {
    let detail = json!({"role": role.role});
    audit::record(db, &souk.clock, scope, "membership.added", user.to_string(), detail).await
}

fn from_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
