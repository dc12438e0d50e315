//! Listings at a time, with a capacity.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::ids::{ListingId, SellerId, SlotId};
use souk_domain::people::Scope;
use souk_infra::catalogue::Audience;
use souk_infra::catalogue::slots::{self, NewSeries, NewSlot, SlotPatch, SlotStatus};
use souk_infra::page::Page;
use souk_infra::{Error, FieldError, Refusal, RefusalKind};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::SellerAuth;
use crate::error::{Problem, Result};
use crate::extract::{Json, PageQuery, PathId, Query};
use crate::state::AppState;
use crate::tenancy::Tenancy;
use crate::view::ListView;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(browse)).routes(routes!(list_own, create)).routes(routes!(change))
}

/// One slot, or many by a rule. Times are RFC 3339, or without an offset in the listing's time zone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes what SlotRequest takes")]
enum SlotInput {
    /// One slot.
    One(OneSlot),
    /// Many slots, all or none, at the same local time whatever the clocks do.
    Series(SlotSeries),
}

/// One slot.
#[derive(Debug, Serialize, ToSchema)]
struct OneSlot {
    /// From; in the future.
    #[schema(example = "2027-05-01T18:00:00+02:00")]
    starts_at: String,
    /// To; at most 31 days later.
    #[schema(example = "2027-05-01T20:00:00+02:00")]
    ends_at: String,
    /// Places.
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: i64,
}

/// Many slots, at most 500. A local time that the clocks skip has no slot; one that exists twice means the first.
#[derive(Debug, Serialize, ToSchema)]
struct SlotSeries {
    /// RFC 5545; `FREQ` is `YEARLY`, `MONTHLY`, `WEEKLY`, `DAILY` or `HOURLY`.
    #[schema(example = "FREQ=WEEKLY;BYDAY=TU,TH")]
    rrule: String,
    /// Where the rule starts; in the future.
    #[schema(example = "2027-05-01T18:00")]
    dtstart: String,
    /// How long each one lasts.
    #[schema(minimum = 1, maximum = 44_640)]
    duration_minutes: i64,
    /// Places in each.
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: i64,
    /// The last moment for a start, or a date, which counts in full; within two years.
    #[schema(example = "2027-12-31")]
    until: String,
}

/// Both forms; which one it is follows from the fields that are there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotRequest {
    starts_at: Option<String>,
    ends_at: Option<String>,
    rrule: Option<String>,
    dtstart: Option<String>,
    duration_minutes: Option<i64>,
    until: Option<String>,
    capacity: i64,
}

enum SlotForm {
    One(NewSlot),
    Series(NewSeries),
}

impl SlotRequest {
    fn form(self) -> Result<SlotForm, Error> {
        fn given<T>(field: &str, value: Option<T>) -> Result<T, Error> {
            value.ok_or_else(|| {
                let sentence = format!("{field} is missing.");
                let mut refusal = Refusal::new(RefusalKind::Invalid, "missing_field", sentence);
                let (pointer, detail) = (format!("/{field}"), "is missing".to_owned());
                refusal.fields.push(FieldError { pointer, detail });
                refusal.into()
            })
        }
        let capacity = self.capacity;
        let one = self.starts_at.is_some() || self.ends_at.is_some();
        let series = self.dtstart.is_some() || self.duration_minutes.is_some() || self.until.is_some();
        if series && !one {
            given("rrule", self.rrule.as_ref())?;
        }
        if self.rrule.is_none() {
            for (field, there) in [
                ("dtstart", self.dtstart.is_some()),
                ("duration_minutes", self.duration_minutes.is_some()),
                ("until", self.until.is_some()),
            ] {
                if there {
                    return Err(Error::invalid(&format!("/{field}"), "goes with rrule only"));
                }
            }
            let starts_at = given("starts_at", self.starts_at)?;
            return Ok(SlotForm::One(NewSlot {
                starts_at,
                ends_at: given("ends_at", self.ends_at)?,
                capacity,
            }));
        }
        for (field, there) in [("starts_at", self.starts_at.is_some()), ("ends_at", self.ends_at.is_some())] {
            if there {
                return Err(Error::invalid(&format!("/{field}"), "does not go with rrule"));
            }
        }
        Ok(SlotForm::Series(NewSeries {
            rrule: given("rrule", self.rrule)?,
            dtstart: given("dtstart", self.dtstart)?,
            duration_minutes: given("duration_minutes", self.duration_minutes)?,
            until: given("until", self.until)?,
            capacity,
        }))
    }
}

/// What to change of a slot that has not begun; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SlotChange {
    /// Not below what is sold and held.
    #[schema(minimum = 1, maximum = 1_000_000)]
    capacity: Option<i64>,
    /// `open` or `cancelled`. Cancelling stops sales; refunds are made by order.
    #[schema(value_type = Option<String>)]
    status: Option<SlotStatus>,
    /// Only while no place is sold or held.
    starts_at: Option<String>,
    /// Only while no place is sold or held.
    ends_at: Option<String>,
}

/// A listing at a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlotView {
    /// The slot's id.
    #[schema(example = "slt_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// Of which listing.
    pub listing_id: String,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// To.
    pub ends_at: DateTime<Utc>,
    /// Where it takes place, as an IANA time zone.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// Places in all.
    pub capacity: i64,
    /// Places paid for.
    pub sold: i64,
    /// Places that can be had now.
    pub available: i64,
    /// `open` or `cancelled`.
    pub status: String,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SlotsMade {
    /// One slot.
    One(SlotView),
    /// The slots of a rule.
    Series {
        /// In order of time.
        data: Vec<SlotView>,
    },
}

impl From<slots::SlotView> for SlotView {
    fn from(slot: slots::SlotView) -> Self {
        Self {
            id: slot.id.to_string(),
            listing_id: slot.listing_id.to_string(),
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            timezone: slot.timezone,
            capacity: slot.capacity,
            sold: slot.sold,
            available: slot.available,
            status: slot.status.as_str().to_owned(),
        }
    }
}

/// Which slots.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SlotsQuery {
    /// Starting then or later: RFC 3339, or a date in UTC. Now, where absent.
    from: Option<String>,
    /// Starting before then: RFC 3339, or a date in UTC.
    to: Option<String>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(rename = "limit")]
    _limit: Option<u64>,
    /// The id of the last one of the page before.
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

/// A listing's slots in order of time, with the places that can be had.
#[utoipa::path(
    get, path = "/v1/listings/{id}/slots", operation_id = "list_slots", tag = "catalogue",
    params(("id" = String, Path, description = "The listing."), SlotsQuery),
    responses(
        (status = 200, body = ListView<SlotView>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn browse(
    State(state): State<AppState>,
    tenancy: Tenancy,
    PathId(listing): PathId<ListingId>,
    Query(query): Query<SlotsQuery>,
    page: PageQuery<SlotId>,
) -> Result<axum::Json<ListView<SlotView>>> {
    list(&state, &tenancy.anonymous(), Audience::Public, listing, &query, page.page).await
}

/// The slots of a seller's own listing, on offer or not.
#[utoipa::path(
    get, path = "/v1/sellers/{id}/listings/{listing_id}/slots", operation_id = "list_seller_slots", tag = "catalogue", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The seller."), ("listing_id" = String, Path, description = "The listing."),
        SlotsQuery
    ),
    responses(
        (status = 200, body = ListView<SlotView>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn list_own(
    State(state): State<AppState>,
    caller: SellerAuth,
    ids: PathId<(SellerId, ListingId)>,
    Query(query): Query<SlotsQuery>,
    page: PageQuery<SlotId>,
) -> Result<axum::Json<ListView<SlotView>>> {
    let PathId((_, listing)) = ids;
    list(&state, &caller.scope, Audience::Seller(caller.seller), listing, &query, page.page).await
}

async fn list(
    state: &AppState,
    scope: &Scope,
    audience: Audience,
    listing: ListingId,
    query: &SlotsQuery,
    page: Page,
) -> Result<axum::Json<ListView<SlotView>>> {
    let from = query.from.as_deref().map(|text| moment("from", text)).transpose()?;
    let to = query.to.as_deref().map(|text| moment("to", text)).transpose()?;
    Ok(axum::Json(slots::list(&state.souk, scope, audience, listing, from, to, page).await?.into()))
}

/// A time in a query, where a `+` that was not escaped has become a space.
fn moment(field: &str, text: &str) -> Result<DateTime<Utc>> {
    let date = || text.parse::<NaiveDate>().ok().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|time| time.to_utc());
    time.or_else(date).ok_or_else(|| {
        let detail = "must be a time, RFC 3339, or a date".to_owned();
        let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid_query", format!("{field} {detail}."));
        refusal.fields.push(FieldError { pointer: format!("#/{field}"), detail });
        Error::from(refusal).into()
    })
}

/// Makes one slot, or all slots of a rule. One slot is answered as it is, a rule's as `{data: […]}`.
#[utoipa::path(
    post, path = "/v1/sellers/{id}/listings/{listing_id}/slots", operation_id = "create_slots", tag = "catalogue", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller."), ("listing_id" = String, Path, description = "The listing.")),
    request_body = SlotInput,
    responses(
        (status = 201, body = SlotsMade),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "slot_exists, seller_suspended"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "slot_in_past"),
    )
)]
async fn create(
    State(state): State<AppState>,
    caller: SellerAuth,
    ids: PathId<(SellerId, ListingId)>,
    Json(body): Json<SlotRequest>,
) -> Result<(StatusCode, axum::Json<SlotsMade>)> {
    let PathId((_, listing)) = ids;
    let (souk, scope, seller) = (&state.souk, &caller.scope, caller.seller);
    let made = match body.form()? {
        SlotForm::One(new) => SlotsMade::One(slots::create(souk, scope, seller, listing, new).await?.into()),
        SlotForm::Series(new) => {
            let made = slots::create_series(souk, scope, seller, listing, new).await?;
            SlotsMade::Series { data: made.into_iter().map(SlotView::from).collect() }
        }
    };
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Changes a slot that has not begun.
#[utoipa::path(
    patch, path = "/v1/sellers/{id}/listings/{listing_id}/slots/{slot_id}", operation_id = "update_slot", tag = "catalogue",
    security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The seller."), ("listing_id" = String, Path, description = "The listing."),
        ("slot_id" = String, Path, description = "The slot.")
    ),
    request_body = SlotChange,
    responses(
        (status = 200, body = SlotView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "capacity_below_sold, slot_has_bookings, slot_exists"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "slot_in_past"),
    )
)]
async fn change(
    State(state): State<AppState>,
    caller: SellerAuth,
    ids: PathId<(SellerId, ListingId, SlotId)>,
    Json(body): Json<SlotChange>,
) -> Result<axum::Json<SlotView>> {
    let PathId((_, listing, slot)) = ids;
    let patch = SlotPatch {
        capacity: body.capacity,
        status: body.status,
        starts_at: body.starts_at,
        ends_at: body.ends_at,
    };
    let slot = slots::update(&state.souk, &caller.scope, caller.seller, listing, slot, patch).await?;
    Ok(axum::Json(slot.into()))
}
