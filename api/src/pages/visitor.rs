//! Who looks at a page, and what every page shows of that. What somebody may not see is refused here, before the page
//! is made.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Method;
use axum::http::header::REFERER;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use souk_domain::ids::SellerId;
use souk_domain::people::Scope;
use souk_infra::Error;
use souk_infra::people::users::{self, User};
use souk_infra::tenants::Tenant;

use super::{assets, local, see_other};
use crate::auth::{MaybePageUser, Roles};
use crate::error::ApiError;
use crate::state::AppState;

/// Anybody.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) tenant: Arc<Tenant>,
    pub(super) scope: Scope,
    pub(super) user: Option<User>,
    pub(super) roles: Roles,
    demo: bool,
    here: String,
}

/// Somebody who is logged in; others are sent to the login and back.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) visitor: Visitor,
    pub(super) user: User,
}

/// Somebody who works for the seller in the path (`{seller}`), or an admin; for others there is no such seller.
#[derive(Debug, Clone)]
pub(super) struct SellerPage {
    pub(super) visitor: Visitor,
    pub(super) seller: SellerId,
}

/// An admin.
#[derive(Debug, Clone)]
pub(super) struct AdminPage(pub(super) Visitor);

/// An admin, or finance.
#[derive(Debug, Clone)]
pub(super) struct FinancePage(pub(super) Visitor);

/// What is around the content of every page.
#[derive(Debug, Clone)]
pub(super) struct Chrome {
    /// The marketplace's name.
    pub(super) market: String,
    /// Whether to say that this is a demo.
    pub(super) demo: bool,
    /// Who is logged in.
    pub(super) user: Option<String>,
    /// Whether the books are theirs to see.
    pub(super) finance: bool,
    /// Whether the marketplace is theirs to run.
    pub(super) admin: bool,
    /// The login page that leads back here.
    pub(super) login: String,
    /// For the addresses of style sheet and script.
    pub(super) version: &'static str,
}

impl Visitor {
    /// What is around the page for this visitor.
    pub(super) fn chrome(&self) -> Chrome {
        Chrome {
            market: self.tenant.name.clone(),
            demo: self.demo,
            user: self.user.as_ref().map(|user| user.name.clone().unwrap_or_else(|| user.email.clone())),
            finance: self.roles.is_finance(),
            admin: self.roles.is_admin(),
            login: local::login(&self.here),
            version: &assets::VERSION,
        }
    }

    /// The address that the confirmation would go to.
    pub(super) fn email(&self) -> String {
        self.user.as_ref().map(|user| user.email.clone()).unwrap_or_default()
    }
}

/// Where the visitor is, or for a form, where it was sent from.
fn here(parts: &Parts) -> String {
    if parts.method == Method::GET || parts.method == Method::HEAD {
        return parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
    }
    let referer = parts.headers.get(REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|referer| url::Url::parse(referer).ok()).map(|url| {
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", url.path())
    });
    path.unwrap_or_else(|| "/".to_owned())
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let found = <MaybePageUser as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        let roles = Roles::of(state, &found.scope).await?;
        let user = match found.user {
            Some(known) => users::by_id(&state.souk, &found.scope, known.user).await?,
            None => None,
        };
        Ok(Self {
            tenant: found.tenant,
            scope: found.scope,
            user,
            roles,
            demo: state.demo.is_some(),
            here: here(parts),
        })
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        match visitor.user.clone() {
            Some(user) => Ok(Self { visitor, user }),
            None => Err(see_other(&local::login(&visitor.here))),
        }
    }
}

impl FromRequestParts<AppState> for SellerPage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Member { visitor, .. } = Member::from_request_parts(parts, state).await?;
        let nothing = || ApiError(Error::not_found("seller")).into_response();
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let named = params.iter().find(|(name, _)| *name == "seller").map(|(_, value)| value.to_owned());
        let seller: SellerId = named.and_then(|id| id.parse().ok()).ok_or_else(nothing)?;
        if !visitor.roles.works_for(seller) && !visitor.roles.is_admin() {
            return Err(nothing());
        }
        Ok(Self { visitor, seller })
    }
}

fn forbidden(detail: &str) -> Response {
    ApiError(Error::forbidden(detail)).into_response()
}

impl FromRequestParts<AppState> for AdminPage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Member { visitor, .. } = Member::from_request_parts(parts, state).await?;
        if visitor.roles.is_admin() {
            Ok(Self(visitor))
        } else {
            Err(forbidden("This page is for the marketplace's admins."))
        }
    }
}

impl FromRequestParts<AppState> for FinancePage {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Member { visitor, .. } = Member::from_request_parts(parts, state).await?;
        if visitor.roles.is_finance() {
            Ok(Self(visitor))
        } else {
            Err(forbidden("This page is for the marketplace's admins and its finance."))
        }
    }
}
