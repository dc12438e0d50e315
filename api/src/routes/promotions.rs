//! The marketplace's own promotion codes.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::ids::PromotionId;
use souk_infra::promotions::{self, NewPromotion};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::AdminAuth;
use crate::error::{Problem, Result};
use crate::extract::{Json, PageParams, PageQuery, PathId, Query};
use crate::state::AppState;
use crate::view::{ListView, MoneyInput, MoneyView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change))
}

/// A promotion to make: either `percent_bps` or `amount_off`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromotionRequest {
    /// 3 to 40 letters, digits, `-` and `_`; upper and lower case are the same.
    #[schema(example = "WELCOME10")]
    code: String,
    /// Basis points of the subtotal: 1000 is 10 %.
    #[schema(minimum = 1, maximum = 10_000, example = 1000)]
    percent_bps: Option<i64>,
    /// A fixed amount, for orders in its currency.
    amount_off: Option<MoneyInput>,
    /// The least subtotal, in minor units of the order's currency.
    min_subtotal: Option<i64>,
    /// How often it may be used in all; no limit where absent.
    max_redemptions: Option<i64>,
    /// From when it may be used.
    starts_at: Option<DateTime<Utc>>,
    /// Until when it may be used.
    ends_at: Option<DateTime<Utc>>,
}

/// What to change of a promotion.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PromotionChange {
    /// Whether it may be used.
    active: bool,
}

/// A promotion.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromotionView {
    /// The promotion's id.
    #[schema(example = "prm_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// In upper case.
    pub code: String,
    /// Basis points of the subtotal.
    pub percent_bps: Option<i64>,
    /// A fixed amount.
    pub amount_off: Option<MoneyView>,
    /// The least subtotal, in minor units of the order's currency.
    pub min_subtotal: Option<i64>,
    /// How often it may be used in all.
    pub max_redemptions: Option<i64>,
    /// How often it is used by orders that are open or paid.
    pub redeemed: i64,
    /// Whether it may be used.
    pub active: bool,
    /// From when it may be used.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it may be used.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<promotions::PromotionView> for PromotionView {
    fn from(promotion: promotions::PromotionView) -> Self {
        Self {
            id: promotion.id.to_string(),
            code: promotion.code,
            percent_bps: promotion.percent_bps,
            amount_off: promotion.amount_off.map(Into::into),
            min_subtotal: promotion.min_subtotal,
            max_redemptions: promotion.max_redemptions,
            redeemed: promotion.redeemed,
            active: promotion.active,
            starts_at: promotion.starts_at,
            ends_at: promotion.ends_at,
            created_at: promotion.created_at,
        }
    }
}

/// The marketplace's promotions, the newest first.
#[utoipa::path(
    get, path = "/v1/admin/promotions", operation_id = "list_promotions", tag = "admin", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = ListView<PromotionView>), (status = 403, body = Problem, content_type = "application/problem+json"))
)]
async fn list(
    State(state): State<AppState>,
    caller: AdminAuth,
    _nothing_else: Query<super::OnlyPage>,
    page: PageQuery<PromotionId>,
) -> Result<axum::Json<ListView<PromotionView>>> {
    Ok(axum::Json(promotions::list(&state.souk, &caller.scope, page.page).await?.into()))
}

/// Makes a promotion code.
#[utoipa::path(
    post, path = "/v1/admin/promotions", operation_id = "create_promotion", tag = "admin", security(("bearer" = [])), request_body = PromotionRequest,
    responses(
        (status = 201, body = PromotionView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "promotion_exists"),
    )
)]
async fn create(
    State(state): State<AppState>,
    caller: AdminAuth,
    Json(body): Json<PromotionRequest>,
) -> Result<(StatusCode, axum::Json<PromotionView>)> {
    let new = NewPromotion {
        code: body.code,
        percent_bps: body.percent_bps,
        amount_off: body.amount_off.map(Into::into),
        min_subtotal: body.min_subtotal,
        max_redemptions: body.max_redemptions,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
    };
    let promotion = promotions::create(&state.souk, &caller.scope, new).await?;
    Ok((StatusCode::CREATED, axum::Json(promotion.into())))
}

/// Switches a promotion on or off. Orders that use it already keep their discount.
#[utoipa::path(
    patch, path = "/v1/admin/promotions/{id}", operation_id = "update_promotion", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, description = "The promotion.")), request_body = PromotionChange,
    responses(
        (status = 200, body = PromotionView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn change(
    State(state): State<AppState>,
    caller: AdminAuth,
    PathId(id): PathId<PromotionId>,
    Json(body): Json<PromotionChange>,
) -> Result<axum::Json<PromotionView>> {
    let promotion = promotions::set_active(&state.souk, &caller.scope, id, body.active).await?;
    Ok(axum::Json(promotion.into()))
}
