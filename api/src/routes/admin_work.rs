//! What admins watch: orders, payments, webhook events, jobs.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use souk_domain::ids::{EventId, JobId, OrderId, PaymentId};
use souk_domain::order::OrderStatus;
use souk_infra::orders::Filter;
use souk_infra::{inbox, jobs, orders};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sellers::Nothing;
use crate::auth::{AdminAuth, FinanceAuth};
use crate::error::{Problem, Result};
use crate::extract::{OptionalJson, PageParams, PageQuery, PathId, Query, invalid_parameter};
use crate::state::AppState;
use crate::view::{JobView, ListView, OrderView, PaymentOfOrderView, WebhookEventView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_orders))
        .routes(routes!(list_payments))
        .routes(routes!(list_events))
        .routes(routes!(replay))
        .routes(routes!(list_jobs))
        .routes(routes!(retry))
}

/// Which of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatusQuery {
    /// Only those in this status.
    status: Option<String>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(rename = "limit")]
    _limit: Option<u64>,
    /// The id of the last one of the page before.
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

impl StatusQuery {
    fn one_of(&self, known: &[&str]) -> Result<Option<&str>> {
        match self.status.as_deref() {
            Some(status) if !known.contains(&status) => {
                Err(invalid_parameter("status", format!("must be one of {}", known.join(", "))))
            }
            status => Ok(status),
        }
    }
}

/// List the marketplace's orders, the newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/orders",
    tag = "admin",
    params(StatusQuery),
    responses((status = 200, body = ListView<OrderView>), (status = 401, body = Problem), (status = 403, body = Problem)),
)]
async fn list_orders(
    State(state): State<AppState>,
    auth: FinanceAuth,
    Query(query): Query<StatusQuery>,
    page: PageQuery<OrderId>,
) -> Result<axum::Json<ListView<OrderView>>> {
    let known: Vec<&str> = OrderStatus::ALL.iter().map(|status| status.as_str()).collect();
    let filter = Filter { status: query.one_of(&known)?.map(str::to_owned), ..Filter::default() };
    Ok(axum::Json(orders::list(&state.souk, &auth.scope, &filter, page.page).await?.into()))
}

/// List the marketplace's payments, the newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/payments",
    tag = "admin",
    params(PageParams),
    responses((status = 200, body = ListView<PaymentOfOrderView>), (status = 401, body = Problem), (status = 403, body = Problem)),
)]
async fn list_payments(
    State(state): State<AppState>,
    auth: FinanceAuth,
    _nothing_else: Query<super::OnlyPage>,
    page: PageQuery<PaymentId>,
) -> Result<axum::Json<ListView<PaymentOfOrderView>>> {
    Ok(axum::Json(orders::list_payments(&state.souk, &auth.scope, page.page).await?.into()))
}

/// List received webhooks, the newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/webhook-events",
    tag = "admin",
    params(StatusQuery),
    responses((status = 200, body = ListView<WebhookEventView>), (status = 401, body = Problem), (status = 403, body = Problem)),
)]
async fn list_events(
    State(state): State<AppState>,
    auth: AdminAuth,
    Query(query): Query<StatusQuery>,
    page: PageQuery<EventId>,
) -> Result<axum::Json<ListView<WebhookEventView>>> {
    let status = query.one_of(&["pending", "done", "ignored", "dead"])?;
    Ok(axum::Json(inbox::list(&state.souk, &auth.scope, status, page.page).await?.into()))
}

/// Work a webhook off again.
///
/// Harmless whatever its status: every handler is idempotent.
#[utoipa::path(
    post,
    path = "/v1/admin/webhook-events/{id}/replay",
    tag = "admin",
    params(("id" = String, Path, description = "`evt_…`")),
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)),
)]
async fn replay(
    State(state): State<AppState>,
    auth: AdminAuth,
    PathId(id): PathId<EventId>,
    _nothing: OptionalJson<Nothing>,
) -> Result<StatusCode> {
    inbox::replay(&state.souk, &auth.scope, id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// List souk's own tasks, the newest first.
#[utoipa::path(
    get,
    path = "/v1/admin/jobs",
    tag = "admin",
    params(StatusQuery),
    responses((status = 200, body = ListView<JobView>), (status = 401, body = Problem), (status = 403, body = Problem)),
)]
async fn list_jobs(
    State(state): State<AppState>,
    auth: AdminAuth,
    Query(query): Query<StatusQuery>,
    page: PageQuery<JobId>,
) -> Result<axum::Json<ListView<JobView>>> {
    let status = query.one_of(&["pending", "done", "dead"])?;
    Ok(axum::Json(jobs::list(&state.souk, &auth.scope, status, page.page).await?.into()))
}

/// Run a task again now.
#[utoipa::path(
    post,
    path = "/v1/admin/jobs/{id}/retry",
    tag = "admin",
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn retry(
    State(state): State<AppState>,
    auth: AdminAuth,
    PathId(id): PathId<JobId>,
    _nothing: OptionalJson<Nothing>,
) -> Result<StatusCode> {
    jobs::retry(&state.souk, &auth.scope, id).await?;
    Ok(StatusCode::ACCEPTED)
}
