//! What needs an admin's attention.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_infra::orders::{self, Filter};
use souk_infra::page::Page;
use souk_infra::{inbox, jobs};

use crate::error::Result;
use crate::pages::page;
use crate::pages::visitor::{AdminPage, Chrome};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/admin", get(show))
}

#[derive(Template)]
#[template(path = "admin/home.html")]
struct Home {
    chrome: Chrome,
    here: &'static str,
    attention: Vec<Item>,
}

struct Item {
    text: String,
    address: &'static str,
}

async fn show(State(state): State<AppState>, AdminPage(visitor): AdminPage) -> Result<Response> {
    let (souk, scope) = (&state.souk, &visitor.scope);
    let some = Page { limit: 100, after: None };
    let review = Filter { status: Some("review".to_owned()), ..Filter::default() };
    let review = orders::list(souk, scope, &review, some).await?;
    let events = inbox::list(souk, scope, Some("dead"), some).await?;
    let dead = jobs::list(souk, scope, Some("dead"), some).await?;
    let counted = [
        (review.data.len(), review.has_more, "orders to decide about", "/admin/orders?status=review"),
        (
            events.data.len(),
            events.has_more,
            "webhooks that nobody could handle",
            "/admin/webhooks?status=dead",
        ),
        (dead.data.len(), dead.has_more, "tasks that were given up", "/admin/jobs?status=dead"),
    ];
    let attention = counted
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, more, what, address)| Item {
            text: format!("{count}{} {what}", if more { "+" } else { "" }),
            address,
        })
        .collect();
    page(StatusCode::OK, &Home { chrome: visitor.chrome(), here: "home", attention })
}
