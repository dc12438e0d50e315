//! Which marketplace a request is for: its Host says, and nothing else does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use souk_domain::people::{Actor, Scope};
use souk_infra::tenants::{self, Tenant};
use souk_infra::{Error, RefusalKind, Souk};

use crate::error::{ApiError, Result, refusal};
use crate::state::AppState;

/// How long a process may go on with what it knows of a host.
const FRESH: Duration = Duration::from_secs(3);
/// Hosts kept at most: whoever sends made-up ones must not fill the memory.
const MOST: usize = 4_096;

/// What is known of a host: its tenant, or that it has none.
type Found = Option<Arc<Tenant>>;
type Known = HashMap<String, (Instant, Found)>;

/// Tenants by host, for a few seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct TenantCache {
    known: Arc<Mutex<Known>>,
}

impl TenantCache {
    /// The tenant of a host: as known, or as `by_host` finds it.
    pub(crate) async fn find(&self, souk: &Souk, host: &str) -> Result<Found> {
        if let Some((read, tenant)) = self.lock().get(host)
            && read.elapsed() < FRESH
        {
            return Ok(tenant.clone());
        }
        let tenant = tenants::by_host(souk, host).await?.map(Arc::new);
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(host.to_owned(), (Instant::now(), tenant.clone()));
        Ok(tenant)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The marketplace that the request is for. Handlers that need nobody in particular take this.
#[derive(Debug, Clone)]
pub struct Tenancy(pub Arc<Tenant>);

impl Tenancy {
    /// The scope of a caller who is nobody in particular.
    pub fn anonymous(&self) -> Scope {
        Scope { tenant: self.0.id, actor: Actor::Anonymous }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Tenancy {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            ApiError(Error::Internal("a route that needs a tenant is outside tenancy::resolve".to_owned()))
        })
    }
}

/// Finds the tenant and hands it on; a host that names none is 404 `unknown_host`.
pub(crate) async fn resolve(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let host = host(&request).unwrap_or_default();
    let Some(tenant) = state.tenants.find(&state.souk, &host).await? else {
        let detail = "No marketplace is served at this host name.";
        return Err(refusal(RefusalKind::NotFound, "unknown_host", detail));
    };
    tracing::Span::current().record("tenant", tenant.slug.as_str());
    request.extensions_mut().insert(Tenancy(tenant));
    Ok(next.run(request).await)
}

/// The request's host without its port, in lower case.
pub(crate) fn host(request: &Request) -> Option<String> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    Some(without_port(authority).trim_end_matches('.').to_lowercase())
}

fn without_port(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    authority.split(':').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_does_not_count() {
        for (authority, host) in [
            ("localhost:8080", "localhost"),
            ("second.localhost", "second.localhost"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:8080", "::1"),
            ("", ""),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }
}
