//! A buyer's own orders.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_domain::ids::OrderId;
use souk_infra::orders::{self, Filter, OrderShown};

use super::format::{When, when};
use super::visitor::{Chrome, Member};
use super::{older, page};
use crate::error::Result;
use crate::extract::PageQuery;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/account", get(show))
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    chrome: Chrome,
    email: String,
    orders: Vec<Row>,
    older: Option<String>,
}

struct Row {
    id: String,
    title: String,
    when: When,
    total: String,
    refunded: Option<String>,
    status: String,
}

async fn show(State(state): State<AppState>, member: Member, query: PageQuery<OrderId>) -> Result<Response> {
    let filter = Filter { buyer: Some(member.user.id), ..Filter::default() };
    let listed = orders::list(&state.souk, &member.visitor.scope, &filter, query.page).await?;
    let template = Account {
        chrome: member.visitor.chrome(),
        email: member.user.email,
        older: older("/account", None, listed.has_more, listed.data.last().map(|order| order.id)),
        orders: listed.data.into_iter().map(row).collect(),
    };
    page(StatusCode::OK, &template)
}

fn row(order: OrderShown) -> Row {
    let first = order.lines.first();
    let zone = first.map_or("UTC", |line| line.timezone.as_str());
    Row {
        id: order.id.to_string(),
        title: first.map(|line| format!("{} × {}", line.quantity, line.title)).unwrap_or_default(),
        when: when(first.map_or(order.created_at, |line| line.starts_at), None, zone),
        total: order.total.to_string(),
        refunded: (order.refunded.minor > 0).then(|| order.refunded.to_string()),
        status: order.status,
    }
}
