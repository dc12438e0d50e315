//! What a setting must be. Each check says in one sentence what is wrong, names the setting, and keeps the value out
//! of the sentence where it could be a secret.

use souk_domain::text;
use url::Url;

use super::{DEVELOPMENT_SECRET, Env, StripeKeys, Unusable};

/// Fewest characters of a secret in production.
const SECRET_LENGTH: usize = 32;

fn refuse<T>(sentence: impl Into<String>) -> Result<T, Unusable> {
    Err(Unusable(sentence.into()))
}

/// Checks the public address and says whether it is https.
pub(super) fn public_url(address: &str, env: Env) -> Result<bool, Unusable> {
    let url = text::web_url(address).ok().and_then(|address| Url::parse(&address).ok());
    let Some(url) = url.filter(|url| url.query().is_none() && matches!(url.path(), "" | "/")) else {
        return refuse(
            "SOUK_PUBLIC_URL must be an http or https address without a path, such as https://market.example.",
        );
    };
    let https = url.scheme() == "https";
    if env == Env::Production && !https {
        return refuse("SOUK_PUBLIC_URL must be an https address in production.");
    }
    Ok(https)
}

pub(super) fn database_url(url: &str) -> Result<(), Unusable> {
    if ["sqlite:", "postgres://", "postgresql://"].iter().any(|start| url.starts_with(start)) {
        return Ok(());
    }
    refuse("DATABASE_URL must begin with sqlite:// or postgres://.")
}

pub(super) fn scheme(name: &str, url: Option<&str>, schemes: &[&str]) -> Result<(), Unusable> {
    let fits = |url: &str| Url::parse(url).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host());
    if url.is_none_or(fits) {
        return Ok(());
    }
    refuse(format!("{name} must be an address that begins with {}://.", schemes.join(":// or ")))
}

/// Keys go to this address with each request, so in production it is encrypted.
pub(super) fn api_base(address: &str, env: Env) -> Result<(), Unusable> {
    if text::web_url(address).is_err() {
        return refuse("STRIPE_API_BASE must be an http or https address.");
    }
    if env == Env::Production && !address.starts_with("https://") {
        return refuse("STRIPE_API_BASE must be an https address in production.");
    }
    Ok(())
}

/// A secret of souk's own: as given, or in development one that everybody knows.
pub(super) fn secret(name: &str, given: Option<String>, env: Env) -> Result<String, Unusable> {
    match (given, env) {
        (None, Env::Development) => Ok(DEVELOPMENT_SECRET.to_owned()),
        (None, Env::Production) => {
            refuse(format!("{name} is missing; production needs a secret of its own."))
        }
        (Some(secret), Env::Production) if secret == DEVELOPMENT_SECRET => {
            refuse(format!("{name} is the development secret, which everybody knows."))
        }
        (Some(secret), Env::Production) if secret.chars().count() < SECRET_LENGTH => {
            refuse(format!("{name} must have at least {SECRET_LENGTH} characters in production."))
        }
        (Some(secret), _) => Ok(secret),
    }
}

pub(super) fn at_least_one(name: &str, value: u32) -> Result<(), Unusable> {
    if value > 0 { Ok(()) } else { refuse(format!("{name} must be at least 1.")) }
}

/// Checks that Stripe's keys are complete, of one mode, and of the mode that belongs here.
pub(super) fn stripe_keys(
    secret_key: Option<String>,
    publishable_key: Option<String>,
    webhook_secret: Option<String>,
    connect_secret: Option<String>,
    env: Env,
) -> Result<Option<StripeKeys>, Unusable> {
    let Some(secret_key) = secret_key else {
        let others = [
            ("STRIPE_PUBLISHABLE_KEY", &publishable_key),
            ("STRIPE_WEBHOOK_SECRET", &webhook_secret),
            ("STRIPE_CONNECT_WEBHOOK_SECRET", &connect_secret),
        ];
        return match others.iter().find(|(_, value)| value.is_some()) {
            Some((name, _)) => refuse(format!("{name} is set, but STRIPE_SECRET_KEY is missing.")),
            None => Ok(None),
        };
    };
    let livemode = mode("STRIPE_SECRET_KEY", &secret_key, &["sk", "rk"])?;
    if let Some(publishable) = &publishable_key
        && mode("STRIPE_PUBLISHABLE_KEY", publishable, &["pk"])? != livemode
    {
        return refuse("STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY are of two modes, test and live.");
    }
    match (env, livemode) {
        (Env::Production, false) => {
            return refuse("STRIPE_SECRET_KEY is a test key; production takes live keys only.");
        }
        (Env::Development, true) => {
            return refuse("STRIPE_SECRET_KEY is a live key; it is taken only with SOUK_ENV=production.");
        }
        _ => {}
    }
    let connect_webhook_secrets = secrets("STRIPE_CONNECT_WEBHOOK_SECRET", connect_secret)?;
    if connect_webhook_secrets.is_empty() {
        return refuse(
            "STRIPE_CONNECT_WEBHOOK_SECRET is missing: without it payments of direct charges are never heard of.",
        );
    }
    let webhook_secrets = secrets("STRIPE_WEBHOOK_SECRET", webhook_secret)?;
    Ok(Some(StripeKeys { secret_key, publishable_key, webhook_secrets, connect_webhook_secrets, livemode }))
}

/// Whether a key is a live one.
fn mode(name: &str, key: &str, kinds: &[&str]) -> Result<bool, Unusable> {
    let rest = kinds.iter().find_map(|kind| key.strip_prefix(kind)?.strip_prefix('_'));
    match rest {
        Some(rest) if rest.len() > 5 && rest.starts_with("live_") => Ok(true),
        Some(rest) if rest.len() > 5 && rest.starts_with("test_") => Ok(false),
        _ => refuse(format!("{name} must begin with {0}_test_ or {0}_live_.", kinds[0])),
    }
}

fn secrets(name: &str, text: Option<String>) -> Result<Vec<String>, Unusable> {
    let text = text.unwrap_or_default();
    let several: Vec<String> =
        text.split(',').map(str::trim).filter(|secret| !secret.is_empty()).map(str::to_owned).collect();
    if several.iter().all(|secret| secret.starts_with("whsec_") && secret.len() > 6) {
        return Ok(several);
    }
    refuse(format!("{name} must be signing secrets that begin with whsec_, separated by commas."))
}
