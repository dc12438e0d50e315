//! `souk tenant`: marketplaces of this installation.

use clap::{Args, Subcommand};
use souk_domain::ids::TenantId;
use souk_domain::money::Currency;
use souk_domain::payment::{ChargeModel, Provider};
use souk_domain::text;
use souk_infra::Souk;
use souk_infra::tenants::{self, Tenant};

use super::{Outcome, open_ready, say};
use crate::settings::{Env, Settings};
use crate::startup;

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Make a marketplace.
    Create(Create),
    /// Show every marketplace with its hosts.
    List,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its short name: lower-case letters, digits and dashes.
    #[arg(long)]
    slug: String,
    /// Its name for people.
    #[arg(long)]
    name: String,
    /// A host name by which it is found, without a port; may be given several times.
    #[arg(long, required = true)]
    host: Vec<String>,
    /// Where people reach it; https:// and the first host if not given.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The currency of its fee schedule and of new listings.
    #[arg(long, default_value = "usd")]
    currency: String,
    /// The country of its business, two letters.
    #[arg(long, default_value = "US")]
    country: String,
    /// Who charges the buyer, for sellers that do not say: direct, destination or separate.
    #[arg(long, default_value = "direct")]
    charge_model: String,
    /// How long an unpaid order holds its seats.
    #[arg(long, default_value_t = 30, value_name = "MINUTES", value_parser = clap::value_parser!(i64).range(1..=1_440))]
    hold_minutes: i64,
    /// Let buyers enter the payment provider's own promotion codes on its page.
    #[arg(long)]
    provider_codes: bool,
    /// Let one order have several sellers.
    #[arg(long)]
    mixed_baskets: bool,
    /// Store the STRIPE_* settings of this environment as the marketplace's keys, encrypted.
    #[arg(long)]
    stripe_keys: bool,
}

pub(super) async fn run(command: TenantCommand, settings: &Settings) -> Outcome {
    let souk = open_ready(settings).await?;
    match command {
        TenantCommand::Create(create) => self::create(&souk, create, settings).await,
        TenantCommand::List => list(&souk).await,
    }
}

async fn create(souk: &Souk, create: Create, settings: &Settings) -> Outcome {
    anyhow::ensure!(
        !create.stripe_keys || settings.stripe.is_some(),
        "--stripe-keys stores the STRIPE_* settings, but STRIPE_SECRET_KEY is not set."
    );
    let hosts = create.host.iter().map(|host| checked_host(host)).collect::<anyhow::Result<Vec<_>>>()?;
    let tenant = checked(&create, &hosts, settings)?;
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    tenants::create(souk, &tenant, &hosts).await?;
    if create.stripe_keys {
        startup::store_keys(souk, settings, tenant.id).await?;
    }
    say(&format!("{} {} at {}", tenant.id, tenant.slug, hosts.join(", ")))
}

fn checked(create: &Create, hosts: &[String], settings: &Settings) -> anyhow::Result<Tenant> {
    let slug = create.slug.as_str();
    anyhow::ensure!(
        (1..=63).contains(&slug.len())
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "--slug must be 1 to 63 lower-case letters, digits and dashes."
    );
    let public_url = create.public_url.clone().unwrap_or_else(|| format!("https://{}", hosts[0]));
    let public_url = text::web_url(&public_url).map_err(|error| anyhow::anyhow!("--public-url {error}."))?;
    anyhow::ensure!(
        settings.env == Env::Development || public_url.starts_with("https://"),
        "--public-url must be an https address in production."
    );
    let charge_model: ChargeModel = create
        .charge_model
        .parse()
        .map_err(|_| anyhow::anyhow!("--charge-model must be direct, destination or separate."))?;
    let currency: Currency =
        create.currency.parse().map_err(|error| anyhow::anyhow!("--currency: {error}."))?;
    Ok(Tenant {
        id: TenantId::new(),
        slug: slug.to_owned(),
        name: text::bounded(&create.name, 1, 100).map_err(|error| anyhow::anyhow!("--name {error}."))?,
        currency,
        country: text::country(&create.country).map_err(|error| anyhow::anyhow!("--country {error}."))?,
        charge_model,
        public_url: public_url.trim_end_matches('/').to_owned(),
        hold_seconds: create.hold_minutes * 60,
        provider_codes: create.provider_codes,
        mixed_baskets: create.mixed_baskets,
    })
}

fn checked_host(host: &str) -> anyhow::Result<String> {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    let plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'));
    // A colon is either a port, which does not count, or part of an IPv6 address.
    let port = host.matches(':').count() == 1;
    anyhow::ensure!(
        (1..=253).contains(&host.len()) && plain && !port,
        "--host must be a host name without a port, such as market.example."
    );
    Ok(host)
}

async fn list(souk: &Souk) -> Outcome {
    let mut lines = Vec::new();
    for tenant in tenants::all(souk).await? {
        let hosts = tenants::hosts(souk, tenant.id).await?.join(", ");
        let keys = match tenants::keys(souk, tenant.id, Provider::Stripe).await {
            Ok(Some(keys)) if keys.livemode => "live keys",
            Ok(Some(_)) => "test keys",
            Ok(None) => "no keys",
            Err(_) => "unreadable keys",
        };
        lines.push(format!(
            "{}  {}  {}  {}  Stripe: {keys}  {hosts}",
            tenant.id, tenant.slug, tenant.charge_model, tenant.currency
        ));
    }
    if lines.is_empty() {
        lines.push("There is no marketplace yet; souk tenant create makes one.".to_owned());
    }
    say(&lines.join("\n"))
}
