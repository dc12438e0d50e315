//! A listing with its times, and the form that starts a checkout.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_domain::checkout::MAX_QUANTITY;
use souk_domain::ids::{ListingId, SlotId};
use souk_infra::catalogue::slots::SlotStatus;
use souk_infra::catalogue::{Audience, listings, slots};
use souk_infra::page::Page;
use souk_infra::sellers;

use super::checkout::CheckoutForm;
use super::format::{When, when};
use super::store::left;
use super::trouble::Trouble;
use super::visitor::{Chrome, Visitor};
use super::{fresh_key, older, page};
use crate::error::Result;
use crate::extract::{PageQuery, PathId};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/listings/{listing}", get(show))
}

#[derive(Template)]
#[template(path = "listing.html")]
struct ListingPage {
    chrome: Chrome,
    title: String,
    description: String,
    seller: String,
    price: String,
    free: bool,
    reserves_first: bool,
    slots: Vec<SlotChoice>,
    can_buy: bool,
    later: Option<String>,
    form: CheckoutForm,
    trouble: Trouble,
    most: i64,
}

struct SlotChoice {
    id: String,
    when: When,
    left: String,
    open: bool,
    chosen: bool,
}

async fn show(
    State(state): State<AppState>,
    visitor: Visitor,
    PathId(listing): PathId<ListingId>,
    query: PageQuery<SlotId>,
) -> Result<Response> {
    let form = CheckoutForm {
        listing: listing.to_string(),
        quantity: "1".to_owned(),
        email: visitor.email(),
        key: fresh_key(),
        ..CheckoutForm::default()
    };
    with_form(&state, &visitor, listing, query.page, form, Trouble::default()).await
}

/// The page with a form as it was filled in, and what is wrong with it.
pub(super) async fn with_form(
    state: &AppState,
    visitor: &Visitor,
    listing: ListingId,
    wanted: Page,
    form: CheckoutForm,
    trouble: Trouble,
) -> Result<Response> {
    let (souk, scope) = (&state.souk, &visitor.scope);
    let shown = listings::get(souk, scope, Audience::Public, listing).await?;
    let seller = sellers::get(souk, scope, shown.seller_id).await?;
    let listed = slots::list(souk, scope, Audience::Public, listing, None, None, wanted).await?;
    let path = format!("/listings/{listing}");
    let later = older(&path, None, listed.has_more, listed.data.last().map(|slot| slot.id));
    let open: Vec<_> = listed.data.into_iter().filter(|slot| slot.status == SlotStatus::Open).collect();
    let bookable = |id: &str| open.iter().any(|slot| slot.available > 0 && slot.id.to_string() == id);
    // What was chosen stays chosen while it can be had; otherwise the first that can.
    let first = open.iter().find(|slot| slot.available > 0).map(|slot| slot.id.to_string());
    let chosen = if bookable(&form.slot) { Some(form.slot.clone()) } else { first };
    let slots: Vec<SlotChoice> = open
        .iter()
        .map(|slot| SlotChoice {
            chosen: chosen.as_deref() == Some(&slot.id.to_string()),
            id: slot.id.to_string(),
            when: when(slot.starts_at, Some(slot.ends_at), &slot.timezone),
            left: left(slot.available),
            open: slot.available > 0,
        })
        .collect();
    let template = ListingPage {
        chrome: visitor.chrome(),
        title: shown.title,
        description: shown.description,
        seller: seller.display_name,
        free: shown.price.minor == 0,
        price: shown.price.to_string(),
        reserves_first: shown.capture.as_str() == "on_confirmation",
        can_buy: slots.iter().any(|slot| slot.open),
        slots,
        later,
        form,
        most: MAX_QUANTITY,
        trouble,
    };
    let status = if template.trouble.is_some() { template.trouble.status } else { StatusCode::OK };
    page(status, &template)
}
