//! Fee schedules: what the marketplace earns.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::ids::SellerId;
use souk_domain::money::{Currency, Money};
use souk_infra::fees::{self, NewFeeSchedule};
use souk_infra::tenants::Tenant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::AdminAuth;
use crate::error::{Problem, Result};
use crate::extract::{Json, PathId};
use crate::state::AppState;
use crate::view::{AmountInput, MoneyView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show_default, set_default))
        .routes(routes!(show_of_seller, set_of_seller))
}

/// How the application fee of an order is worked out: the rate's share plus the fixed part, within min and max.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FeeScheduleRequest {
    /// The rate in basis points: 1000 is 10 %.
    #[schema(minimum = 0, maximum = 10_000, example = 1000)]
    fee_bps: i64,
    /// Added to the rate's share, in the marketplace's currency.
    fixed: Option<AmountInput>,
    /// The fee is at least this, in the marketplace's currency.
    min: Option<AmountInput>,
    /// The fee is at most this, in the marketplace's currency.
    max: Option<AmountInput>,
}

impl FeeScheduleRequest {
    fn read(self, tenant: &Tenant) -> NewFeeSchedule {
        let money = |amount: AmountInput| in_currency(amount, tenant.currency);
        NewFeeSchedule {
            fee_bps: self.fee_bps,
            fixed: self.fixed.map(money),
            min: self.min.map(money),
            max: self.max.map(money),
        }
    }
}

fn in_currency(amount: AmountInput, currency: Currency) -> Money {
    match amount {
        AmountInput::Minor(minor) => Money::new(minor, currency),
        AmountInput::Money(money) => money,
    }
}

/// The fee schedule in effect. The amounts hold for orders in their currency; on others only the rate does.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeeScheduleView {
    /// The seller whose own it is; `null` for the marketplace's default.
    pub seller_id: Option<String>,
    /// The rate in basis points.
    #[schema(example = 1000)]
    pub fee_bps: i64,
    /// Added to the rate's share.
    pub fixed: MoneyView,
    /// The fee is at least this.
    pub min: Option<MoneyView>,
    /// The fee is at most this.
    pub max: Option<MoneyView>,
    /// For orders made from then on; `null` where none was ever set, and there is no fee.
    pub effective_from: Option<DateTime<Utc>>,
}

impl From<fees::FeeScheduleView> for FeeScheduleView {
    fn from(schedule: fees::FeeScheduleView) -> Self {
        Self {
            seller_id: schedule.seller_id.map(|id| id.to_string()),
            fee_bps: schedule.fee_bps,
            fixed: schedule.fixed.into(),
            min: schedule.min.map(Into::into),
            max: schedule.max.map(Into::into),
            effective_from: schedule.effective_from,
        }
    }
}

/// The marketplace's default fee schedule.
#[utoipa::path(
    get, path = "/v1/admin/fee-schedule", operation_id = "get_fee_schedule", tag = "fees", security(("bearer" = [])),
    responses((status = 200, body = FeeScheduleView), (status = 403, body = Problem, content_type = "application/problem+json"))
)]
async fn show_default(
    State(state): State<AppState>,
    caller: AdminAuth,
) -> Result<axum::Json<FeeScheduleView>> {
    Ok(axum::Json(fees::get_default(&state.souk, &caller.scope).await?.into()))
}

/// Sets the marketplace's default fee schedule, for orders made from now on.
#[utoipa::path(
    put, path = "/v1/admin/fee-schedule", operation_id = "set_fee_schedule", tag = "fees", security(("bearer" = [])), request_body = FeeScheduleRequest,
    responses(
        (status = 200, body = FeeScheduleView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn set_default(
    State(state): State<AppState>,
    caller: AdminAuth,
    Json(body): Json<FeeScheduleRequest>,
) -> Result<axum::Json<FeeScheduleView>> {
    let new = body.read(&caller.tenant);
    Ok(axum::Json(fees::set_default(&state.souk, &caller.scope, new).await?.into()))
}

/// The fee schedule that holds for a seller: its own, or else the default.
#[utoipa::path(
    get, path = "/v1/admin/sellers/{id}/fee-schedule", operation_id = "get_seller_fee_schedule", tag = "fees", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses((status = 200, body = FeeScheduleView), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
async fn show_of_seller(
    State(state): State<AppState>,
    caller: AdminAuth,
    PathId(seller): PathId<SellerId>,
) -> Result<axum::Json<FeeScheduleView>> {
    Ok(axum::Json(fees::get_for_seller(&state.souk, &caller.scope, seller).await?.into()))
}

/// Gives a seller a fee schedule of its own, for orders made from now on.
#[utoipa::path(
    put, path = "/v1/admin/sellers/{id}/fee-schedule", operation_id = "set_seller_fee_schedule", tag = "fees", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")), request_body = FeeScheduleRequest,
    responses(
        (status = 200, body = FeeScheduleView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn set_of_seller(
    State(state): State<AppState>,
    caller: AdminAuth,
    PathId(seller): PathId<SellerId>,
    Json(body): Json<FeeScheduleRequest>,
) -> Result<axum::Json<FeeScheduleView>> {
    let new = body.read(&caller.tenant);
    Ok(axum::Json(fees::set_for_seller(&state.souk, &caller.scope, seller, new).await?.into()))
}
