//! Authorisation as types: a handler that takes [`AdminAuth`] cannot be reached without being an admin.
//!
//! API routes take `Authorization: Bearer` only, never a cookie, so that no foreign page can make a browser use them.
//! Roles are read from the database for each request: what is taken away is gone at once.

mod order;
mod page;

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use souk_domain::ids::{SellerId, SessionId, UserId};
use souk_domain::people::{Actor, Membership, Role, Scope};
use souk_infra::people::{self, api_keys, sessions, tokens};
use souk_infra::tenants::Tenant;
use souk_infra::{Error, RefusalKind, sellers};

use crate::error::{ApiError, Result, refusal, unauthenticated};
use crate::state::AppState;
use crate::tenancy::Tenancy;

pub use order::{OrderAuth, Standing};
pub use page::{
    MaybePageUser, PageUser, access_cookie, clear_cookies, refresh_cookie, same_origin, set_cookies,
    use_access_token,
};

/// What a person, a key or nobody may do in a tenant.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    key: bool,
    held: Vec<Membership>,
}

impl Roles {
    /// The roles of whoever acts in `scope`.
    pub async fn of(state: &AppState, scope: &Scope) -> Result<Self> {
        match scope.actor {
            Actor::Anonymous => Ok(Self::default()),
            Actor::ApiKey(_) | Actor::System => Ok(Self { key: true, held: Vec::new() }),
            Actor::User(user) => {
                Ok(Self { key: false, held: people::memberships(&state.souk, scope, user).await? })
            }
        }
    }

    /// Runs the marketplace: an admin, an operator, or a program with the tenant's API key.
    pub fn is_admin(&self) -> bool {
        self.key || self.has(Role::TenantAdmin) || self.has(Role::Operator)
    }

    /// Reads books and reconciles: finance, and every admin.
    pub fn is_finance(&self) -> bool {
        self.is_admin() || self.has(Role::TenantFinance)
    }

    /// Owns or works for the seller. Being an admin does not count here.
    pub fn works_for(&self, seller: SellerId) -> bool {
        self.held.iter().any(|m| m.role.is_of_seller() && m.seller_id == Some(seller))
    }

    /// Everything that is held, for pages that show it.
    pub fn held(&self) -> &[Membership] {
        &self.held
    }

    fn has(&self, role: Role) -> bool {
        self.held.iter().any(|m| m.role == role)
    }
}

/// Anyone: a person, a program with an API key, or nobody known. Credentials that are no good are 401 all the same,
/// so that a client learns that its token is over.
#[derive(Debug, Clone)]
pub struct MaybeUser {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries; its actor says who it is.
    pub scope: Scope,
    /// The person, if it is one.
    pub user: Option<UserId>,
    session: Option<SessionId>,
}

impl MaybeUser {
    /// What the caller may do.
    pub async fn roles(&self, state: &AppState) -> Result<Roles> {
        Roles::of(state, &self.scope).await
    }

    /// The login that the access token came from, if the caller is a person.
    pub fn session(&self) -> Option<SessionId> {
        self.session
    }
}

/// A person who is logged in.
#[derive(Debug, Clone)]
pub struct UserAuth {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
    /// The person.
    pub user: UserId,
    /// The login that the access token came from.
    pub session: SessionId,
}

/// An admin of the marketplace, an operator, or a program with the tenant's API key.
#[derive(Debug, Clone)]
pub struct AdminAuth {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
}

/// Someone who may see the books: finance or an admin.
#[derive(Debug, Clone)]
pub struct FinanceAuth {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
}

/// The seller that the path names (`{id}`, or `{seller_id}` where that is another thing's), for someone who works
/// for it or an admin. For everybody else there is no such seller.
#[derive(Debug, Clone)]
pub struct SellerAuth {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
    /// The seller, which exists.
    pub seller: SellerId,
    /// Whether the caller is here as an admin rather than as one of the seller's people.
    pub admin: bool,
}

impl FromRequestParts<AppState> for MaybeUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let Tenancy(tenant) = Tenancy::from_request_parts(parts, state).await?;
        match bearer(parts)? {
            None => {
                let scope = Scope { tenant: tenant.id, actor: Actor::Anonymous };
                Ok(Self { tenant, scope, user: None, session: None })
            }
            Some(token) => identify(state, tenant, token).await,
        }
    }
}

/// Who holds the token: an API key or an access token of this tenant, and of no other.
async fn identify(state: &AppState, tenant: Arc<Tenant>, token: &str) -> Result<MaybeUser> {
    let nobody = Scope { tenant: tenant.id, actor: Actor::Anonymous };
    if token.starts_with(api_keys::PREFIX) {
        let key = api_keys::find(&state.souk, &nobody, token).await?;
        let key = key.ok_or_else(|| unauthenticated("This API key is not one of this marketplace."))?;
        let scope = Scope { tenant: tenant.id, actor: Actor::ApiKey(key) };
        return Ok(MaybeUser { tenant, scope, user: None, session: None });
    }
    let over = || unauthenticated("The access token is not valid here or its time is over; refresh it.");
    let access = tokens::verify(&state.souk.settings.jwt_secret, token, state.souk.clock.now())
        .filter(|access| access.tenant == tenant.id)
        .ok_or_else(over)?;
    let scope = Scope { tenant: tenant.id, actor: Actor::User(access.user) };
    if !sessions::is_open(&state.souk, &scope, access.session, access.user).await? {
        return Err(over());
    }
    Ok(MaybeUser { tenant, scope, user: Some(access.user), session: Some(access.session) })
}

fn bearer(parts: &Parts) -> Result<Option<&str>> {
    let Some(value) = parts.headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    token.map(Some).ok_or_else(|| unauthenticated("Send Authorization: Bearer and a token."))
}

/// Like [`MaybeUser`], but nobody known is 401.
async fn somebody(parts: &mut Parts, state: &AppState) -> Result<MaybeUser> {
    let caller = MaybeUser::from_request_parts(parts, state).await?;
    if caller.scope.actor == Actor::Anonymous {
        return Err(unauthenticated("Log in first and send Authorization: Bearer with the access token."));
    }
    Ok(caller)
}

impl FromRequestParts<AppState> for UserAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let caller = somebody(parts, state).await?;
        let (Some(user), Some(session)) = (caller.user, caller.session) else {
            let detail = "This needs a person's login; an API key is none.";
            return Err(refusal(RefusalKind::Forbidden, "forbidden", detail));
        };
        Ok(Self { tenant: caller.tenant, scope: caller.scope, user, session })
    }
}

impl FromRequestParts<AppState> for AdminAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let caller = somebody(parts, state).await?;
        if !caller.roles(state).await?.is_admin() {
            return Err(ApiError(Error::forbidden("This is for the marketplace's admins.")));
        }
        Ok(Self { tenant: caller.tenant, scope: caller.scope })
    }
}

impl FromRequestParts<AppState> for FinanceAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let caller = somebody(parts, state).await?;
        if !caller.roles(state).await?.is_finance() {
            return Err(ApiError(Error::forbidden("This is for the marketplace's admins and its finance.")));
        }
        Ok(Self { tenant: caller.tenant, scope: caller.scope })
    }
}

impl FromRequestParts<AppState> for SellerAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let caller = somebody(parts, state).await?;
        let roles = caller.roles(state).await?;
        let nothing = || ApiError(Error::not_found("seller"));
        let seller = seller_in_path(parts, state).await.ok_or_else(nothing)?;
        let own = roles.works_for(seller);
        if !own && !roles.is_admin() {
            return Err(nothing());
        }
        if !own {
            sellers::require(&state.souk, &caller.scope, seller).await?;
        }
        Ok(Self { tenant: caller.tenant, scope: caller.scope, seller, admin: !own })
    }
}

async fn seller_in_path(parts: &mut Parts, state: &AppState) -> Option<SellerId> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let named = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    named("seller_id").or_else(|| named("id"))?.parse().ok()
}

#[cfg(test)]
mod tests;
