//! One of a seller's listings with its slots, and every form that changes them.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use souk_domain::ids::{ListingId, SellerId, SlotId};
use souk_infra::Error;
use souk_infra::catalogue::Audience;
use souk_infra::catalogue::listings::{self, ListingPatch, ListingStatus};
use souk_infra::catalogue::slots::{self, SlotStatus};
use souk_infra::page::Page;
use souk_infra::sellers;

use super::listings::ListingForm;
use super::slots::SlotForm;
use crate::error::Result;
use crate::extract::{PageQuery, PathId};
use crate::pages::format::{When, amount, typed, when};
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{Chrome, SellerPage};
use crate::pages::{older, page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/seller/{seller}/listings/{listing}", get(show).post(change))
}

#[derive(Template)]
#[template(path = "seller/listing.html")]
struct ListingPage {
    chrome: Chrome,
    id: String,
    name: String,
    here: &'static str,
    listing: String,
    title: String,
    archived: bool,
    price: String,
    timezone: String,
    currency: String,
    slots: Vec<Row>,
    later: Option<String>,
    slot: SlotForm,
    edit: ListingForm,
    trouble: Trouble,
    /// Which form the trouble is with: `slot`, `edit`, or the page as a whole.
    which: &'static str,
    note: Option<&'static str>,
}

struct Row {
    id: String,
    when: When,
    capacity: i64,
    sold: i64,
    held: i64,
    cancelled: bool,
}

/// The forms as they were filled in, where one was refused.
#[derive(Default)]
pub(super) struct Forms {
    pub(super) slot: Option<SlotForm>,
    pub(super) edit: Option<ListingForm>,
    pub(super) trouble: Trouble,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Done {
    done: Option<String>,
}

async fn show(
    State(state): State<AppState>,
    guard: SellerPage,
    PathId((_, listing)): PathId<(SellerId, ListingId)>,
    query: PageQuery<SlotId>,
    Query(done): Query<Done>,
) -> Result<Response> {
    let note = match done.done.as_deref() {
        Some("slot") => Some("The new times are on sale."),
        Some("changed") => Some("Saved."),
        Some("cancelled") => {
            Some("The slot is called off. Who has paid keeps the order until you refund it.")
        }
        _ => None,
    };
    render(&state, &guard, listing, query.page, Forms::default(), note).await
}

pub(super) async fn render(
    state: &AppState,
    guard: &SellerPage,
    listing: ListingId,
    wanted: Page,
    forms: Forms,
    note: Option<&'static str>,
) -> Result<Response> {
    let (souk, scope, seller) = (&state.souk, &guard.visitor.scope, guard.seller);
    let audience = Audience::Seller(seller);
    let owner = sellers::get(souk, scope, seller).await?;
    let shown = listings::get(souk, scope, audience, listing).await?;
    let listed = slots::list(souk, scope, audience, listing, None, None, wanted).await?;
    let path = format!("/seller/{seller}/listings/{listing}");
    let rows = listed.data.iter().map(|slot| Row {
        id: slot.id.to_string(),
        when: when(slot.starts_at, Some(slot.ends_at), &slot.timezone),
        capacity: slot.capacity,
        sold: slot.sold,
        held: if slot.status == SlotStatus::Open {
            (slot.capacity - slot.sold - slot.available).max(0)
        } else {
            0
        },
        cancelled: slot.status == SlotStatus::Cancelled,
    });
    let Forms { slot, edit, trouble } = forms;
    let which = match (&slot, &edit) {
        (Some(_), _) => "slot",
        (_, Some(_)) => "edit",
        _ => "page",
    };
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = ListingPage {
        chrome: guard.visitor.chrome(),
        id: seller.to_string(),
        name: owner.display_name,
        here: "listings",
        listing: listing.to_string(),
        archived: shown.status == ListingStatus::Archived,
        price: shown.price.to_string(),
        timezone: shown.timezone.clone(),
        currency: shown.price.currency.code().to_uppercase(),
        slots: rows.collect(),
        later: older(&path, None, listed.has_more, listed.data.last().map(|slot| slot.id)),
        slot: slot.unwrap_or_default(),
        edit: edit.unwrap_or_else(|| ListingForm {
            title: shown.title.clone(),
            description: shown.description.clone(),
            price: typed(shown.price),
            timezone: shown.timezone.clone(),
            reserve_first: (shown.capture.as_str() == "on_confirmation").then(|| "yes".to_owned()),
        }),
        title: shown.title,
        trouble,
        which,
        note,
    };
    page(status, &template)
}

/// Changes of the listing itself, or taking it off and putting it back.
#[derive(Debug, Deserialize)]
struct ChangeForm {
    #[serde(default)]
    status: Option<String>,
    #[serde(flatten)]
    fields: ListingForm,
}

async fn change(
    State(state): State<AppState>,
    guard: SellerPage,
    PathId((_, listing)): PathId<(SellerId, ListingId)>,
    Form(form): Form<ChangeForm>,
) -> Result<Response> {
    match patch(&state, &guard, listing, &form).await {
        Ok(()) => Ok(see_other(&format!("/seller/{}/listings/{listing}?done=changed", guard.seller))),
        Err(error) => {
            let edit = form.status.is_none().then_some(form.fields);
            let forms = Forms { edit, trouble: Trouble::of(error)?, ..Forms::default() };
            render(&state, &guard, listing, Page::default(), forms, None).await
        }
    }
}

async fn patch(state: &AppState, guard: &SellerPage, listing: ListingId, form: &ChangeForm) -> Result<()> {
    let (souk, scope) = (&state.souk, &guard.visitor.scope);
    let patch = if let Some(status) = &form.status {
        let status: ListingStatus =
            status.parse().map_err(|()| Error::invalid("/status", "must be active or archived"))?;
        ListingPatch { status: Some(status), ..ListingPatch::default() }
    } else {
        let now = listings::get(souk, scope, Audience::Seller(guard.seller), listing).await?;
        let price = amount(&form.fields.price, now.price.currency)
            .ok_or_else(|| Error::invalid("/price", "must be an amount such as 25.00"))?;
        ListingPatch {
            title: Some(form.fields.title.clone()),
            description: Some(form.fields.description.clone()),
            price: Some(price),
            timezone: Some(form.fields.timezone.trim().to_owned()),
            capture: Some(form.fields.capture()),
            status: None,
        }
    };
    listings::update(souk, scope, guard.seller, listing, patch).await?;
    Ok(())
}
