//! Starting a checkout.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_domain::checkout::MAX_LINES;
use souk_domain::ids::SlotId;
use souk_domain::payment::UiMode;
use souk_domain::text;
use souk_infra::Error;
use souk_infra::checkout::{self, Basket, CheckoutStarted, Key, Outcome};
use souk_infra::idempotency::request_hash;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::MaybeUser;
use crate::error::{Problem, Result};
use crate::extract::{IdempotencyKey, Json, replayed};
use crate::state::AppState;
use crate::view::CheckoutStartedView;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// One slot and how many places of it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemRequest {
    /// `slt_…`
    #[schema(value_type = String)]
    slot_id: SlotId,
    /// 1 to 1,000.
    #[schema(minimum = 1, maximum = 1000)]
    quantity: i64,
}

/// How the buyer meets the provider.
#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum UiModeRequest {
    #[default]
    Hosted,
    Embedded,
    Custom,
}

/// What a buyer wants to pay.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckoutRequest {
    /// 1 to 50, each slot once, all of one seller.
    items: Vec<ItemRequest>,
    /// Where the confirmation goes. A logged-in buyer's own address where it is left out.
    email: Option<String>,
    /// One of the marketplace's codes.
    promo_code: Option<String>,
    /// `hosted` where it is left out.
    #[serde(default)]
    ui_mode: UiModeRequest,
    /// Where the buyer returns to after paying; souk's own order page where it is left out.
    success_url: Option<String>,
    /// Where the buyer goes when giving up; souk's own order page where it is left out.
    cancel_url: Option<String>,
}

impl CheckoutRequest {
    fn basket(&self) -> Result<Basket, Error> {
        if self.items.is_empty() || self.items.len() > MAX_LINES {
            return Err(Error::invalid("/items", format!("must have 1 to {MAX_LINES} entries")));
        }
        for (index, item) in self.items.iter().enumerate() {
            if !(1..=checkout::MAX_QUANTITY).contains(&item.quantity) {
                let pointer = format!("/items/{index}/quantity");
                return Err(Error::invalid(
                    &pointer,
                    format!("must be between 1 and {}", checkout::MAX_QUANTITY),
                ));
            }
        }
        let checked =
            |pointer: &str, value: &Option<String>, check: fn(&str) -> Result<String, text::InvalidText>| {
                value.as_deref().map(check).transpose().map_err(|why| Error::invalid(pointer, why))
            };
        Ok(Basket {
            items: self.items.iter().map(|item| (item.slot_id, item.quantity)).collect(),
            email: checked("/email", &self.email, text::email)?,
            promo_code: checked("/promo_code", &self.promo_code, |code| text::bounded(code, 1, 64))?,
            ui_mode: match self.ui_mode {
                UiModeRequest::Hosted => UiMode::Hosted,
                UiModeRequest::Embedded => UiMode::Embedded,
                UiModeRequest::Custom => UiMode::Custom,
            },
            success_url: checked("/success_url", &self.success_url, text::web_url)?,
            cancel_url: checked("/cancel_url", &self.cancel_url, text::web_url)?,
        })
    }
}

/// Start a checkout.
///
/// Claims the places for a while and sets the payment up with the provider. Nothing is sold before the provider has
/// confirmed the payment. 409 `sold_out` names the slot that has too few places left; a total below what the
/// provider accepts is 422 `amount_too_small`. Repeating the request with the same `Idempotency-Key` gives the first
/// answer again.
#[utoipa::path(
    post,
    path = "/v1/checkouts",
    tag = "checkout",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible characters, new for each purchase; keep it secret.")),
    request_body = CheckoutRequest,
    responses(
        (status = 201, body = CheckoutStartedView),
        (status = 404, body = Problem, description = "`slot_not_found`"),
        (status = 409, body = Problem, description = "`sold_out`, `slot_not_on_sale`, `seller_not_active`, `idempotency_in_progress`"),
        (status = 422, body = Problem, description = "`promo_code_invalid`, `amount_too_small`, `amount_too_large`, `mixed_basket`, `mixed_currencies`, `idempotency_key_reused`"),
    ),
)]
async fn create(
    State(state): State<AppState>,
    caller: MaybeUser,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<CheckoutRequest>,
) -> Result<Response> {
    let basket = request.basket()?;
    let key = Key { key, request_hash: request_hash(&request)? };
    let outcome = checkout::start(&state.souk, &caller.scope, &caller.tenant, &basket, &key, render).await?;
    Ok(match outcome {
        Outcome::Started(_, body) => (StatusCode::CREATED, axum::Json(body)).into_response(),
        Outcome::Replayed(status, body) => replayed(status, body),
    })
}

/// The body of the answer, as it is kept for repetitions.
pub(crate) fn render(started: &CheckoutStarted) -> souk_infra::Result<Value> {
    serde_json::to_value(CheckoutStartedView::from(started.clone()))
        .map_err(|error| Error::Internal(error.to_string()))
}
