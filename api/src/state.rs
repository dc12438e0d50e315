//! What every handler can reach.

use std::sync::Arc;

use souk_infra::Souk;

use crate::demo::Info;
use crate::limit::Limits;
use crate::metrics::Metrics;
use crate::pages::Renewals;
use crate::tenancy::TenantCache;

/// How the HTTP layer behaves.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Requests a second from one client address.
    pub requests_per_second: u32,
    /// Logins and registrations a minute from one client address.
    pub logins_per_minute: u32,
    /// How many proxies in front of souk append to `X-Forwarded-For`; 0 means that nobody does, and the header is
    /// not believed.
    pub trusted_proxies: u8,
    /// Whether cookies are for HTTPS only, and browsers are told to stay on it.
    pub https: bool,
}

impl Default for HttpSettings {
    /// Generous: for development, the demo and tests.
    fn default() -> Self {
        Self { requests_per_second: 1_000, logins_per_minute: 6_000, trusted_proxies: 0, https: false }
    }
}

/// What every handler can reach. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// souk itself.
    pub souk: Souk,
    /// How the HTTP layer behaves.
    pub http: Arc<HttpSettings>,
    pub(crate) tenants: TenantCache,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) renewals: Renewals,
    pub(crate) demo: Option<Arc<Info>>,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(souk: Souk, http: HttpSettings) -> Self {
        Self {
            souk,
            tenants: TenantCache::default(),
            metrics: Arc::default(),
            limits: Arc::new(Limits::new(&http)),
            http: Arc::new(http),
            renewals: Renewals::default(),
            demo: None,
        }
    }

    /// Says on every page that this is a demo, and who can log in.
    #[must_use]
    pub fn with_demo(self, info: &Info) -> Self {
        Self { demo: Some(Arc::new(info.clone())), ..self }
    }
}
