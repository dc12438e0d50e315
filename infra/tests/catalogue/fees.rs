//! Fee schedules hold from when they are set, and never for what came before.

use chrono::Duration;
use souk_domain::fee::FeeSchedule;
use souk_domain::money::{Currency, Money};
use souk_infra::fees::{self, NewFeeSchedule};

use crate::{Market, code, usd};

fn rate(fee_bps: i64) -> NewFeeSchedule {
    NewFeeSchedule { fee_bps, ..NewFeeSchedule::default() }
}

#[tokio::test]
async fn the_sellers_own_goes_before_the_default_and_the_newest_before_older_ones() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let (own, plain) = (market.seller(None).await.id, market.seller(None).await.id);
    let db = souk.db.read(scope);
    let at = async |seller, at| fees::in_effect(db, scope, seller, Currency::USD, at).await.unwrap();
    let before = souk.clock.now() - Duration::seconds(1);
    assert_eq!(at(Some(own), souk.clock.now()).await, FeeSchedule::NONE);
    assert_eq!(fees::get_default(souk, scope).await.unwrap().effective_from, None);

    fees::set_default(souk, scope, rate(1_000)).await.unwrap();
    let between = souk.clock.now();
    souk.clock.advance(5);
    fees::set_default(souk, scope, rate(1_500)).await.unwrap();
    fees::set_for_seller(souk, scope, own, rate(200)).await.unwrap();
    fees::set_for_seller(souk, scope, own, rate(300)).await.unwrap();
    let now = souk.clock.now();
    assert_eq!(at(Some(plain), now).await.fee_bps, 1_500);
    assert_eq!(at(Some(own), now).await.fee_bps, 300);
    assert_eq!(at(None, now).await.fee_bps, 1_500);
    assert_eq!(at(Some(own), between).await.fee_bps, 1_000, "set later, so not yet in effect");
    assert_eq!(at(Some(own), before).await, FeeSchedule::NONE);
    assert_eq!(fees::get_default(souk, scope).await.unwrap().fee_bps, 1_500);
    assert_eq!(fees::get_for_seller(souk, scope, own).await.unwrap().seller_id, Some(own));

    let other = market.neighbour().await;
    assert_eq!(fees::in_effect(db, &other, None, Currency::USD, now).await.unwrap(), FeeSchedule::NONE);
    assert_eq!(code(fees::set_for_seller(souk, &other, own, rate(1)).await), "not_found");
}

#[tokio::test]
async fn amounts_of_one_currency_are_never_taken_for_another() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let full = NewFeeSchedule { fee_bps: 250, fixed: Some(usd(30)), min: Some(usd(50)), max: Some(usd(900)) };
    let view = fees::set_default(souk, scope, full).await.unwrap();
    assert_eq!((view.fixed, view.max), (usd(30), Some(usd(900))));
    let now = souk.clock.now();
    let of = async |currency| fees::in_effect(souk.db.read(scope), scope, None, currency, now).await.unwrap();
    assert_eq!(
        of(Currency::USD).await,
        FeeSchedule { fee_bps: 250, fixed: 30, min: Some(50), max: Some(900) }
    );
    assert_eq!(of(Currency::EUR).await, FeeSchedule { fee_bps: 250, ..FeeSchedule::NONE });

    let euro = Some(Money::new(30, Currency::EUR));
    for wrong in [
        NewFeeSchedule { fixed: euro, ..rate(1) },
        NewFeeSchedule { fixed: Some(usd(-1)), ..rate(1) },
        NewFeeSchedule { min: Some(usd(2)), max: Some(usd(1)), ..rate(1) },
        rate(10_001),
        rate(-1),
    ] {
        assert_eq!(code(fees::set_default(souk, scope, wrong).await), "invalid_field");
    }
}
