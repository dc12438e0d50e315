//! Promotions are used as often as allowed, whoever is at it at once.

use chrono::Duration;
use souk_infra::page::Page;
use souk_infra::promotions::{self, NewPromotion};

use crate::{Market, code, usd};

fn ten_percent(code: &str, most: Option<i64>) -> NewPromotion {
    NewPromotion {
        code: code.to_owned(),
        percent_bps: Some(1_000),
        max_redemptions: most,
        ..NewPromotion::default()
    }
}

async fn redeem(market: &Market, code: &str) -> souk_infra::Result<promotions::Redeemed> {
    let tx = market.souk.db.begin(&market.scope).await?;
    let redeemed = promotions::redeem(&*tx, &market.scope, code, usd(2_500), market.souk.clock.now()).await?;
    tx.commit().await?;
    Ok(redeemed)
}

async fn in_use(market: &Market) -> i64 {
    promotions::list(&market.souk, &market.scope, Page::default()).await.unwrap().data[0].redeemed
}

#[tokio::test]
async fn twenty_at_once_use_a_code_three_times() {
    let market = Market::open().await;
    promotions::create(&market.souk, &market.scope, ten_percent("three", Some(3))).await.unwrap();
    let all = futures_util::future::join_all((0..20).map(|_| redeem(&market, " Three "))).await;
    let (used, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(used.len(), 3);
    for result in used {
        let redeemed = result.unwrap();
        assert_eq!((redeemed.code.as_str(), redeemed.discount), ("THREE", usd(250)));
        promotions::give_back(market.souk.db.read(&market.scope), &market.scope, redeemed.id).await.unwrap();
    }
    assert!(refused.into_iter().all(|result| code(result) == "promo_code_invalid"));
    assert_eq!(in_use(&market).await, 0);
    redeem(&market, "THREE").await.unwrap();
    assert_eq!(in_use(&market).await, 1);
}

#[tokio::test]
async fn what_is_rolled_back_was_not_used() {
    let market = Market::open().await;
    promotions::create(&market.souk, &market.scope, ten_percent("ONCE", Some(1))).await.unwrap();
    let tx = market.souk.db.begin(&market.scope).await.unwrap();
    promotions::redeem(&*tx, &market.scope, "once", usd(100), market.souk.clock.now()).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(in_use(&market).await, 0);
    redeem(&market, "once").await.unwrap();
}

#[tokio::test]
async fn codes_that_give_nothing_are_refused_with_the_field() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let now = souk.clock.now();
    let later = NewPromotion { starts_at: Some(now + Duration::hours(1)), ..ten_percent("LATER", None) };
    let large = NewPromotion { min_subtotal: Some(2_501), ..ten_percent("LARGE", None) };
    let off = promotions::create(souk, scope, ten_percent("OFF", None)).await.unwrap();
    promotions::set_active(souk, scope, off.id, false).await.unwrap();
    for new in [later, large] {
        promotions::create(souk, scope, new).await.unwrap();
    }
    for code in ["LATER", "LARGE", "OFF", "NONE", "", "'; DROP TABLE promotions"] {
        let souk_infra::Error::Refused(refusal) = redeem(&market, code).await.unwrap_err() else {
            panic!("{code} is no refusal")
        };
        assert_eq!((refusal.code, refusal.fields[0].pointer.as_str()), ("promo_code_invalid", "/promo_code"));
    }
    let other = market.neighbour().await;
    promotions::set_active(souk, scope, off.id, true).await.unwrap();
    let theirs = promotions::redeem(souk.db.read(&other), &other, "OFF", usd(100), now).await;
    assert_eq!(code(theirs), "promo_code_invalid");
}

#[tokio::test]
async fn promotions_are_checked() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let ok = ten_percent("OK-1", None);
    let now = souk.clock.now();
    for wrong in [
        NewPromotion { code: "A".to_owned(), ..ok.clone() },
        NewPromotion { code: "WITH SPACE".to_owned(), ..ok.clone() },
        NewPromotion { percent_bps: None, ..ok.clone() },
        NewPromotion { percent_bps: Some(10_001), ..ok.clone() },
        NewPromotion { amount_off: Some(usd(1)), ..ok.clone() },
        NewPromotion { amount_off: Some(usd(0)), percent_bps: None, ..ok.clone() },
        NewPromotion { max_redemptions: Some(0), ..ok.clone() },
        NewPromotion { starts_at: Some(now), ends_at: Some(now), ..ok.clone() },
    ] {
        assert_eq!(code(promotions::create(souk, scope, wrong).await), "invalid_field");
    }
    promotions::create(souk, scope, ok.clone()).await.unwrap();
    assert_eq!(code(promotions::create(souk, scope, ok).await), "promotion_exists");
}
