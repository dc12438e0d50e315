//! Listings and slots: who sees them, and that no capacity goes below what is sold and held.

use chrono::{Duration, Timelike};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use souk_domain::ids::{ListingId, SlotId};
use souk_domain::money::Money;
use souk_infra::catalogue::Audience;
use souk_infra::catalogue::listings::{self, ListingPatch, ListingStatus, NewListing};
use souk_infra::catalogue::slots::{self, NewSeries, NewSlot, SlotPatch, SlotStatus};
use souk_infra::entity::slots as slot_rows;
use souk_infra::page::Page;
use souk_infra::sellers::moderation;

use crate::{Market, code, dinner};

async fn sell(market: &Market, slot: SlotId, places: i64) {
    slot_rows::Entity::update_many()
        .filter(slot_rows::Column::Id.eq(slot.uuid()))
        .col_expr(slot_rows::Column::Sold, Expr::value(places))
        .exec(market.souk.db.unscoped())
        .await
        .unwrap();
}

fn to(capacity: i64) -> SlotPatch {
    SlotPatch { capacity: Some(capacity), ..SlotPatch::default() }
}

#[tokio::test]
async fn buyers_see_only_active_listings_of_active_sellers() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.active_seller().await;
    let shown = market.listing(seller).await;
    let archived = market.listing(seller).await;
    let draft = market.listing(market.seller(None).await.id).await;
    let off = ListingPatch { status: Some(ListingStatus::Archived), ..ListingPatch::default() };
    listings::update(souk, scope, seller, archived.id, off).await.unwrap();

    let public = async || -> Vec<ListingId> {
        let all = listings::list(souk, scope, Audience::Public, None, Page::default()).await.unwrap();
        all.data.into_iter().map(|listing| listing.id).collect()
    };
    assert_eq!(public().await, [shown.id]);
    for hidden in [archived.id, draft.id] {
        assert_eq!(code(listings::get(souk, scope, Audience::Public, hidden).await), "not_found");
        let slots = slots::list(souk, scope, Audience::Public, hidden, None, None, Page::default()).await;
        assert_eq!(code(slots), "not_found");
    }
    let own = listings::list(souk, scope, Audience::Seller(seller), None, Page::default()).await.unwrap();
    assert_eq!(own.data.len(), 2);
    assert_eq!(code(listings::get(souk, scope, Audience::Seller(seller), draft.id).await), "not_found");

    moderation::suspend(souk, scope, seller).await.unwrap();
    assert!(public().await.is_empty());
    assert_eq!(code(listings::create(souk, scope, seller, dinner()).await), "seller_suspended");
    let slot = slots::create(souk, scope, seller, shown.id, market.new_slot(1, 1)).await;
    assert_eq!(code(slot), "seller_suspended");
}

#[tokio::test]
async fn another_sellers_listing_cannot_be_changed() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let listing = market.listing(market.active_seller().await).await;
    let slot = market.slot(&listing, 1, 5).await;
    let other = market.seller(None).await.id;
    let patch = ListingPatch { title: Some("Mine".to_owned()), ..ListingPatch::default() };
    assert_eq!(code(listings::update(souk, scope, other, listing.id, patch.clone()).await), "not_found");
    assert_eq!(code(slots::update(souk, scope, other, listing.id, slot.id, to(9)).await), "not_found");
    let neighbour = market.neighbour().await;
    let seller = listing.seller_id;
    assert_eq!(code(listings::update(souk, &neighbour, seller, listing.id, patch).await), "not_found");
    assert_eq!(code(slots::update(souk, &neighbour, seller, listing.id, slot.id, to(9)).await), "not_found");
}

#[tokio::test]
async fn listings_are_checked_and_changed_field_by_field() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.active_seller().await;
    let money = |minor, code: &str| Money::new(minor, code.parse().unwrap());
    for wrong in [
        NewListing { title: "x".repeat(201), ..dinner() },
        NewListing { title: " ".to_owned(), ..dinner() },
        NewListing { description: "x".repeat(5_001), ..dinner() },
        NewListing { price: money(-1, "usd"), ..dinner() },
        NewListing { price: money(100_000_000, "usd"), ..dinner() },
        NewListing { price: money(1_505, "kwd"), ..dinner() },
        NewListing { price: money(1_550, "isk"), ..dinner() },
        NewListing { timezone: Some("Mars/Olympus".to_owned()), ..dinner() },
    ] {
        assert_eq!(code(listings::create(souk, scope, seller, wrong).await), "invalid_field");
    }
    let listing = market.listing(seller).await;
    let price = ListingPatch { price: Some(money(900, "jpy")), ..ListingPatch::default() };
    let changed = listings::update(souk, scope, seller, listing.id, price).await.unwrap();
    assert_eq!(changed.price, money(900, "jpy"));
    assert_eq!((changed.title.as_str(), changed.timezone.as_str()), ("Dinner", "Europe/Berlin"));
    let same = listings::update(souk, scope, seller, listing.id, ListingPatch::default()).await.unwrap();
    assert_eq!(same, changed);
}

#[tokio::test]
async fn a_weekly_class_stays_at_its_local_hour_and_is_written_whole_or_not_at_all() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.active_seller().await;
    let listing = market.listing(seller).await;
    let first = market.in_days(2).date_naive();
    let series = |from: chrono::NaiveDate, capacity| NewSeries {
        rrule: "FREQ=WEEKLY".to_owned(),
        dtstart: format!("{from}T18:00"),
        duration_minutes: 90,
        until: (first + Duration::days(364)).to_string(),
        capacity,
    };
    let made = slots::create_series(souk, scope, seller, listing.id, series(first, 12)).await.unwrap();
    assert_eq!(made.len(), 53);
    let berlin = chrono_tz::Europe::Berlin;
    assert!(made.iter().all(|slot| slot.starts_at.with_timezone(&berlin).hour() == 18));
    let utc_hours: std::collections::BTreeSet<_> = made.iter().map(|slot| slot.starts_at.hour()).collect();
    assert_eq!(utc_hours.into_iter().collect::<Vec<_>>(), [16, 17], "a year has both winter and summer");
    assert!(made.iter().all(|slot| slot.available == 12 && slot.timezone == "Europe/Berlin"));

    let again = series(first + Duration::days(7), 12);
    assert_eq!(code(slots::create_series(souk, scope, seller, listing.id, again).await), "slot_exists");
    let count = slot_rows::Entity::find().all(souk.db.unscoped()).await.unwrap().len();
    assert_eq!(count, 53);
    let past = NewSeries { dtstart: "2020-01-01T10:00".to_owned(), ..series(first, 1) };
    assert_eq!(code(slots::create_series(souk, scope, seller, listing.id, past).await), "slot_in_past");
    let huge = NewSeries { rrule: "FREQ=SECONDLY".to_owned(), ..series(first, 1) };
    assert_eq!(code(slots::create_series(souk, scope, seller, listing.id, huge).await), "invalid_field");
}

#[tokio::test]
async fn single_slots_are_checked() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.active_seller().await;
    let listing = market.listing(seller).await;
    let ok = market.new_slot(1, 10);
    for (wrong, expected) in [
        (NewSlot { capacity: 0, ..ok.clone() }, "invalid_field"),
        (NewSlot { capacity: i64::MAX, ..ok.clone() }, "invalid_field"),
        (NewSlot { ends_at: ok.starts_at.clone(), ..ok.clone() }, "invalid_field"),
        (NewSlot { ends_at: market.in_days(40).to_rfc3339(), ..ok.clone() }, "invalid_field"),
        (NewSlot { starts_at: "soon".to_owned(), ..ok.clone() }, "invalid_field"),
        (NewSlot { starts_at: market.in_days(-1).to_rfc3339(), ..ok.clone() }, "slot_in_past"),
        (market.new_slot(4_000, 1), "invalid_field"),
    ] {
        assert_eq!(code(slots::create(souk, scope, seller, listing.id, wrong).await), expected);
    }
    slots::create(souk, scope, seller, listing.id, ok.clone()).await.unwrap();
    assert_eq!(code(slots::create(souk, scope, seller, listing.id, ok).await), "slot_exists");
}

#[tokio::test]
async fn capacity_never_goes_below_what_is_sold_and_held() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let listing = market.listing(market.active_seller().await).await;
    let seller = listing.seller_id;
    let slot = market.slot(&listing, 1, 10).await;
    market.hold(slot.id, 2).await;
    market.hold(slot.id, 1).await;
    sell(&market, slot.id, 4).await;
    assert_eq!(
        code(slots::update(souk, scope, seller, listing.id, slot.id, to(6)).await),
        "capacity_below_sold"
    );
    let exact = slots::update(souk, scope, seller, listing.id, slot.id, to(7)).await.unwrap();
    assert_eq!((exact.capacity, exact.sold, exact.available), (7, 4, 0));
    let later = SlotPatch { ends_at: Some(market.in_days(2).to_rfc3339()), ..SlotPatch::default() };
    assert_eq!(
        code(slots::update(souk, scope, seller, listing.id, slot.id, later).await),
        "slot_has_bookings"
    );
    let off = SlotPatch { status: Some(SlotStatus::Cancelled), ..to(20) };
    let off = slots::update(souk, scope, seller, listing.id, slot.id, off).await.unwrap();
    assert_eq!((off.capacity, off.available), (20, 0), "what is called off cannot be had");
}

#[tokio::test]
async fn racing_buyers_and_smaller_capacities_never_leave_more_taken_than_there_is() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let listing = market.listing(market.active_seller().await).await;
    let slot = market.slot(&listing, 1, 12).await;
    // In turn, so that every smaller capacity meets one buyer more.
    let turns = (1..12).map(async |n| {
        let held = market.hold_if_free(slot.id).await;
        let (seller, listing) = (listing.seller_id, listing.id);
        match slots::update(souk, scope, seller, listing, slot.id, to(12 - n)).await {
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), Some("capacity_below_sold")),
        }
        held
    });
    let held = futures_util::future::join_all(turns).await;
    let held = held.into_iter().filter(|held| *held).count();
    let row = slot_rows::Entity::find().one(souk.db.unscoped()).await.unwrap().unwrap();
    assert!((1..=row.capacity).contains(&i64::try_from(held).unwrap()), "{held} held of {row:?}");
    assert!(row.capacity < 12, "some of the changes fit");
}

#[tokio::test]
async fn times_of_an_empty_slot_may_change_and_a_past_slot_may_not() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let listing = market.listing(market.active_seller().await).await;
    let seller = listing.seller_id;
    let slot = market.slot(&listing, 1, 10).await;
    let other = market.slot(&listing, 2, 10).await;
    let moved = SlotPatch {
        starts_at: Some(market.in_days(3).to_rfc3339()),
        ends_at: Some((market.in_days(3) + Duration::hours(1)).to_rfc3339()),
        ..SlotPatch::default()
    };
    let moved = slots::update(souk, scope, seller, listing.id, slot.id, moved).await.unwrap();
    assert!(moved.starts_at > other.starts_at);
    let onto = SlotPatch {
        starts_at: Some(other.starts_at.to_rfc3339()),
        ends_at: Some(other.ends_at.to_rfc3339()),
        ..SlotPatch::default()
    };
    assert_eq!(code(slots::update(souk, scope, seller, listing.id, slot.id, onto).await), "slot_exists");
    let backwards = SlotPatch { ends_at: Some(other.starts_at.to_rfc3339()), ..SlotPatch::default() };
    assert_eq!(
        code(slots::update(souk, scope, seller, listing.id, slot.id, backwards).await),
        "invalid_field"
    );

    souk.clock.advance(10 * 86_400);
    assert_eq!(code(slots::update(souk, scope, seller, listing.id, slot.id, to(11)).await), "slot_in_past");
    let all = Some(souk.clock.now() - Duration::days(30));
    let seen =
        slots::list(souk, scope, Audience::Public, listing.id, all, None, Page::default()).await.unwrap();
    assert_eq!(
        seen.data.iter().map(|slot| (slot.capacity, slot.available)).collect::<Vec<_>>(),
        [(10, 0); 2]
    );
}

#[tokio::test]
async fn slots_are_listed_in_order_of_time_page_by_page() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let listing = market.listing(market.active_seller().await).await;
    let mut expected = Vec::new();
    for days in [5, 1, 4, 2, 3] {
        expected.push((days, market.slot(&listing, days, 10).await.id));
    }
    expected.sort_unstable();
    market.hold(expected[1].1, 3).await;
    market.hold(expected[1].1, 4).await;
    let list = async |from, to, page| {
        slots::list(souk, scope, Audience::Public, listing.id, from, to, page).await.unwrap()
    };
    let first = list(None, None, Page { limit: 3, after: None }).await;
    assert!(first.has_more);
    assert_eq!(first.data.iter().map(|slot| slot.available).collect::<Vec<_>>(), [10, 3, 10]);
    let rest = list(None, None, Page { limit: 3, after: Some(first.data[2].id.uuid()) }).await;
    assert!(!rest.has_more);
    let ids: Vec<_> = first.data.iter().chain(&rest.data).map(|slot| slot.id).collect();
    assert_eq!(ids, expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    let window = list(Some(first.data[1].starts_at), Some(first.data[2].starts_at), Page::default()).await;
    assert_eq!(window.data.len(), 1, "from is inclusive, to is not");
}
