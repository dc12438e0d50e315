//! Slots: a listing at a time, with a capacity.
//!
//! A capacity never goes below what is sold and held: the slot's row is locked, its holds are counted, and the
//! conditional UPDATE decides. Times stay as they are once somebody has a place or holds one.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use souk_domain::ids::{ListingId, SellerId, SlotId};
use souk_domain::people::Scope;
use souk_domain::recurrence::{self, MAX_DURATION_MINUTES, Occurrence, Recurrence};
use uuid::Uuid;

use super::{Audience, listings};
use crate::entity::{listings as listing_rows, slot_holds, slots};
use crate::error::{Error, Refusal, RefusalKind, Result, stored};
use crate::page::{Listed, Page};
use crate::souk::Souk;
use crate::{audit, sellers as selling};

/// The most places that a slot may have.
pub const MAX_CAPACITY: i64 = 1_000_000;
/// How far ahead a single slot may be, in days: five years.
const MAX_DAYS_AHEAD: i64 = 5 * 366;

/// Whether places can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotStatus {
    /// Until it begins.
    Open,
    /// Called off. Who has paid keeps the order, until it is refunded.
    Cancelled,
}

impl SlotStatus {
    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for SlotStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Open, Self::Cancelled].into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// A single slot to make. Times are RFC 3339, or without an offset in the listing's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSlot {
    /// From; in the future.
    pub starts_at: String,
    /// To; later, by 31 days at most.
    pub ends_at: String,
    /// 1 to [`MAX_CAPACITY`] places.
    pub capacity: i64,
}

/// Slots to make by a rule; see [`Recurrence`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in Recurrence and NewSlot")]
pub struct NewSeries {
    pub rrule: String,
    pub dtstart: String,
    pub duration_minutes: i64,
    pub until: String,
    pub capacity: i64,
}

/// What to change of a slot; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in NewSlot")]
pub struct SlotPatch {
    pub capacity: Option<i64>,
    pub status: Option<SlotStatus>,
    pub starts_at: Option<String>,
    pub ends_at: Option<String>,
}

/// A slot as everyone sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlotView {
    /// Its id.
    pub id: SlotId,
    /// Of which listing.
    pub listing_id: ListingId,
    /// From.
    pub starts_at: DateTime<Utc>,
    /// To.
    pub ends_at: DateTime<Utc>,
    /// In which IANA time zone it takes place.
    pub timezone: String,
    /// Places in all.
    pub capacity: i64,
    /// Places paid for.
    pub sold: i64,
    /// Places that can be had now: none once it has begun or was called off.
    pub available: i64,
    /// Whether it takes place.
    pub status: SlotStatus,
}

/// Makes one slot.
pub async fn create(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    listing: ListingId,
    new: NewSlot,
) -> Result<SlotView> {
    let capacity = capacity(new.capacity)?;
    let listing = own_listing(souk, scope, seller, listing).await?;
    let now = souk.clock.now();
    let zone = stored::<Tz>("listings.timezone", &listing.timezone)?;
    let starts_at = time("/starts_at", &new.starts_at, zone)?;
    let ends_at = time("/ends_at", &new.ends_at, zone)?;
    check_times(starts_at, ends_at, now)?;
    let made = insert(souk, scope, &listing, &[Occurrence { starts_at, ends_at }], capacity).await?;
    made.into_iter().next().ok_or_else(|| Error::Internal("a slot was written and is gone".to_owned()))
}

/// Makes all slots of a rule, or none.
pub async fn create_series(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    listing: ListingId,
    new: NewSeries,
) -> Result<Vec<SlotView>> {
    let capacity = capacity(new.capacity)?;
    let listing = own_listing(souk, scope, seller, listing).await?;
    let now = souk.clock.now();
    let zone = stored::<Tz>("listings.timezone", &listing.timezone)?;
    let NewSeries { rrule, dtstart, duration_minutes, until, .. } = new;
    // A rule that matches almost never keeps a processor busy for a moment, which no other request should wait for.
    let expanded = tokio::task::spawn_blocking(move || {
        let rule = Recurrence { rrule: &rrule, dtstart: &dtstart, duration_minutes, until: &until };
        recurrence::expand(&rule, zone, now)
    });
    let occurrences =
        expanded.await.map_err(|_| Error::invalid("/rrule", "cannot be expanded"))?.map_err(|error| {
            match error {
                recurrence::InvalidRecurrence::Past => in_the_past("/dtstart"),
                error => Error::invalid(&format!("/{}", error.field()), error),
            }
        })?;
    insert(souk, scope, &listing, &occurrences, capacity).await
}

/// Changes a seller's slot that has not begun.
pub async fn update(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    listing: ListingId,
    id: SlotId,
    patch: SlotPatch,
) -> Result<SlotView> {
    use slots::Column as C;
    let wanted = patch.capacity.map(capacity).transpose()?;
    let now = souk.clock.now();
    let tx = souk.db.begin(scope).await?;
    let mut row = slots::Entity::find_by_id((scope.tenant.uuid(), id.uuid()))
        .filter(C::ListingId.eq(listing.uuid()))
        .filter(C::SellerId.eq(seller.uuid()))
        .lock_exclusive()
        .one(&*tx)
        .await?
        .ok_or_else(|| Error::not_found("slot"))?;
    if row.starts_at <= now {
        return Err(Error::unprocessable("slot_in_past", "A slot that has begun can no longer be changed."));
    }
    let held = held(&*tx, scope, [row.id]).await?.get(&row.id).copied().unwrap_or(0);
    let mut changed = Map::new();
    if let Some(capacity) = wanted {
        if capacity < row.sold.saturating_add(held) {
            return Err(below_sold(row.sold, held));
        }
        row.capacity = capacity;
        changed.insert("capacity".to_owned(), capacity.into());
    }
    if let Some(status) = patch.status {
        status.as_str().clone_into(&mut row.status);
        changed.insert("status".to_owned(), status.as_str().into());
    }
    let (starts_at, ends_at) = new_times(&row, &patch)?;
    if (starts_at, ends_at) != (row.starts_at, row.ends_at) {
        if row.sold + held > 0 {
            return Err(Error::conflict(
                "slot_has_bookings",
                "The times of a slot with sold or held places cannot change.",
            ));
        }
        check_times(starts_at, ends_at, now)?;
        (row.starts_at, row.ends_at) = (starts_at, ends_at);
        changed.insert("starts_at".to_owned(), json!(starts_at));
        changed.insert("ends_at".to_owned(), json!(ends_at));
    }
    write(&*tx, scope, &row, held, now).await?;
    audit::record(&*tx, &souk.clock, scope, "slot.update", id.to_string(), changed.into()).await?;
    tx.commit().await?;
    view(row, held, now)
}

/// A listing's slots that start at `from` (now, where none is given) or later and before `to`, in order of time.
pub async fn list(
    souk: &Souk,
    scope: &Scope,
    audience: Audience,
    listing: ListingId,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    page: Page,
) -> Result<Listed<SlotView>> {
    use slots::Column as C;
    let db = souk.db.read(scope);
    listings::load(db, scope, audience, listing).await?;
    let now = souk.clock.now();
    let of_listing = slots::Entity::find()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::ListingId.eq(listing.uuid()));
    let mut query = of_listing.clone().filter(C::StartsAt.gte(from.unwrap_or(now)));
    if let Some(to) = to {
        query = query.filter(C::StartsAt.lt(to));
    }
    if let Some(after) = page.after {
        // No two slots of a listing start together, so the time is the cursor.
        let last = of_listing.filter(C::Id.eq(after)).one(db).await?;
        let last = last.ok_or_else(|| Error::invalid("/starting_after", "is no slot of this listing"))?;
        query = query.filter(C::StartsAt.gt(last.starts_at));
    }
    let rows = Listed::cut(query.order_by_asc(C::StartsAt).limit(page.limit + 1).all(db).await?, page);
    let held = held(db, scope, rows.data.iter().map(|row| row.id)).await?;
    let data = rows.data.into_iter().map(|row| {
        let of_slot = held.get(&row.id).copied().unwrap_or(0);
        view(row, of_slot, now)
    });
    Ok(Listed { data: data.collect::<Result<_>>()?, has_more: rows.has_more })
}

/// Places held by unpaid orders, by slot, in one query. A hold counts until it is released, not until its time is
/// over: only then is it sure that nobody can pay for it any more.
pub(crate) async fn held<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    slots: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i64>> {
    use sea_orm::ExprTrait as _;
    use slot_holds::Column as C;
    let slots: Vec<Uuid> = slots.into_iter().collect();
    // "In none of these" is a condition that the database would check on every row.
    if slots.is_empty() {
        return Ok(HashMap::new());
    }
    let sums: Vec<(Uuid, i64)> = slot_holds::Entity::find()
        .select_only()
        .column(C::SlotId)
        // PostgreSQL adds bigints up to a numeric.
        .expr_as(Expr::col(C::Quantity).sum().cast_as("bigint"), "held")
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::SlotId.is_in(slots))
        .group_by(C::SlotId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(sums.into_iter().collect())
}

async fn own_listing(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    listing: ListingId,
) -> Result<listing_rows::Model> {
    listings::load(souk.db.read(scope), scope, Audience::Seller(seller), listing).await
}

async fn insert(
    souk: &Souk,
    scope: &Scope,
    listing: &listing_rows::Model,
    occurrences: &[Occurrence],
    capacity: i64,
) -> Result<Vec<SlotView>> {
    let now = souk.clock.now();
    let rows: Vec<slots::Model> = occurrences
        .iter()
        .map(|occurrence| slots::Model {
            tenant_id: scope.tenant.uuid(),
            id: SlotId::new().uuid(),
            listing_id: listing.id,
            seller_id: listing.seller_id,
            starts_at: occurrence.starts_at,
            ends_at: occurrence.ends_at,
            timezone: listing.timezone.clone(),
            capacity,
            sold: 0,
            status: SlotStatus::Open.as_str().to_owned(),
            created_at: now,
            updated_at: now,
        })
        .collect();
    let tx = souk.db.begin(scope).await?;
    let owner = selling::lock(&*tx, scope, listing.seller_id.into()).await?;
    selling::require_welcome(stored("sellers.status", &owner.status)?)?;
    let inserted = slots::Entity::insert_many(rows.iter().cloned().map(all_set)).exec_without_returning(&*tx);
    inserted.await.map_err(|error| taken(error.into()))?;
    let detail = json!({ "count": rows.len(), "capacity": capacity, "first": occurrences.first().map(|o| o.starts_at) });
    let listing = ListingId::from(listing.id);
    audit::record(&*tx, &souk.clock, scope, "slots.create", listing.to_string(), detail).await?;
    tx.commit().await?;
    rows.into_iter().map(|row| view(row, 0, now)).collect()
}

fn all_set(row: slots::Model) -> slots::ActiveModel {
    slots::ActiveModel {
        tenant_id: Set(row.tenant_id),
        id: Set(row.id),
        listing_id: Set(row.listing_id),
        seller_id: Set(row.seller_id),
        starts_at: Set(row.starts_at),
        ends_at: Set(row.ends_at),
        timezone: Set(row.timezone),
        capacity: Set(row.capacity),
        sold: Set(row.sold),
        status: Set(row.status),
        created_at: Set(row.created_at),
        updated_at: Set(row.updated_at),
    }
}

/// Writes a changed slot, whose `sold` stays as it is; what is sold by now decides, not what was read.
async fn write<C: ConnectionTrait>(
    tx: &C,
    scope: &Scope,
    row: &slots::Model,
    held: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    use slots::Column as C;
    let written = slots::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(row.id))
        .filter(C::Sold.lte(row.capacity.saturating_sub(held)))
        .col_expr(C::Capacity, Expr::value(row.capacity))
        .col_expr(C::Status, Expr::value(row.status.as_str()))
        .col_expr(C::StartsAt, Expr::value(row.starts_at))
        .col_expr(C::EndsAt, Expr::value(row.ends_at))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .exec(tx)
        .await
        .map_err(|error| taken(error.into()))?;
    if written.rows_affected == 1 { Ok(()) } else { Err(below_sold(row.sold, held)) }
}

fn new_times(row: &slots::Model, patch: &SlotPatch) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
    let zone = stored::<Tz>("slots.timezone", &row.timezone)?;
    let read = |pointer: &str, text: &Option<String>, old| {
        text.as_deref().map_or(Ok(old), |text| time(pointer, text, zone))
    };
    Ok((read("/starts_at", &patch.starts_at, row.starts_at)?, read("/ends_at", &patch.ends_at, row.ends_at)?))
}

fn check_times(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    if ends_at <= starts_at {
        return Err(Error::invalid("/ends_at", "must be after starts_at"));
    }
    if ends_at - starts_at > Duration::minutes(MAX_DURATION_MINUTES) {
        return Err(Error::invalid("/ends_at", "must be within 31 days of starts_at"));
    }
    if starts_at <= now {
        return Err(in_the_past("/starts_at"));
    }
    if starts_at > now + Duration::days(MAX_DAYS_AHEAD) {
        return Err(Error::invalid("/starts_at", "must be within five years from now"));
    }
    Ok(())
}

fn in_the_past(pointer: &str) -> Error {
    Refusal::new(RefusalKind::Unprocessable, "slot_in_past", "A slot starts in the future.")
        .at(pointer)
        .into()
}

fn time(pointer: &str, text: &str, zone: Tz) -> Result<DateTime<Utc>> {
    recurrence::instant(text, zone).ok_or_else(|| {
        Error::invalid(pointer, "must be a time, RFC 3339, or without an offset for the listing's time zone")
    })
}

fn capacity(places: i64) -> Result<i64> {
    if (1..=MAX_CAPACITY).contains(&places) {
        Ok(places)
    } else {
        Err(Error::invalid("/capacity", format!("must be between 1 and {MAX_CAPACITY}")))
    }
}

fn below_sold(sold: i64, held: i64) -> Error {
    Refusal::new(
        RefusalKind::Conflict,
        "capacity_below_sold",
        format!("{sold} places are sold and {held} are held; the capacity cannot be less."),
    )
    .at("/capacity")
    .with("sold", sold)
    .with("held", held)
    .into()
}

fn taken(error: Error) -> Error {
    if error.is_unique_violation() {
        Error::conflict("slot_exists", "This listing has a slot that starts at the same time already.")
    } else {
        error
    }
}

fn view(row: slots::Model, held: i64, now: DateTime<Utc>) -> Result<SlotView> {
    let status: SlotStatus = stored("slots.status", &row.status)?;
    let on_offer = status == SlotStatus::Open && row.starts_at > now;
    let free = row.capacity.saturating_sub(row.sold).saturating_sub(held).max(0);
    Ok(SlotView {
        id: row.id.into(),
        listing_id: row.listing_id.into(),
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        timezone: row.timezone,
        capacity: row.capacity,
        sold: row.sold,
        available: if on_offer { free } else { 0 },
        status,
    })
}
