//! The payment gateways of each tenant, made from its stored keys and kept while those do not change.

pub mod stripe;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use souk_domain::gateway::{GatewayError, PaymentGateway};
use souk_domain::ids::TenantId;
use souk_domain::payment::Provider;

use self::stripe::StripeGateway;
use crate::error::{Error, Result};
use crate::souk::Souk;
use crate::tenants::{self, GatewayKeys};

/// A gateway with one tenant's keys.
pub type Gateway = Arc<dyn PaymentGateway>;

type Known = HashMap<(TenantId, Provider), (DateTime<Utc>, Gateway)>;

/// The gateways made so far.
#[derive(Default, Clone)]
pub struct Gateways {
    known: Arc<Mutex<Known>>,
}

impl std::fmt::Debug for Gateways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateways")
    }
}

impl Souk {
    /// The tenant's gateway to `provider`. Keys are read each time (one indexed row), the gateway with its
    /// connection pool is kept until they change.
    pub async fn gateway(&self, tenant: TenantId, provider: Provider) -> Result<Gateway> {
        let keys = tenants::keys(self, tenant, provider).await?.ok_or(GatewayError::NotConfigured)?;
        let mut known = self.gateways.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, gateway)) = known.get(&(tenant, provider))
            && *made == keys.updated_at
        {
            return Ok(gateway.clone());
        }
        let gateway = connect(provider, &keys)?;
        known.insert((tenant, provider), (keys.updated_at, gateway.clone()));
        Ok(gateway)
    }
}

fn connect(provider: Provider, keys: &GatewayKeys) -> Result<Gateway> {
    match provider {
        Provider::Stripe => Ok(Arc::new(StripeGateway::new(keys)?)),
        Provider::Square | Provider::Paypal => Err(Error::Gateway(GatewayError::NotConfigured)),
    }
}
