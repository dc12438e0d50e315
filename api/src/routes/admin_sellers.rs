//! What admins do with sellers, and the trail that it leaves.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_domain::ids::{AuditId, SellerId};
use souk_domain::seller::SellerStatus;
use souk_infra::audit;
use souk_infra::sellers::{self, moderation};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sellers::{Nothing, SellerView};
use crate::auth::AdminAuth;
use crate::error::{Problem, Result};
use crate::extract::{OptionalJson, PageQuery, PathId, Query};
use crate::state::AppState;
use crate::view::ListView;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(suspend))
        .routes(routes!(reinstate))
        .routes(routes!(audit_log))
}

/// Which sellers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SellersQuery {
    /// `pending`, `onboarding`, `active`, `restricted`, `suspended` or `deauthorized`.
    #[param(value_type = Option<String>)]
    status: Option<SellerStatus>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(rename = "limit")]
    _limit: Option<u64>,
    /// The id of the last one of the page before.
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only what was done to this, by its id.
    subject: Option<String>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(rename = "limit")]
    _limit: Option<u64>,
    /// The id of the last one of the page before.
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

/// Who did what to what.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntryView {
    /// The entry's id.
    #[schema(example = "aud_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// `user`, `api_key`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Who; empty where the kind says it all.
    pub actor: String,
    /// What was done.
    #[schema(example = "seller.suspend")]
    pub action: String,
    /// To what, by its id.
    pub subject: String,
    /// What else there is to know.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The request that did it, if one did.
    pub request_id: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl From<audit::AuditEntry> for AuditEntryView {
    fn from(entry: audit::AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            actor_kind: entry.actor_kind,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
            request_id: entry.request_id,
            created_at: entry.created_at,
        }
    }
}

/// The marketplace's sellers, the newest first.
#[utoipa::path(
    get, path = "/v1/admin/sellers", operation_id = "list_sellers", tag = "admin", security(("bearer" = [])), params(SellersQuery),
    responses((status = 200, body = ListView<SellerView>), (status = 403, body = Problem, content_type = "application/problem+json"))
)]
async fn list(
    State(state): State<AppState>,
    caller: AdminAuth,
    Query(query): Query<SellersQuery>,
    page: PageQuery<SellerId>,
) -> Result<axum::Json<ListView<SellerView>>> {
    Ok(axum::Json(sellers::list(&state.souk, &caller.scope, query.status, page.page).await?.into()))
}

/// Stops a seller: its listings vanish and nothing more is sold, whatever the payment provider says. Repeating it is
/// harmless; what is paid stays paid.
#[utoipa::path(
    post, path = "/v1/admin/sellers/{id}/suspend", operation_id = "suspend_seller", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses(
        (status = 200, body = SellerView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "seller_deauthorized"),
    )
)]
async fn suspend(
    State(state): State<AppState>,
    caller: AdminAuth,
    PathId(seller): PathId<SellerId>,
    _nothing: OptionalJson<Nothing>,
) -> Result<axum::Json<SellerView>> {
    Ok(axum::Json(moderation::suspend(&state.souk, &caller.scope, seller).await?.into()))
}

/// Lets a suspended seller go on, as far as the payment provider allows.
#[utoipa::path(
    post, path = "/v1/admin/sellers/{id}/reinstate", operation_id = "reinstate_seller", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses(
        (status = 200, body = SellerView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "seller_not_suspended, seller_deauthorized"),
    )
)]
async fn reinstate(
    State(state): State<AppState>,
    caller: AdminAuth,
    PathId(seller): PathId<SellerId>,
    _nothing: OptionalJson<Nothing>,
) -> Result<axum::Json<SellerView>> {
    Ok(axum::Json(moderation::reinstate(&state.souk, &caller.scope, seller).await?.into()))
}

/// Who changed what, the newest first.
#[utoipa::path(
    get, path = "/v1/admin/audit-log", operation_id = "list_audit_log", tag = "admin", security(("bearer" = [])), params(AuditQuery),
    responses((status = 200, body = ListView<AuditEntryView>), (status = 403, body = Problem, content_type = "application/problem+json"))
)]
async fn audit_log(
    State(state): State<AppState>,
    caller: AdminAuth,
    Query(query): Query<AuditQuery>,
    page: PageQuery<AuditId>,
) -> Result<axum::Json<ListView<AuditEntryView>>> {
    let found = audit::list(&state.souk, &caller.scope, query.subject.as_deref(), page.page).await?;
    Ok(axum::Json(found.into()))
}
