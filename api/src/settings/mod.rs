//! What the program is told at its start, from the environment or a file.
//!
//! Whatever is unknown or cannot be used stops the start with one sentence that names it: a setting that is silently
//! ignored is found out on the worst day.

mod checks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format as _, Serialized, Toml};
use serde::Deserialize;
use url::Url;

use crate::state::HttpSettings;

/// The commented default file: the documentation of every setting.
pub const DEFAULT_FILE: &str = include_str!("../../souk.default.toml");

/// Good for development only; production refuses to start without secrets of its own.
const DEVELOPMENT_SECRET: &str = "souk development secret, known to everybody";

/// A setting that stops the start. The sentence names it and never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// Where souk runs, which decides what it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Env {
    /// On a developer's machine: test keys only.
    Development,
    /// With real money: live keys only.
    Production,
}

/// Stripe's keys for the marketplace `default`.
#[derive(Clone, PartialEq, Eq)]
pub struct StripeKeys {
    /// `sk_…` or `rk_…`.
    pub secret_key: String,
    /// `pk_…`.
    pub publishable_key: Option<String>,
    /// Of the platform endpoint; several while rolling.
    pub webhook_secrets: Vec<String>,
    /// Of the connect endpoint; several while rolling.
    pub connect_webhook_secrets: Vec<String>,
    /// Whether these keys move real money.
    pub livemode: bool,
}

impl std::fmt::Debug for StripeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StripeKeys").field("livemode", &self.livemode).finish_non_exhaustive()
    }
}

/// Every setting, checked.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite://…` or `postgres://…`.
    pub database_url: String,
    /// Redis, if there is one.
    pub redis_url: Option<String>,
    /// Where souk runs.
    pub env: Env,
    /// Where souk listens.
    pub bind: SocketAddr,
    /// Where people reach souk, without a trailing slash.
    pub public_url: String,
    /// Where the demo's simulator listens.
    pub sandbox_bind: SocketAddr,
    /// The keys of the marketplace `default`, if given.
    pub stripe: Option<StripeKeys>,
    /// Stripe's API, without a trailing slash.
    pub stripe_api_base: String,
    /// Signs what people hold.
    pub jwt_secret: String,
    /// Seals provider keys.
    pub encryption_key: String,
    /// Delivers mail, if there is one.
    pub smtp_url: Option<String>,
    /// What to log.
    pub log: String,
    /// How the HTTP layer behaves.
    pub http: HttpSettings,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("env", &self.env)
            .field("bind", &self.bind)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

/// The settings as they are written, before they are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct Written {
    database_url: String,
    redis_url: Option<String>,
    souk_env: Env,
    souk_bind: SocketAddr,
    souk_public_url: Option<String>,
    souk_sandbox_bind: SocketAddr,
    stripe_secret_key: Option<String>,
    stripe_publishable_key: Option<String>,
    stripe_webhook_secret: Option<String>,
    stripe_connect_webhook_secret: Option<String>,
    stripe_api_base: String,
    souk_jwt_secret: Option<String>,
    souk_encryption_key: Option<String>,
    souk_smtp_url: Option<String>,
    souk_log: String,
    souk_rate_limit: Option<u32>,
    souk_login_rate_limit: Option<u32>,
    souk_trusted_proxies: u8,
}

/// Names that are not ours alone, so that others of the same family are none of our business.
const SHARED: [&str; 7] = [
    "DATABASE_URL",
    "REDIS_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_CONNECT_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
];

impl Settings {
    /// Reads the defaults, then the file, then the environment, and checks what came together.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Unusable> {
        let mut figment = Figment::from(Toml::string(DEFAULT_FILE));
        if let Some(path) = file {
            if !path.is_file() {
                return Err(Unusable(format!("The settings file {} is not there.", path.display())));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        // An empty value is how a shell or a container says "not set".
        let ours: BTreeMap<String, String> = environment
            .filter(|(name, value)| {
                (name.starts_with("SOUK_") || SHARED.contains(&name.as_str())) && !value.trim().is_empty()
            })
            .collect();
        let written: Written =
            figment.merge(Serialized::globals(ours)).extract_lossy().map_err(|error| explain(&error))?;
        Self::check(written)
    }

    fn check(written: Written) -> Result<Self, Unusable> {
        let env = written.souk_env;
        let production = env == Env::Production;
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let public_url =
            given(written.souk_public_url).unwrap_or_else(|| format!("http://{}", written.souk_bind));
        let https = checks::public_url(&public_url, env)?;
        checks::database_url(&written.database_url)?;
        let redis_url = given(written.redis_url);
        checks::scheme("REDIS_URL", redis_url.as_deref(), &["redis", "rediss"])?;
        let smtp_url = given(written.souk_smtp_url);
        checks::scheme("SOUK_SMTP_URL", smtp_url.as_deref(), &["smtp", "smtps"])?;
        checks::api_base(&written.stripe_api_base, env)?;
        let stripe = checks::stripe_keys(
            given(written.stripe_secret_key),
            given(written.stripe_publishable_key),
            given(written.stripe_webhook_secret),
            given(written.stripe_connect_webhook_secret),
            env,
        )?;
        let http = HttpSettings {
            requests_per_second: written.souk_rate_limit.unwrap_or(if production { 200 } else { 1_000 }),
            logins_per_minute: written.souk_login_rate_limit.unwrap_or(if production { 20 } else { 6_000 }),
            trusted_proxies: written.souk_trusted_proxies,
            https,
        };
        checks::at_least_one("SOUK_RATE_LIMIT", http.requests_per_second)?;
        checks::at_least_one("SOUK_LOGIN_RATE_LIMIT", http.logins_per_minute)?;
        Ok(Self {
            database_url: written.database_url,
            redis_url,
            env,
            bind: written.souk_bind,
            public_url: public_url.trim_end_matches('/').to_owned(),
            sandbox_bind: written.souk_sandbox_bind,
            stripe,
            stripe_api_base: written.stripe_api_base.trim_end_matches('/').to_owned(),
            jwt_secret: checks::secret("SOUK_JWT_SECRET", given(written.souk_jwt_secret), env)?,
            encryption_key: checks::secret("SOUK_ENCRYPTION_KEY", given(written.souk_encryption_key), env)?,
            smtp_url,
            log: written.souk_log,
            http,
        })
    }

    /// The host of the public address, by which the marketplace `default` is found.
    pub fn public_host(&self) -> String {
        let url = Url::parse(&self.public_url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned())
    }

    /// What the inner layer needs of it.
    pub fn infra(&self) -> souk_infra::Settings {
        souk_infra::Settings {
            jwt_secret: self.jwt_secret.clone(),
            encryption_key: self.encryption_key.clone(),
        }
    }
}

/// Figment's words as one sentence that names the setting. A value is shown only where it cannot be a secret.
fn explain(error: &figment::Error) -> Unusable {
    let name = error.path.last().map_or("the settings file", String::as_str);
    Unusable(match &error.kind {
        Kind::UnknownField(field, _) => format!("{field} is not a setting of souk."),
        Kind::MissingField(field) => format!("{field} is missing."),
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            format!("{name} must be {expected}.")
        }
        Kind::UnknownVariant(found, allowed) => {
            format!("{name} must be one of {}, not {found:?}.", allowed.join(", "))
        }
        Kind::Message(message) if error.path.is_empty() => {
            format!("The settings file cannot be read: {}.", message.lines().next().unwrap_or(""))
        }
        Kind::Message(_) if name.ends_with("_BIND") => {
            format!("{name} must be an address and a port, such as 127.0.0.1:8080.")
        }
        _ => format!("{name} cannot be used."),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
