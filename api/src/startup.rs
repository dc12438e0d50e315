//! From settings to a souk that works, and what is wrong with an installation before it takes money.

use souk_domain::ids::TenantId;
use souk_domain::money::Currency;
use souk_domain::payment::{ChargeModel, Provider};
use souk_infra::db::Db;
use souk_infra::tenants::{self, GatewayKeys, Tenant};
use souk_infra::{Error, Result, Souk};

use crate::settings::{Env, Settings};

/// The slug of the marketplace that the environment's keys belong to.
pub const DEFAULT_TENANT: &str = "default";

/// Opens the database and puts souk together. A SQLite file is brought up to date at once: nobody else uses it. On
/// PostgreSQL that is `souk migrate`'s work, since several replicas may start at the same time.
pub async fn open(settings: &Settings) -> Result<Souk> {
    let db = Db::connect(&settings.database_url).await?;
    if db.is_sqlite() {
        db.migrate().await?;
    }
    Ok(Souk::new(db, settings.infra()))
}

/// Makes the marketplace `default` where it is called for (keys are given, or there is no marketplace at all), and
/// stores the keys that are given. Harmless to repeat, and for several replicas at once.
pub async fn ensure_default(souk: &Souk, settings: &Settings) -> Result<()> {
    let known = tenants::by_slug(souk, DEFAULT_TENANT).await?;
    let tenant = match known {
        Some(tenant) => tenant,
        None if settings.stripe.is_some() || tenants::all(souk).await?.is_empty() => {
            create_default(souk, settings).await?
        }
        None => return Ok(()),
    };
    store_keys(souk, settings, tenant.id).await
}

async fn create_default(souk: &Souk, settings: &Settings) -> Result<Tenant> {
    let tenant = Tenant {
        id: TenantId::new(),
        slug: DEFAULT_TENANT.to_owned(),
        name: "souk".to_owned(),
        currency: Currency::USD,
        country: "US".to_owned(),
        charge_model: ChargeModel::Direct,
        public_url: settings.public_url.clone(),
        hold_seconds: 1_800,
        provider_codes: false,
        mixed_baskets: false,
    };
    let host = settings.public_host();
    let mut hosts = vec![host.as_str()];
    if settings.env == Env::Development {
        hosts.extend(["localhost", "127.0.0.1"].into_iter().filter(|local| *local != host));
    }
    match tenants::create(souk, &tenant, &hosts).await {
        Ok(()) => Ok(tenant),
        // Another replica may have been faster.
        Err(error) => tenants::by_slug(souk, DEFAULT_TENANT).await?.ok_or(error),
    }
}

/// Stores the keys of the settings for a tenant, unless they are stored already.
pub async fn store_keys(souk: &Souk, settings: &Settings, tenant: TenantId) -> Result<()> {
    let Some(stripe) = &settings.stripe else { return Ok(()) };
    let wanted = GatewayKeys {
        api_base: settings.stripe_api_base.clone(),
        livemode: stripe.livemode,
        secret_key: stripe.secret_key.clone(),
        publishable_key: stripe.publishable_key.clone(),
        webhook_secrets: stripe.webhook_secrets.clone(),
        connect_webhook_secrets: stripe.connect_webhook_secrets.clone(),
        updated_at: souk.clock.now(),
    };
    let stored = match tenants::keys(souk, tenant, Provider::Stripe).await {
        Ok(stored) => stored,
        // Sealed with an encryption key that is no longer known: the keys at hand replace them.
        Err(Error::Corrupt(_)) => None,
        Err(error) => return Err(error),
    };
    let same = stored.is_some_and(|stored| {
        (stored.api_base, stored.livemode, stored.secret_key, stored.publishable_key)
            == (
                wanted.api_base.clone(),
                wanted.livemode,
                wanted.secret_key.clone(),
                wanted.publishable_key.clone(),
            )
            && stored.webhook_secrets == wanted.webhook_secrets
            && stored.connect_webhook_secrets == wanted.connect_webhook_secrets
    });
    if same { Ok(()) } else { tenants::set_keys(souk, tenant, Provider::Stripe, &wanted).await }
}

/// What is wrong with the stored keys of the marketplaces, one sentence each. souk does not start with any of it.
pub async fn complaints(souk: &Souk, env: Env) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for tenant in tenants::all(souk).await? {
        match tenants::keys(souk, tenant.id, Provider::Stripe).await {
            Ok(Some(keys)) => complaints.extend(about(&tenant, &keys, env)),
            Ok(None) => {}
            Err(Error::Corrupt(why)) => {
                complaints.push(format!("The Stripe keys of {} cannot be opened: {why}.", tenant.slug));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(complaints)
}

fn about(tenant: &Tenant, keys: &GatewayKeys, env: Env) -> Vec<String> {
    let slug = &tenant.slug;
    let mut complaints = Vec::new();
    match (env, keys.livemode) {
        (Env::Production, false) => {
            complaints
                .push(format!("The Stripe key of {slug} is a test key; production takes live keys only."));
        }
        (Env::Development, true) => complaints.push(format!(
            "The Stripe key of {slug} is a live key; it is taken only with SOUK_ENV=production."
        )),
        _ => {}
    }
    if keys.connect_webhook_secrets.is_empty() && tenant.charge_model == ChargeModel::Direct {
        complaints.push(format!(
            "{slug} has no secret for /webhooks/stripe/connect: payments of direct charges are never heard of."
        ));
    }
    if env == Env::Production && !tenant.public_url.starts_with("https://") {
        complaints.push(format!("The public address of {slug} is not https."));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ground(pairs: &[(&str, &str)]) -> (Souk, Settings, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("souk.db").display());
        let mut pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        pairs.push(("DATABASE_URL".to_owned(), url));
        let settings = Settings::load(None, pairs.into_iter()).unwrap();
        (open(&settings).await.unwrap(), settings, dir)
    }

    const KEYS: [(&str, &str); 2] =
        [("STRIPE_SECRET_KEY", "sk_test_123"), ("STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_1")];

    #[tokio::test]
    async fn a_plain_installation_gets_its_marketplace_and_keys_once() {
        let (souk, settings, _dir) = ground(&KEYS).await;
        ensure_default(&souk, &settings).await.unwrap();
        let tenant = tenants::by_host(&souk, "localhost").await.unwrap().unwrap();
        assert_eq!(tenant.slug, DEFAULT_TENANT);
        let first = tenants::keys(&souk, tenant.id, Provider::Stripe).await.unwrap().unwrap();
        assert_eq!((first.secret_key.as_str(), first.livemode), ("sk_test_123", false));
        souk.clock.advance(60);
        ensure_default(&souk, &settings).await.unwrap();
        let again = tenants::keys(&souk, tenant.id, Provider::Stripe).await.unwrap().unwrap();
        assert_eq!(again.updated_at, first.updated_at);
        assert!(complaints(&souk, Env::Development).await.unwrap().is_empty());
        let production = complaints(&souk, Env::Production).await.unwrap();
        assert!(production.iter().any(|sentence| sentence.contains("test key")), "{production:?}");
        assert!(production.iter().any(|sentence| sentence.contains("not https")), "{production:?}");
    }

    #[tokio::test]
    async fn keys_that_cannot_be_opened_or_lack_the_connect_secret_are_complained_of() {
        let (souk, settings, dir) = ground(&KEYS).await;
        ensure_default(&souk, &settings).await.unwrap();
        let tenant = tenants::by_slug(&souk, DEFAULT_TENANT).await.unwrap().unwrap();
        let mut keys = tenants::keys(&souk, tenant.id, Provider::Stripe).await.unwrap().unwrap();
        keys.connect_webhook_secrets.clear();
        tenants::set_keys(&souk, tenant.id, Provider::Stripe, &keys).await.unwrap();
        let sentences = complaints(&souk, Env::Development).await.unwrap();
        assert!(sentences.len() == 1 && sentences[0].contains("/webhooks/stripe/connect"), "{sentences:?}");

        let url = format!("sqlite://{}", dir.path().join("souk.db").display());
        let other = [("DATABASE_URL", url.as_str()), ("SOUK_ENCRYPTION_KEY", "another")];
        let pairs = other.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let other = open(&Settings::load(None, pairs.into_iter()).unwrap()).await.unwrap();
        let sentences = complaints(&other, Env::Development).await.unwrap();
        assert!(sentences.len() == 1 && sentences[0].contains("cannot be opened"), "{sentences:?}");
    }

    #[tokio::test]
    async fn an_installation_with_marketplaces_of_its_own_gets_no_default_without_keys() {
        let (souk, settings, _dir) = ground(&[]).await;
        ensure_default(&souk, &settings).await.unwrap();
        let mut own = tenants::by_slug(&souk, DEFAULT_TENANT).await.unwrap().unwrap();
        (own.id, own.slug) = (TenantId::new(), "own".to_owned());
        tenants::create(&souk, &own, &["own.example"]).await.unwrap();
        ensure_default(&souk, &settings).await.unwrap();
        assert_eq!(tenants::all(&souk).await.unwrap().len(), 2);
    }
}
