//! An order's page: what is true of it now, for its buyer, a guest with its link, its seller and admins.
//!
//! Coming back from the provider proves nothing. The page asks the provider, then shows what the database says, and
//! goes on looking for as long as that may still change.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use souk_domain::ids::OrderId;
use souk_domain::people::Actor;
use souk_infra::Error;
use souk_infra::orders::{self, OrderShown};
use souk_infra::people::order_token;
use souk_infra::refunds::{self, RefundShown};

use super::format::{When, spaced, utc, when};
use super::refund::RefundForm;
use super::trouble::Trouble;
use super::visitor::{Chrome, Visitor};
use super::{page, see_other};
use crate::auth::Standing;
use crate::error::{ApiError, Result};
use crate::extract::PathId;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/orders/{order}", get(show)).route("/orders/{order}/cancel", post(cancel))
}

/// How the page was reached.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OrderQuery {
    /// A guest's proof.
    pub(super) token: Option<String>,
    /// Set by the provider on the way back.
    session_id: Option<String>,
    /// How often the page has reloaded itself.
    seen: u32,
    /// What was just done.
    pub(super) done: Option<String>,
}

/// The page's headline and what it means.
struct Verdict {
    kind: &'static str,
    title: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    chrome: Chrome,
    id: String,
    status: String,
    refunded_minor: i64,
    verdict: Verdict,
    lines: Vec<Line>,
    subtotal: String,
    discount: Option<String>,
    total: String,
    refunded: Option<String>,
    refunds: Vec<RefundRow>,
    email: String,
    /// The query that opens the page again.
    link: String,
    pay: Option<String>,
    can_cancel: bool,
    /// Where to try again, once nothing can come of this order.
    again: Option<String>,
    refresh: Option<Refresh>,
    events: Option<String>,
    trouble: Trouble,
    behind: Option<Behind>,
    refund: Option<RefundForm>,
    note: Option<&'static str>,
}

struct Line {
    title: String,
    when: When,
    quantity: i64,
    unit_price: String,
    total: String,
}

struct RefundRow {
    amount: String,
    status: String,
    at: String,
}

struct Refresh {
    seconds: u32,
    address: String,
}

/// What sellers and admins see as well.
struct Behind {
    application_fee: String,
    charge_model: String,
    review_reason: Option<String>,
    payments: Vec<String>,
}

async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    PathId(order): PathId<OrderId>,
    Query(query): Query<OrderQuery>,
) -> Result<Response> {
    let standing = standing(&state, &visitor, order, query.token.as_deref()).await?;
    let now = orders::show(&state.souk, &visitor.scope, order).await?;
    if matches!(now.status.as_str(), "pending" | "processing") {
        // A provider that does not answer is no reason to show nothing: what we know is still true.
        if let Err(error) = orders::verify(&state.souk, &visitor.scope, order).await {
            tracing::warn!(%order, %error, "an order could not be verified on its page");
        }
    }
    render(&state, &visitor, standing, order, &query, Trouble::default(), None).await
}

/// What the visitor is to the order; for somebody who is nothing to it there is no such order.
pub(super) async fn standing(
    state: &AppState,
    visitor: &Visitor,
    order: OrderId,
    token: Option<&str>,
) -> Result<Standing> {
    let parties = orders::parties(&state.souk, &visitor.scope, order).await?;
    let secret = &state.souk.settings.jwt_secret;
    let has_token = token.is_some_and(|token| order_token::verify(secret, visitor.tenant.id, order, token));
    let standing = Standing::of(parties, &visitor.scope, &visitor.roles, has_token);
    if standing.may_see() { Ok(standing) } else { Err(ApiError(Error::not_found("order"))) }
}

async fn cancel(
    State(state): State<AppState>,
    visitor: Visitor,
    PathId(order): PathId<OrderId>,
    Query(query): Query<OrderQuery>,
) -> Result<Response> {
    let standing = standing(&state, &visitor, order, query.token.as_deref()).await?;
    if !standing.buyer && !standing.admin {
        return Err(ApiError(Error::forbidden("Only the buyer or an admin can cancel an order.")));
    }
    match orders::cancel(&state.souk, &visitor.scope, order).await {
        Ok(_) => Ok(see_other(&address(order, query.token.as_deref()))),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(&state, &visitor, standing, order, &query, trouble, None).await
        }
    }
}

/// The page of an order, with a guest's token where there is one.
pub(super) fn address(order: OrderId, token: Option<&str>) -> String {
    format!("/orders/{order}{}", query_of(token))
}

fn query_of(token: Option<&str>) -> String {
    let query = |token: &str| -> String {
        url::form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish()
    };
    token.map_or_else(String::new, |token| format!("?{}", query(token)))
}

/// The page as things are now; `refund` is the form as it was filled in, where it was refused.
pub(super) async fn render(
    state: &AppState,
    visitor: &Visitor,
    standing: Standing,
    order: OrderId,
    query: &OrderQuery,
    trouble: Trouble,
    refund: Option<RefundForm>,
) -> Result<Response> {
    let (souk, scope) = (&state.souk, &visitor.scope);
    let (shown, email) = orders::with_email(souk, scope, order).await?;
    let in_time = shown.hold_expires_at > souk.clock.now();
    let pay = match shown.status.as_str() {
        "pending" if in_time => orders::checkout_url(souk, scope, order).await?,
        _ => None,
    };
    let refunds = refunds::of_order(souk, scope, order).await?;
    let back = query.session_id.is_some();
    let behind_counter = standing.seller || standing.admin;
    let refundable =
        shown.refunded.minor < shown.total.minor && matches!(shown.status.as_str(), "paid" | "review");
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = OrderPage {
        chrome: visitor.chrome(),
        id: order.to_string(),
        refunded_minor: shown.refunded.minor,
        verdict: verdict(&shown, back, in_time, email.as_deref()),
        lines: lines(&shown),
        subtotal: shown.subtotal.to_string(),
        discount: (shown.discount.minor > 0).then(|| shown.discount.to_string()),
        total: shown.total.to_string(),
        refunded: (shown.refunded.minor > 0).then(|| shown.refunded.to_string()),
        refunds: refunds.into_iter().map(refund_row).collect(),
        email: email.unwrap_or_default(),
        link: query_of(query.token.as_deref()),
        // Whoever has just come back from paying should wait, not pay again.
        pay: pay.filter(|_| standing.buyer && !back),
        can_cancel: shown.status == "pending" && !back && (standing.buyer || standing.admin),
        again: matches!(shown.status.as_str(), "expired" | "cancelled" | "failed" | "unfulfillable")
            .then(|| shown.lines.first().map(|line| line.listing_id.to_string()))
            .flatten(),
        refresh: refresh(&shown, query),
        events: events(state, visitor, standing, &shown),
        refund: (behind_counter && refundable).then(|| refund.unwrap_or_else(|| RefundForm::of(&shown))),
        behind: behind_counter.then(|| behind(&shown)),
        note: (query.done.as_deref() == Some("refund")).then_some("The refund is on its way."),
        status: shown.status,
        trouble,
    };
    page(status, &template)
}

fn lines(order: &OrderShown) -> Vec<Line> {
    let show = |line: &orders::LineShown| Line {
        title: line.title.clone(),
        when: when(line.starts_at, None, &line.timezone),
        quantity: line.quantity,
        unit_price: line.unit_price.to_string(),
        total: line.total.to_string(),
    };
    order.lines.iter().map(show).collect()
}

fn refund_row(refund: RefundShown) -> RefundRow {
    RefundRow {
        amount: refund.amount.to_string(),
        status: spaced(&refund.status),
        at: utc(refund.created_at),
    }
}

fn behind(order: &OrderShown) -> Behind {
    let payment = |payment: &orders::PaymentShown| {
        let id = payment.provider_payment_id.as_deref().unwrap_or("no payment yet");
        format!("{} {}: {} ({id})", payment.provider, spaced(&payment.status), payment.amount)
    };
    Behind {
        application_fee: order.application_fee.to_string(),
        charge_model: order.charge_model.clone(),
        review_reason: order.review_reason.clone(),
        payments: order.payments.iter().map(payment).collect(),
    }
}

/// A page that may change soon loads itself again, less often the longer it takes.
fn refresh(order: &OrderShown, query: &OrderQuery) -> Option<Refresh> {
    let waiting = match order.status.as_str() {
        "processing" => true,
        "pending" => query.session_id.is_some(),
        _ => return None,
    };
    let seconds = match query.seen {
        _ if !waiting => 20,
        ..10 => 3,
        10..30 => 10,
        _ => 30,
    };
    let mut address = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("token", &query.token), ("session_id", &query.session_id)] {
        if let Some(value) = value {
            address.append_pair(name, value);
        }
    }
    address.append_pair("seen", &query.seen.saturating_add(1).to_string());
    Some(Refresh { seconds, address: format!("/orders/{}?{}", order.id, address.finish()) })
}

/// Where the order's script listens. Scripts have no cookie there, so the buyer's page gives it the order's token.
fn events(state: &AppState, visitor: &Visitor, standing: Standing, order: &OrderShown) -> Option<String> {
    let changing = matches!(order.status.as_str(), "pending" | "processing");
    let own = standing.buyer && visitor.scope.actor != Actor::System;
    (changing && own).then(|| {
        let token = order_token::issue(&state.souk.settings.jwt_secret, visitor.tenant.id, order.id);
        format!("/v1/orders/{}/events?token={token}", order.id)
    })
}

fn verdict(order: &OrderShown, back: bool, in_time: bool, email: Option<&str>) -> Verdict {
    let zone = order.lines.first().map_or("UTC", |line| line.timezone.as_str());
    let until = when(order.hold_expires_at, None, zone).time;
    let (kind, title, text) = match order.status.as_str() {
        "paid" if order.refunded == order.total && order.total.minor > 0 => {
            ("bad", "Refunded", "The whole amount has been given back.".to_owned())
        }
        "paid" => {
            let mail = email.map_or_else(String::new, |email| format!(" A confirmation goes to {email}."));
            ("good", "Your booking is paid", format!("Your places are booked.{mail}"))
        }
        "pending" if back => {
            ("wait", "Waiting for the payment", "We are asking the payment provider. This page shows the answer by itself.".to_owned())
        }
        "pending" if !in_time => {
            ("bad", "Not paid in time", "The time to pay is over, and the places are being let go.".to_owned())
        }
        "pending" => ("wait", "Not paid yet", format!("Your places are held for you until {until}.")),
        "processing" => {
            ("wait", "Your payment is under way", "Your places stay held for you. Some ways to pay take days; you get a mail once it is certain.".to_owned())
        }
        "expired" => ("bad", "Not paid in time", "The places were let go, and nothing was charged.".to_owned()),
        "cancelled" => ("bad", "Cancelled", "This order was given up before it was paid. Nothing was charged.".to_owned()),
        "failed" => ("bad", "The payment failed", "Nothing was charged, and the places were let go.".to_owned()),
        "unfulfillable" => {
            ("bad", "We could not fulfil this order", "The last places were gone when your payment arrived. You get all of your money back.".to_owned())
        }
        "review" => {
            ("wait", "Somebody is looking at this order", "What was paid is not what was ordered. The marketplace decides what happens and you will hear from it.".to_owned())
        }
        other => ("wait", "Order", format!("This order is {}.", spaced(other))),
    };
    Verdict { kind, title, text }
}
