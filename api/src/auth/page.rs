//! The same tokens for people in a browser: in cookies that scripts cannot read.
//!
//! Cookies count on pages only, and a page that changes something takes them only from a form of its own origin.

use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use souk_domain::ids::{SessionId, UserId};
use souk_domain::people::Scope;
use souk_infra::RefusalKind;
use souk_infra::people::{Issued, sessions, tokens};
use souk_infra::tenants::Tenant;
use std::sync::Arc;

use super::identify;
use crate::error::{ApiError, Result, refusal};
use crate::state::AppState;
use crate::tenancy::Tenancy;

const ACCESS: &str = "souk_access";
const REFRESH: &str = "souk_refresh";

/// A person who is logged in on the pages. Whoever is not is sent to the login and back.
#[derive(Debug, Clone)]
pub struct PageUser {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
    /// The person.
    pub user: UserId,
    /// The login.
    pub session: SessionId,
}

/// A visitor of a page, logged in or not.
#[derive(Debug, Clone)]
pub struct MaybePageUser {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
    /// The person, if known.
    pub user: Option<PageUser>,
}

impl FromRequestParts<AppState> for MaybePageUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let tenancy = Tenancy::from_request_parts(parts, state).await?;
        let anonymous = tenancy.anonymous();
        let Tenancy(tenant) = tenancy;
        let Some(token) = cookie(&parts.headers, ACCESS) else {
            return Ok(Self { tenant, scope: anonymous, user: None });
        };
        // A token whose time is over is nobody's: the page shows what anyone may see, or sends to the login.
        let user = match identify(state, tenant.clone(), token).await {
            Ok(caller) => caller.user.zip(caller.session()).map(|(user, session)| PageUser {
                tenant: tenant.clone(),
                scope: caller.scope,
                user,
                session,
            }),
            Err(ApiError(souk_infra::Error::Refused(_))) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { tenant, scope: user.as_ref().map_or(anonymous, |user| user.scope), user })
    }
}

impl FromRequestParts<AppState> for PageUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let visitor =
            MaybePageUser::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        visitor.user.ok_or_else(|| {
            let here = parts.uri.path_and_query().map_or("/", |here| here.as_str());
            let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
            Redirect::to(&format!("/login?next={next}")).into_response()
        })
    }
}

impl OptionalFromRequestParts<AppState> for PageUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Option<Self>> {
        let visitor = <MaybePageUser as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        Ok(visitor.user)
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The access token of a visitor. Browsers forget it when its time is over.
pub fn access_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, ACCESS)
}

/// Lets the rest of this request be made with an access token that the browser does not have yet.
pub fn use_access_token(headers: &mut HeaderMap, token: &str) {
    if let Ok(value) = HeaderValue::from_str(&format!("{ACCESS}={token}")) {
        headers.append(COOKIE, value);
    }
}

/// The refresh token of a visitor, for the page that renews a login.
pub fn refresh_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, REFRESH)
}

/// Puts fresh tokens into the browser.
pub fn set_cookies(response: &mut Response, issued: &Issued, https: bool) {
    let days = sessions::REFRESH_DAYS * 24 * 3_600;
    append(response, ACCESS, &issued.access_token, tokens::LIFETIME, https);
    append(response, REFRESH, &issued.refresh_token, days, https);
}

/// Takes the tokens out of the browser.
pub fn clear_cookies(response: &mut Response, https: bool) {
    append(response, ACCESS, "", 0, https);
    append(response, REFRESH, "", 0, https);
}

fn append(response: &mut Response, name: &str, value: &str, seconds: i64, https: bool) {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// A layer for pages: refuses a form that another site made the browser send. Browsers say where a request comes
/// from; one that says nothing is not a browser and has no cookies to steal.
pub async fn same_origin(request: Request, next: Next) -> Result<Response> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_same_origin(request.headers()) {
        return Ok(next.run(request).await);
    }
    let detail = "This form was not sent from this site.";
    Err(refusal(RefusalKind::Forbidden, "cross_site_request", detail))
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, host)| host);
            from.is_some() && from == text(HOST.as_str())
        }
        (None, None) => headers.get(COOKIE).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn forms_of_other_sites_are_recognised() {
        let own = [("host", "a.example"), ("origin", "https://a.example"), ("cookie", "x=1")];
        assert!(is_same_origin(&headers(&own)));
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        for foreign in [
            vec![("host", "a.example"), ("origin", "https://b.example")],
            vec![("host", "a.example"), ("origin", "null")],
            vec![("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "https://a")],
            vec![("sec-fetch-site", "same-site")],
            vec![("cookie", "souk_access=x")],
        ] {
            assert!(!is_same_origin(&headers(&foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn finds_its_cookie_among_others() {
        let headers = headers(&[("cookie", "a=1; souk_access=tok; souk_refresh=ref")]);
        assert_eq!(cookie(&headers, ACCESS), Some("tok"));
        assert_eq!(refresh_cookie(&headers), Some("ref"));
        assert_eq!(cookie(&headers, "souk"), None);
    }
}
