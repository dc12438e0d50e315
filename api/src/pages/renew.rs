//! Renews a login while somebody uses the pages: access tokens live for minutes, people fill in forms for longer.
//!
//! A refresh token is good once and its second use ends the login, but a browser sends several requests with the same
//! cookies. So renewals of one process queue up, and for a short while the same token gets the same answer again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::middleware::Next;
use axum::response::Response;
use souk_domain::people::Scope;
use souk_infra::Error;
use souk_infra::people::{Issued, sessions};
use tokio::sync::Mutex;

use crate::auth::{access_cookie, clear_cookies, refresh_cookie, set_cookies, use_access_token};
use crate::error::{ApiError, Result};
use crate::state::AppState;
use crate::tenancy::Tenancy;

/// How long one use of a refresh token counts as the same use.
const SAME_USE: Duration = Duration::from_secs(20);

type Recent = HashMap<String, (Instant, Arc<Issued>)>;

/// Logins that this process renewed a moment ago.
#[derive(Clone, Default)]
pub(crate) struct Renewals {
    recent: Arc<Mutex<Recent>>,
}

impl std::fmt::Debug for Renewals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renewals")
    }
}

impl Renewals {
    /// New tokens for a refresh token; nothing where it is no good.
    async fn renew(&self, state: &AppState, scope: &Scope, token: &str) -> Result<Option<Arc<Issued>>> {
        let mut recent = self.recent.lock().await;
        recent.retain(|_, (at, _)| at.elapsed() < SAME_USE);
        let key = format!("{} {token}", scope.tenant);
        if let Some((_, issued)) = recent.get(&key) {
            return Ok(Some(issued.clone()));
        }
        match sessions::refresh(&state.souk, scope, token).await {
            Ok(issued) => {
                let issued = Arc::new(issued);
                recent.insert(key, (Instant::now(), issued.clone()));
                Ok(Some(issued))
            }
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(ApiError(error)),
        }
    }
}

/// A layer for pages: a visitor whose access token has run out goes on with a new one, without noticing.
pub(super) async fn renew(
    State(state): State<AppState>,
    tenancy: Tenancy,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let token = match (access_cookie(request.headers()), refresh_cookie(request.headers())) {
        (None, Some(token)) => token.to_owned(),
        _ => return Ok(next.run(request).await),
    };
    let issued = state.renewals.renew(&state, &tenancy.anonymous(), &token).await?;
    if let Some(issued) = &issued {
        use_access_token(request.headers_mut(), &issued.access_token);
    }
    let mut response = next.run(request).await;
    // A page that logs in or out has the last word.
    if !response.headers().contains_key(SET_COOKIE) {
        match &issued {
            Some(issued) => set_cookies(&mut response, issued, state.http.https),
            None => clear_cookies(&mut response, state.http.https),
        }
    }
    Ok(response)
}
