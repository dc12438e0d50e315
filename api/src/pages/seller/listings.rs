//! A seller's listings, and the form for a new one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use souk_domain::ids::ListingId;
use souk_domain::payment::CaptureMode;
use souk_infra::Error;
use souk_infra::catalogue::Audience;
use souk_infra::catalogue::listings::{self, NewListing};
use souk_infra::page::Page;
use souk_infra::sellers;

use crate::error::Result;
use crate::extract::PageQuery;
use crate::pages::format::amount;
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{Chrome, SellerPage};
use crate::pages::{older, page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/seller/{seller}/listings", get(show).post(create))
}

#[derive(Template)]
#[template(path = "seller/listings.html")]
struct Listings {
    chrome: Chrome,
    id: String,
    name: String,
    here: &'static str,
    rows: Vec<Row>,
    older: Option<String>,
    form: ListingForm,
    currency: String,
    trouble: Trouble,
}

struct Row {
    id: String,
    title: String,
    price: String,
    status: &'static str,
}

/// The form as it was typed; also for changing a listing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListingForm {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) price: String,
    pub(super) timezone: String,
    pub(super) reserve_first: Option<String>,
}

impl ListingForm {
    /// When the money is taken.
    pub(super) fn capture(&self) -> CaptureMode {
        if self.reserve_first.is_some() { CaptureMode::OnConfirmation } else { CaptureMode::Automatic }
    }
}

async fn show(
    State(state): State<AppState>,
    guard: SellerPage,
    query: PageQuery<ListingId>,
) -> Result<Response> {
    render(&state, &guard, query.page, ListingForm::default(), Trouble::default()).await
}

async fn render(
    state: &AppState,
    guard: &SellerPage,
    wanted: Page,
    mut form: ListingForm,
    trouble: Trouble,
) -> Result<Response> {
    let (souk, scope, seller) = (&state.souk, &guard.visitor.scope, guard.seller);
    let shown = sellers::get(souk, scope, seller).await?;
    let listed = listings::list(souk, scope, Audience::Seller(seller), Some(seller), wanted).await?;
    if form.timezone.is_empty() {
        // Most of what one seller offers takes place in one zone.
        let usual = listed.data.first().map_or("UTC", |listing| listing.timezone.as_str());
        usual.clone_into(&mut form.timezone);
    }
    let path = format!("/seller/{seller}/listings");
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = Listings {
        chrome: guard.visitor.chrome(),
        id: seller.to_string(),
        name: shown.display_name,
        here: "listings",
        older: older(&path, None, listed.has_more, listed.data.last().map(|listing| listing.id)),
        rows: listed
            .data
            .into_iter()
            .map(|listing| Row {
                id: listing.id.to_string(),
                title: listing.title,
                price: listing.price.to_string(),
                status: listing.status.as_str(),
            })
            .collect(),
        form,
        currency: guard.visitor.tenant.currency.code().to_uppercase(),
        trouble,
    };
    page(status, &template)
}

async fn create(
    State(state): State<AppState>,
    guard: SellerPage,
    Form(form): Form<ListingForm>,
) -> Result<Response> {
    match make(&state, &guard, &form).await {
        Ok(listing) => Ok(see_other(&format!("/seller/{}/listings/{listing}", guard.seller))),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(&state, &guard, Page::default(), form, trouble).await
        }
    }
}

async fn make(state: &AppState, guard: &SellerPage, form: &ListingForm) -> Result<ListingId> {
    let price = amount(&form.price, guard.visitor.tenant.currency)
        .ok_or_else(|| Error::invalid("/price", "must be an amount such as 25.00"))?;
    let new = NewListing {
        title: form.title.clone(),
        description: form.description.clone(),
        price,
        timezone: Some(form.timezone.trim().to_owned()),
        capture: form.capture(),
    };
    Ok(listings::create(&state.souk, &guard.visitor.scope, guard.seller, new).await?.id)
}
