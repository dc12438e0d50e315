//! Orders: seeing, verifying, cancelling, following, refunding.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_domain::ids::OrderId;
use souk_domain::money::Currency;
use souk_infra::idempotency::request_hash;
use souk_infra::orders::{self, Filter};
use souk_infra::refunds::{self, NewRefund, Outcome, RefundShown};
use souk_infra::{Error, checkout::Key};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sellers::Nothing;
use crate::auth::{OrderAuth, SellerAuth, UserAuth};
use crate::error::{ApiError, Problem, Result};
use crate::extract::{IdempotencyKey, OptionalJson, PageParams, PageQuery, Query, replayed};
use crate::state::AppState;
use crate::view::{AmountInput, ListView, OrderView, RefundView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(verify))
        .routes(routes!(cancel))
        .routes(routes!(events))
        .routes(routes!(refund, list_refunds))
        .routes(routes!(of_seller))
        .routes(routes!(mine))
}

/// Show an order.
///
/// For its buyer, its seller's people and admins; for guests with `?token=` and the order's token.
#[utoipa::path(
    get,
    path = "/v1/orders/{id}",
    tag = "orders",
    params(("id" = String, Path, description = "`ord_…`"), ("token" = Option<String>, Query, description = "A guest's order token.")),
    responses((status = 200, body = OrderView), (status = 404, body = Problem)),
)]
async fn show(State(state): State<AppState>, auth: OrderAuth) -> Result<axum::Json<OrderView>> {
    Ok(axum::Json(orders::show(&state.souk, &auth.scope, auth.order).await?.into()))
}

/// Ask the provider about an order's payment.
///
/// What a browser calls when the buyer returns. It confirms the order if it was paid, and is harmless to repeat.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/verify",
    tag = "orders",
    params(("id" = String, Path, description = "`ord_…`"), ("token" = Option<String>, Query, description = "A guest's order token.")),
    responses((status = 200, body = OrderView), (status = 404, body = Problem), (status = 503, body = Problem)),
)]
async fn verify(
    State(state): State<AppState>,
    auth: OrderAuth,
    _nothing: OptionalJson<Nothing>,
) -> Result<axum::Json<OrderView>> {
    Ok(axum::Json(orders::verify(&state.souk, &auth.scope, auth.order).await?.into()))
}

/// Give an unpaid order up.
///
/// The provider is told first, so that nobody can pay for it any more. An order that is paid, or being paid, is 409
/// `order_not_cancellable`.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/cancel",
    tag = "orders",
    params(("id" = String, Path, description = "`ord_…`"), ("token" = Option<String>, Query, description = "A guest's order token.")),
    responses((status = 200, body = OrderView), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn cancel(
    State(state): State<AppState>,
    auth: OrderAuth,
    _nothing: OptionalJson<Nothing>,
) -> Result<axum::Json<OrderView>> {
    if !auth.standing.buyer && !auth.standing.admin {
        return Err(ApiError(Error::forbidden("Only the buyer or an admin can cancel an order.")));
    }
    Ok(axum::Json(orders::cancel(&state.souk, &auth.scope, auth.order).await?.into()))
}

/// Follow an order.
///
/// Server-sent events named `order`, each with the order as JSON: at once, and whenever it changes.
#[utoipa::path(
    get,
    path = "/v1/orders/{id}/events",
    tag = "orders",
    params(("id" = String, Path, description = "`ord_…`"), ("token" = Option<String>, Query, description = "A guest's order token.")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = Problem)),
)]
async fn events(State(state): State<AppState>, auth: OrderAuth) -> Result<Response> {
    let stream = follow(state, auth);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// Wake-ups are only hints: every few seconds the order is read all the same, so that nothing depends on them.
fn follow(state: AppState, auth: OrderAuth) -> impl Stream<Item = Result<Event, Infallible>> {
    let hints = state.souk.live.orders();
    futures_util::stream::unfold(
        (state, auth, hints, String::new()),
        |(state, auth, mut hints, last)| async move {
            loop {
                if !last.is_empty() {
                    wait_for_hint(&mut hints, auth.order).await;
                }
                let order = match orders::show(&state.souk, &auth.scope, auth.order).await {
                    Ok(order) => OrderView::from(order),
                    Err(error) => {
                        tracing::warn!(%error, "a live order could not be read");
                        return None;
                    }
                };
                let text = serde_json::to_string(&order).unwrap_or_default();
                if text != last {
                    let event = Event::default().event("order").data(&text);
                    return Some((Ok(event), (state, auth, hints, text)));
                }
            }
        },
    )
}

async fn wait_for_hint(hints: &mut tokio::sync::broadcast::Receiver<OrderId>, order: OrderId) {
    use tokio::sync::broadcast::error::RecvError;
    let named = async {
        loop {
            match hints.recv().await {
                Ok(changed) if changed != order => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(3), named).await;
}

/// A refund to be made.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefundRequest {
    /// How much; what is left where it is left out.
    #[serde(default, skip_serializing)]
    amount: Option<AmountInput>,
    /// For people; at most 500 characters.
    reason: Option<String>,
    /// Whether the places go back on sale. Once per order.
    #[serde(default)]
    release: bool,
}

/// Refund an order.
///
/// The application fee goes back in proportion, and with destination charges the transfer is reversed in
/// proportion. More than is left of the payment is 409 `refund_exceeds_payment`.
#[utoipa::path(
    post,
    path = "/v1/orders/{id}/refunds",
    tag = "orders",
    params(
        ("id" = String, Path, description = "`ord_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible characters, new for each refund."),
    ),
    request_body = Option<RefundRequest>,
    responses((status = 201, body = RefundView), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn refund(
    State(state): State<AppState>,
    auth: OrderAuth,
    IdempotencyKey(key): IdempotencyKey,
    OptionalJson(request): OptionalJson<RefundRequest>,
) -> Result<Response> {
    if !auth.standing.seller && !auth.standing.admin {
        return Err(ApiError(Error::forbidden("Only the seller or an admin can refund an order.")));
    }
    let currency: Currency = orders::show(&state.souk, &auth.scope, auth.order).await?.currency;
    let amount = request.amount.map(|amount| amount.minor_in(currency, "/amount")).transpose()?;
    if amount.is_some_and(|amount| amount <= 0) {
        return Err(ApiError(Error::invalid("/amount", "must be above zero")));
    }
    let reason = request.reason.as_deref().map(|reason| souk_domain::text::bounded(reason, 0, 500));
    let reason = reason.transpose().map_err(|why| Error::invalid("/reason", why))?;
    let hash = request_hash(&(auth.order, amount, &request))?;
    let new = NewRefund { amount, reason, release: request.release };
    let key = Key { key, request_hash: hash };
    Ok(match refunds::create(&state.souk, &auth.scope, auth.order, &new, &key, render).await? {
        Outcome::Made(_, body) => (StatusCode::CREATED, axum::Json(body)).into_response(),
        Outcome::Replayed(status, body) => replayed(status, body),
    })
}

pub(crate) fn render(refund: &RefundShown) -> souk_infra::Result<Value> {
    serde_json::to_value(RefundView::from(refund.clone())).map_err(|error| Error::Internal(error.to_string()))
}

/// List an order's refunds, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/orders/{id}/refunds",
    tag = "orders",
    params(("id" = String, Path, description = "`ord_…`"), ("token" = Option<String>, Query, description = "A guest's order token.")),
    responses((status = 200, body = ListView<RefundView>), (status = 404, body = Problem)),
)]
async fn list_refunds(
    State(state): State<AppState>,
    auth: OrderAuth,
) -> Result<axum::Json<ListView<RefundView>>> {
    let data = refunds::of_order(&state.souk, &auth.scope, auth.order).await?;
    Ok(axum::Json(ListView { data: data.into_iter().map(Into::into).collect(), has_more: false }))
}

/// List a seller's orders, the newest first.
#[utoipa::path(
    get,
    path = "/v1/sellers/{id}/orders",
    tag = "sellers",
    params(("id" = String, Path, description = "`sel_…`"), PageParams),
    responses((status = 200, body = ListView<OrderView>), (status = 401, body = Problem), (status = 404, body = Problem)),
)]
async fn of_seller(
    State(state): State<AppState>,
    auth: SellerAuth,
    _nothing_else: Query<super::OnlyPage>,
    page: PageQuery<OrderId>,
) -> Result<axum::Json<ListView<OrderView>>> {
    let filter = Filter { seller: Some(auth.seller), ..Filter::default() };
    Ok(axum::Json(orders::list(&state.souk, &auth.scope, &filter, page.page).await?.into()))
}

/// List one's own orders, the newest first.
#[utoipa::path(
    get,
    path = "/v1/me/orders",
    tag = "orders",
    params(PageParams),
    responses((status = 200, body = ListView<OrderView>), (status = 401, body = Problem)),
)]
async fn mine(
    State(state): State<AppState>,
    auth: UserAuth,
    _nothing_else: Query<super::OnlyPage>,
    page: PageQuery<OrderId>,
) -> Result<axum::Json<ListView<OrderView>>> {
    let filter = Filter { buyer: Some(auth.user), ..Filter::default() };
    Ok(axum::Json(orders::list(&state.souk, &auth.scope, &filter, page.page).await?.into()))
}
