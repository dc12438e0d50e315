//! How much one client address may ask for: a budget of requests, and a smaller one for logins.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{ApiError, Result, too_many};
use crate::state::{AppState, HttpSettings};

/// Addresses kept before the idle ones are forgotten.
const MANY: usize = 50_000;

/// The budgets of this process.
pub(crate) struct Limits {
    requests: DefaultKeyedRateLimiter<IpAddr>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

impl Limits {
    pub(crate) fn new(settings: &HttpSettings) -> Self {
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            requests: RateLimiter::keyed(Quota::per_second(at_least_one(settings.requests_per_second))),
            logins: RateLimiter::keyed(Quota::per_minute(at_least_one(settings.logins_per_minute))),
            clock: DefaultClock::default(),
        }
    }

    /// Takes one from the address's budget, or says how many seconds to wait.
    fn take(&self, limiter: &DefaultKeyedRateLimiter<IpAddr>, address: IpAddr) -> Result<(), u64> {
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        limiter.check_key(&address).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }
}

/// Every request counts.
pub(crate) async fn requests(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let address = client(request.extensions(), request.headers(), state.http.trusted_proxies);
    state.limits.take(&state.limits.requests, address).map_err(too_many)?;
    Ok(next.run(request).await)
}

/// Room in the budget for logins, for routes where a password could be guessed or logins made in bulk. Stands before
/// the body among a handler's arguments, so that nothing is read for one who has no room.
#[derive(Debug)]
pub(crate) struct LoginBudget;

impl FromRequestParts<AppState> for LoginBudget {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let address = client(&parts.extensions, &parts.headers, state.http.trusted_proxies);
        state.limits.take(&state.limits.logins, address).map_err(too_many)?;
        Ok(Self)
    }
}

fn client(extensions: &Extensions, headers: &HeaderMap, trusted_proxies: u8) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |info| info.0.ip());
    network(forwarded(headers, trusted_proxies).unwrap_or(peer))
}

/// Each trusted proxy appends the address that it saw, so the client's is that many from the end.
fn forwarded(headers: &HeaderMap, trusted_proxies: u8) -> Option<IpAddr> {
    let back = usize::from(trusted_proxies).checked_sub(1)?;
    let chain: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    chain.iter().rev().nth(back)?.trim().parse().ok()
}

/// One IPv6 client has a whole /64 to choose addresses from; it is one client all the same.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_appended_is_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 9.9.9.9".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), "10.0.0.1".parse().ok());
        assert_eq!(forwarded(&headers, 2), "9.9.9.9".parse().ok());
        assert_eq!(forwarded(&headers, 9), None);
    }

    #[test]
    fn a_v6_network_is_one_client() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:1.2.3.4", "1.2.3.4"));
    }
}
