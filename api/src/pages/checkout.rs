//! From the listing's form to the provider's hosted page.
//!
//! The form carries a key that was made with it, so that a double click, a reload or the back button never makes a
//! second order of the same purchase.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Form, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use souk_domain::ids::{ListingId, OrderId, SlotId};
use souk_domain::payment::UiMode;
use souk_domain::text;
use souk_infra::checkout::{self, Basket, Key, MAX_QUANTITY, Outcome};
use souk_infra::idempotency::request_hash;
use souk_infra::page::Page;
use souk_infra::{Error, orders};

use super::trouble::Trouble;
use super::visitor::Visitor;
use super::{listing, see_other};
use crate::error::{ApiError, Result};
use crate::routes::checkouts::render;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/checkout", post(submit))
}

/// The form as it was typed.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct CheckoutForm {
    pub(super) listing: String,
    pub(super) slot: String,
    pub(super) quantity: String,
    pub(super) email: String,
    pub(super) promo_code: String,
    #[serde(skip_serializing)]
    pub(super) key: String,
}

/// How long a second click waits for the first one's answer.
const PATIENCE: Duration = Duration::from_secs(12);

async fn submit(
    State(state): State<AppState>,
    visitor: Visitor,
    Form(form): Form<CheckoutForm>,
) -> Result<Response> {
    let listing: ListingId = form.listing.parse().map_err(|_| ApiError(Error::not_found("listing")))?;
    match buy(&state, &visitor, &form).await {
        Ok(address) => Ok(see_other(&address)),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            listing::with_form(&state, &visitor, listing, Page::default(), form, trouble).await
        }
    }
}

/// Starts the checkout, and says where the buyer goes on.
async fn buy(state: &AppState, visitor: &Visitor, form: &CheckoutForm) -> Result<String> {
    let basket = basket(form)?;
    // The key counts for this content of the form: somebody who comes back and changes it means another purchase.
    let request_hash = request_hash(form)?;
    let key = Key {
        key: format!("{}.{request_hash}", text::bounded(&form.key, 16, 64).map_err(no_key)?),
        request_hash,
    };
    let begun = Instant::now();
    let outcome = loop {
        match checkout::start(&state.souk, &visitor.scope, &visitor.tenant, &basket, &key, render).await {
            Err(error) if error.code() == Some("idempotency_in_progress") && begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            outcome => break outcome?,
        }
    };
    match outcome {
        Outcome::Started(_, body) => destination(&body, true),
        Outcome::Replayed(_, body) => {
            let order: OrderId = part(&body, &["order", "id"])
                .and_then(|id| id.parse().ok())
                .ok_or_else(|| Error::Corrupt("a kept checkout names no order".to_owned()))?;
            let now = orders::show(&state.souk, &visitor.scope, order).await?;
            destination(&body, now.status == "pending")
        }
    }
}

fn no_key(_: text::InvalidText) -> Error {
    Error::invalid("/form", "is out of date; load the page again")
}

fn basket(form: &CheckoutForm) -> Result<Basket, Error> {
    let slot: SlotId = form.slot.parse().map_err(|_| Error::invalid("/slot_id", "must be chosen"))?;
    let quantity = form.quantity.trim().parse().ok().filter(|n| (1..=MAX_QUANTITY).contains(n));
    let quantity = quantity
        .ok_or_else(|| Error::invalid("/quantity", format!("must be between 1 and {MAX_QUANTITY}")))?;
    let email = text::email(&form.email).map_err(|why| Error::invalid("/email", why))?;
    let code = form.promo_code.trim();
    let code = (!code.is_empty()).then(|| text::bounded(code, 1, 64)).transpose();
    Ok(Basket {
        items: vec![(slot, quantity)],
        email: Some(email),
        promo_code: code.map_err(|why| Error::invalid("/promo_code", why))?,
        ui_mode: UiMode::Hosted,
        success_url: None,
        cancel_url: None,
    })
}

/// The provider's page while there is something to pay, else the order's own.
fn destination(body: &Value, payable: bool) -> Result<String> {
    if payable && let Some(url) = part(body, &["checkout", "url"]) {
        return Ok(url.to_owned());
    }
    let order = part(body, &["order", "id"]).zip(part(body, &["order_token"]));
    let (id, token) = order.ok_or_else(|| Error::Corrupt("a kept checkout names no order".to_owned()))?;
    Ok(format!("/orders/{id}?token={token}"))
}

fn part<'a>(body: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(body, |value, name| value.get(name))?.as_str()
}
