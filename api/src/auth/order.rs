//! Who may see an order: its buyer, its seller's people, an admin, and a guest with the order's token.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use souk_domain::ids::OrderId;
use souk_domain::people::Scope;
use souk_infra::Error;
use souk_infra::orders::{self, Parties};
use souk_infra::people::order_token;
use souk_infra::tenants::Tenant;

use super::{MaybeUser, Roles};
use crate::error::{ApiError, Result};
use crate::state::AppState;

/// Someone who may see the order that the path names. For everybody else there is no such order.
#[derive(Debug, Clone)]
pub struct OrderAuth {
    /// The marketplace.
    pub tenant: Arc<Tenant>,
    /// For queries.
    pub scope: Scope,
    /// The order.
    pub order: OrderId,
    /// What the caller is to the order.
    pub standing: Standing,
}

/// What a caller is to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its buyer, or a guest with its token.
    pub buyer: bool,
    /// Works for its seller.
    pub seller: bool,
    /// An admin.
    pub admin: bool,
}

impl Standing {
    /// What a caller with these roles is to an order of these parties.
    pub fn of(parties: Parties, scope: &Scope, roles: &Roles, has_token: bool) -> Self {
        let is_buyer =
            parties.buyer.is_some_and(|buyer| scope.actor == souk_domain::people::Actor::User(buyer));
        Self {
            buyer: is_buyer || has_token,
            seller: parties.seller.is_some_and(|seller| roles.works_for(seller)),
            admin: roles.is_admin(),
        }
    }

    /// Whether there is such an order for the caller.
    pub fn may_see(self) -> bool {
        self.buyer || self.seller || self.admin
    }
}

impl FromRequestParts<AppState> for OrderAuth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let caller = MaybeUser::from_request_parts(parts, state).await?;
        let nothing = || ApiError(Error::not_found("order"));
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| nothing())?;
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value.to_owned());
        let order: OrderId = id.and_then(|id| id.parse().ok()).ok_or_else(nothing)?;
        let parties = orders::parties(&state.souk, &caller.scope, order).await?;
        let query = parts.uri.query().unwrap_or("");
        let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        let secret = &state.souk.settings.jwt_secret;
        let has_token =
            token.is_some_and(|(_, token)| order_token::verify(secret, caller.tenant.id, order, &token));
        let roles = caller.roles(state).await?;
        let standing = Standing::of(parties, &caller.scope, &roles, has_token);
        if !standing.may_see() {
            return Err(nothing());
        }
        Ok(Self { tenant: caller.tenant, scope: caller.scope, order, standing })
    }
}
