//! The refund form of sellers and admins. Its key was made with it, so that a double click refunds once.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Form, Router};
use serde::{Deserialize, Serialize};
use souk_domain::ids::OrderId;
use souk_domain::money::Money;
use souk_domain::text;
use souk_infra::Error;
use souk_infra::checkout::Key;
use souk_infra::idempotency::request_hash;
use souk_infra::orders::{self, OrderShown};
use souk_infra::refunds::{self, NewRefund};

use super::format::{amount, typed};
use super::order::{OrderQuery, render, standing};
use super::trouble::Trouble;
use super::visitor::Visitor;
use super::{fresh_key, see_other};
use crate::error::{ApiError, Result};
use crate::extract::PathId;
use crate::routes::orders::render as kept;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/orders/{order}/refund", post(submit))
}

/// How long a second click waits for the first one's answer.
const PATIENCE: Duration = Duration::from_secs(12);

/// The form as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Submitted {
    key: String,
    amount: String,
    reason: String,
    release: Option<String>,
}

/// The form as it is shown.
#[derive(Debug, Clone)]
pub(super) struct RefundForm {
    pub(super) order: String,
    pub(super) key: String,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) reason: String,
    pub(super) release: bool,
}

impl RefundForm {
    /// Filled in with all that is left.
    pub(super) fn of(order: &OrderShown) -> Self {
        let left = order.total.checked_sub(order.refunded).unwrap_or(Money::zero(order.currency));
        Self {
            order: order.id.to_string(),
            key: fresh_key(),
            amount: typed(left),
            currency: order.currency.code().to_uppercase(),
            reason: String::new(),
            release: false,
        }
    }

    fn again(order: &OrderShown, form: Submitted) -> Self {
        let release = form.release.is_some();
        Self { amount: form.amount, reason: form.reason, release, ..Self::of(order) }
    }
}

async fn submit(
    State(state): State<AppState>,
    visitor: Visitor,
    PathId(order): PathId<OrderId>,
    Form(form): Form<Submitted>,
) -> Result<Response> {
    let standing = standing(&state, &visitor, order, None).await?;
    if !standing.seller && !standing.admin {
        return Err(ApiError(Error::forbidden("Only the seller or an admin can refund an order.")));
    }
    let before = orders::show(&state.souk, &visitor.scope, order).await?;
    match refund(&state, &visitor, &before, &form).await {
        Ok(()) => Ok(see_other(&format!("/orders/{order}?done=refund"))),
        Err(error) => {
            let mut trouble = Trouble::of(error)?;
            let left = before.total.checked_sub(before.refunded).unwrap_or(Money::zero(before.currency));
            match trouble.code {
                "refund_exceeds_payment" => trouble.message = format!("Only {left} are left to refund."),
                "idempotency_key_reused" => {
                    "A refund was made with this form already. Look at what is refunded before you make another."
                        .clone_into(&mut trouble.message);
                }
                _ => {}
            }
            let again = RefundForm::again(&before, form);
            render(&state, &visitor, standing, order, &OrderQuery::default(), trouble, Some(again)).await
        }
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    order: OrderId,
    amount: i64,
    reason: Option<&'a str>,
    release: bool,
}

async fn refund(state: &AppState, visitor: &Visitor, order: &OrderShown, form: &Submitted) -> Result<()> {
    let given = amount(&form.amount, order.currency).filter(|money| money.minor > 0);
    let given =
        given.ok_or_else(|| Error::invalid("/amount", "must be an amount above zero, such as 12.50"))?;
    let reason = text::bounded(&form.reason, 0, 500).map_err(|why| Error::invalid("/reason", why))?;
    let reason = (!reason.is_empty()).then_some(reason);
    let key = text::bounded(&form.key, 16, 64)
        .map_err(|_| Error::invalid("/form", "is out of date; load the page again"))?;
    let new = NewRefund { amount: Some(given.minor), reason, release: form.release.is_some() };
    let asked =
        Asked { order: order.id, amount: given.minor, reason: new.reason.as_deref(), release: new.release };
    let key = Key { key, request_hash: request_hash(&asked)? };
    let begun = Instant::now();
    loop {
        match refunds::create(&state.souk, &visitor.scope, order.id, &new, &key, kept).await {
            Err(error) if error.code() == Some("idempotency_in_progress") && begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            outcome => return Ok(outcome.map(|_| ())?),
        }
    }
}
