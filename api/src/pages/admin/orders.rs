//! All orders with what each one earns; for finance too.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_domain::ids::OrderId;
use souk_domain::order::OrderStatus;
use souk_infra::orders::{self, Filter, OrderShown};

use super::{Choice, ListQuery, choices};
use crate::error::Result;
use crate::extract::PageQuery;
use crate::pages::format::utc;
use crate::pages::visitor::{Chrome, FinancePage};
use crate::pages::{older, page};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show))
}

const PATH: &str = "/admin/orders";

#[derive(Template)]
#[template(path = "admin/orders.html")]
struct Orders {
    chrome: Chrome,
    here: &'static str,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    id: String,
    title: String,
    made: String,
    status: String,
    charge_model: String,
    total: String,
    fee: String,
    refunded: String,
}

async fn show(
    State(state): State<AppState>,
    FinancePage(visitor): FinancePage,
    Query(query): Query<ListQuery>,
    pages: PageQuery<OrderId>,
) -> Result<Response> {
    let known: Vec<&'static str> = OrderStatus::ALL.iter().map(|status| status.as_str()).collect();
    let status = query.one_of(&known);
    let filter = Filter { status: status.map(str::to_owned), ..Filter::default() };
    let listed = orders::list(&state.souk, &visitor.scope, &filter, pages.page).await?;
    let template = Orders {
        chrome: visitor.chrome(),
        here: "orders",
        choices: choices(PATH, &known, status),
        older: older(PATH, status, listed.has_more, listed.data.last().map(|order| order.id)),
        rows: listed.data.into_iter().map(row).collect(),
    };
    page(StatusCode::OK, &template)
}

fn row(order: OrderShown) -> Row {
    let title: Vec<String> =
        order.lines.iter().map(|line| format!("{} × {}", line.quantity, line.title)).collect();
    Row {
        id: order.id.to_string(),
        title: title.join(", "),
        made: utc(order.created_at),
        status: order.status,
        charge_model: order.charge_model,
        total: order.total.to_string(),
        fee: order.application_fee.to_string(),
        refunded: order.refunded.to_string(),
    }
}
