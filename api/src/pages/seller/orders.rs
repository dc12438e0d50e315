//! A seller's orders, each with a way to give money back.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_domain::ids::OrderId;
use souk_infra::orders::{self, Filter, OrderShown};
use souk_infra::sellers;

use crate::error::Result;
use crate::extract::PageQuery;
use crate::pages::format::{When, when};
use crate::pages::refund::RefundForm;
use crate::pages::visitor::{Chrome, SellerPage};
use crate::pages::{older, page};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/seller/{seller}/orders", get(show))
}

#[derive(Template)]
#[template(path = "seller/orders.html")]
struct Orders {
    chrome: Chrome,
    id: String,
    name: String,
    here: &'static str,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    id: String,
    title: String,
    when: When,
    status: String,
    total: String,
    fee: String,
    refunded: Option<String>,
    refund: Option<RefundForm>,
}

async fn show(
    State(state): State<AppState>,
    guard: SellerPage,
    query: PageQuery<OrderId>,
) -> Result<Response> {
    let (souk, scope) = (&state.souk, &guard.visitor.scope);
    let seller = sellers::get(souk, scope, guard.seller).await?;
    let filter = Filter { seller: Some(guard.seller), ..Filter::default() };
    let listed = orders::list(souk, scope, &filter, query.page).await?;
    let path = format!("/seller/{}/orders", guard.seller);
    let template = Orders {
        chrome: guard.visitor.chrome(),
        id: guard.seller.to_string(),
        name: seller.display_name,
        here: "orders",
        older: older(&path, None, listed.has_more, listed.data.last().map(|order| order.id)),
        rows: listed.data.into_iter().map(row).collect(),
    };
    page(StatusCode::OK, &template)
}

fn row(order: OrderShown) -> Row {
    let first = order.lines.first();
    let zone = first.map_or("UTC", |line| line.timezone.as_str());
    let left = order.total.minor - order.refunded.minor;
    Row {
        id: order.id.to_string(),
        title: first.map(|line| format!("{} × {}", line.quantity, line.title)).unwrap_or_default(),
        when: when(first.map_or(order.created_at, |line| line.starts_at), None, zone),
        total: order.total.to_string(),
        fee: order.application_fee.to_string(),
        refunded: (order.refunded.minor > 0).then(|| order.refunded.to_string()),
        refund: (left > 0 && order.status == "paid").then(|| RefundForm::of(&order)),
        status: order.status,
    }
}
