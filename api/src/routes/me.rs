//! The person who asks.

use axum::extract::State;
use serde::Serialize;
use souk_domain::people::Membership;
use souk_infra::people;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::UserAuth;
use crate::error::{Problem, Result, unauthenticated};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me))
}

/// A person with their roles.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    /// The person's id.
    #[schema(example = "usr_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// Trimmed and in lower case.
    pub email: String,
    /// As it was given.
    pub name: Option<String>,
    /// What the person may do, and at which seller.
    pub memberships: Vec<MembershipView>,
}

/// One role.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// `buyer`, `seller_owner`, `seller_staff`, `tenant_admin`, `tenant_finance` or `operator`.
    #[schema(example = "seller_owner")]
    pub role: String,
    /// At which seller, for a seller's role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller_id: Option<String>,
}

impl From<Membership> for MembershipView {
    fn from(membership: Membership) -> Self {
        Self { role: membership.role.to_string(), seller_id: membership.seller_id.map(|id| id.to_string()) }
    }
}

/// Who is logged in, and what they may do in this marketplace.
#[utoipa::path(
    get, path = "/v1/me", tag = "people", security(("bearer" = [])),
    responses((status = 200, body = MeView), (status = 401, body = Problem, content_type = "application/problem+json"))
)]
async fn me(State(state): State<AppState>, caller: UserAuth) -> Result<axum::Json<MeView>> {
    let user = people::users::by_id(&state.souk, &caller.scope, caller.user).await?;
    let user = user.ok_or_else(|| unauthenticated("This login is gone."))?;
    let held = people::memberships(&state.souk, &caller.scope, user.id).await?;
    Ok(axum::Json(MeView {
        id: user.id.to_string(),
        email: user.email,
        name: user.name,
        memberships: held.into_iter().map(Into::into).collect(),
    }))
}
