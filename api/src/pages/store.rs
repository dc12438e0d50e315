//! The storefront: what active sellers have on offer, and when.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::future::try_join_all;
use souk_domain::ids::ListingId;
use souk_infra::catalogue::listings::{self, ListingView};
use souk_infra::catalogue::{Audience, slots};
use souk_infra::page::Page;
use souk_infra::sellers;

use super::format::{When, when};
use super::visitor::{Chrome, Visitor};
use super::{older, page};
use crate::error::Result;
use crate::extract::PageQuery;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/", get(front))
}

/// How many of a listing's next times are shown.
const NEXT: u64 = 3;

#[derive(Template)]
#[template(path = "front.html")]
struct Front {
    chrome: Chrome,
    offers: Vec<Offer>,
    older: Option<String>,
}

struct Offer {
    id: String,
    title: String,
    description: String,
    seller: String,
    price: String,
    next: Vec<NextSlot>,
    sold_out: bool,
    more: bool,
}

struct NextSlot {
    when: When,
    left: String,
}

/// How many places are left, as buyers are told: exact numbers only once they are few.
pub(super) fn left(available: i64) -> String {
    match available {
        ..=0 => "Sold out".to_owned(),
        1 => "1 place left".to_owned(),
        places @ 2..=9 => format!("{places} places left"),
        places => format!("{places} places"),
    }
}

async fn front(
    State(state): State<AppState>,
    visitor: Visitor,
    query: PageQuery<ListingId>,
) -> Result<Response> {
    let wanted = Page { limit: 12, ..query.page };
    let listed = listings::list(&state.souk, &visitor.scope, Audience::Public, None, wanted).await?;
    let older = older("/", None, listed.has_more, listed.data.last().map(|listing| listing.id));
    let offers =
        try_join_all(listed.data.into_iter().map(|listing| offer(&state, &visitor, listing))).await?;
    page(StatusCode::OK, &Front { chrome: visitor.chrome(), offers, older })
}

async fn offer(state: &AppState, visitor: &Visitor, listing: ListingView) -> Result<Offer> {
    let seller = sellers::get(&state.souk, &visitor.scope, listing.seller_id).await?;
    let few = Page { limit: 20, after: None };
    let slots =
        slots::list(&state.souk, &visitor.scope, Audience::Public, listing.id, None, None, few).await?;
    let open: Vec<_> = slots.data.iter().filter(|slot| slot.available > 0).collect();
    let next = open.iter().take(usize::try_from(NEXT).unwrap_or(3)).map(|slot| NextSlot {
        when: when(slot.starts_at, None, &slot.timezone),
        left: left(slot.available),
    });
    Ok(Offer {
        next: next.collect(),
        sold_out: open.is_empty() && !slots.data.is_empty() && !slots.has_more,
        more: open.len() > usize::try_from(NEXT).unwrap_or(3) || slots.has_more,
        id: listing.id.to_string(),
        title: listing.title,
        description: listing.description,
        seller: seller.display_name,
        price: listing.price.to_string(),
    })
}
