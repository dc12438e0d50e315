//! New slots, one or every week, and changes of a slot.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Form, Router};
use chrono::Duration;
use serde::Deserialize;
use souk_domain::ids::{ListingId, SellerId, SlotId};
use souk_domain::recurrence::{MAX_DURATION_MINUTES, instant};
use souk_infra::Error;
use souk_infra::catalogue::slots::{self, NewSeries, NewSlot, SlotPatch, SlotStatus};
use souk_infra::catalogue::{Audience, listings};
use souk_infra::page::Page;

use super::listing::{Forms, render};
use crate::error::Result;
use crate::extract::PathId;
use crate::pages::see_other;
use crate::pages::trouble::Trouble;
use crate::pages::visitor::SellerPage;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/seller/{seller}/listings/{listing}/slots", post(create))
        .route("/seller/{seller}/listings/{listing}/slots/{slot}", post(change))
}

/// The form as it was typed. Times are local to the listing.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub(super) struct SlotForm {
    pub(super) date: String,
    pub(super) time: String,
    pub(super) minutes: String,
    pub(super) capacity: String,
    pub(super) weekly: Option<String>,
    pub(super) until: String,
}

impl Default for SlotForm {
    fn default() -> Self {
        Self {
            date: String::new(),
            time: "18:00".to_owned(),
            minutes: "120".to_owned(),
            capacity: "10".to_owned(),
            weekly: None,
            until: String::new(),
        }
    }
}

fn number(name: &str, text: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_| Error::invalid(&format!("/{name}"), "must be a whole number"))
}

async fn create(
    State(state): State<AppState>,
    guard: SellerPage,
    PathId((_, listing)): PathId<(SellerId, ListingId)>,
    Form(form): Form<SlotForm>,
) -> Result<Response> {
    match make(&state, &guard, listing, &form).await {
        Ok(()) => Ok(see_other(&format!("/seller/{}/listings/{listing}?done=slot", guard.seller))),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            let forms = Forms { slot: Some(form), trouble, ..Forms::default() };
            render(&state, &guard, listing, Page::default(), forms, None).await
        }
    }
}

async fn make(state: &AppState, guard: &SellerPage, listing: ListingId, form: &SlotForm) -> Result<()> {
    let (souk, scope, seller) = (&state.souk, &guard.visitor.scope, guard.seller);
    let minutes = number("minutes", &form.minutes)?;
    let capacity = number("capacity", &form.capacity)?;
    let starts_at = format!("{}T{}", form.date, form.time);
    if form.weekly.is_some() {
        let until = form.until.clone();
        if until.is_empty() {
            return Err(Error::invalid("/until", "must be a date").into());
        }
        let series = NewSeries {
            rrule: "FREQ=WEEKLY".to_owned(),
            dtstart: starts_at,
            duration_minutes: minutes,
            until,
            capacity,
        };
        slots::create_series(souk, scope, seller, listing, series).await?;
        return Ok(());
    }
    let ends_at = end(state, guard, listing, &starts_at, minutes).await?;
    slots::create(souk, scope, seller, listing, NewSlot { starts_at, ends_at, capacity }).await?;
    Ok(())
}

/// When a slot of that length ends. A start that is none is refused where the slot is made.
async fn end(
    state: &AppState,
    guard: &SellerPage,
    listing: ListingId,
    starts_at: &str,
    minutes: i64,
) -> Result<String> {
    if !(1..=MAX_DURATION_MINUTES).contains(&minutes) {
        let detail = format!("must be between 1 and {MAX_DURATION_MINUTES}");
        return Err(Error::invalid("/duration_minutes", detail).into());
    }
    let audience = Audience::Seller(guard.seller);
    let listing = listings::get(&state.souk, &guard.visitor.scope, audience, listing).await?;
    let start = listing.timezone.parse().ok().and_then(|zone| instant(starts_at, zone));
    Ok(start.map_or_else(String::new, |start| (start + Duration::minutes(minutes)).to_rfc3339()))
}

/// One of a slot's buttons.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChangeForm {
    action: String,
    capacity: String,
}

async fn change(
    State(state): State<AppState>,
    guard: SellerPage,
    PathId((_, listing, slot)): PathId<(SellerId, ListingId, SlotId)>,
    Form(form): Form<ChangeForm>,
) -> Result<Response> {
    match patch(&state, &guard, listing, slot, &form).await {
        Ok(done) => Ok(see_other(&format!("/seller/{}/listings/{listing}?done={done}", guard.seller))),
        Err(error) => {
            let forms = Forms { trouble: Trouble::of(error)?, ..Forms::default() };
            render(&state, &guard, listing, Page::default(), forms, None).await
        }
    }
}

async fn patch(
    state: &AppState,
    guard: &SellerPage,
    listing: ListingId,
    slot: SlotId,
    form: &ChangeForm,
) -> Result<&'static str> {
    let (patch, done) = match form.action.as_str() {
        "capacity" => {
            let capacity = Some(number("capacity", &form.capacity)?);
            (SlotPatch { capacity, ..SlotPatch::default() }, "changed")
        }
        "cancel" => (SlotPatch { status: Some(SlotStatus::Cancelled), ..SlotPatch::default() }, "cancelled"),
        "reopen" => (SlotPatch { status: Some(SlotStatus::Open), ..SlotPatch::default() }, "changed"),
        _ => return Err(Error::invalid("/action", "is unknown").into()),
    };
    slots::update(&state.souk, &guard.visitor.scope, guard.seller, listing, slot, patch).await?;
    Ok(done)
}
