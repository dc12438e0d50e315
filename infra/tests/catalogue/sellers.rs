//! Sellers' status follows what the provider last said, whatever order we hear it in.

use souk_domain::payment::ChargeModel;
use souk_domain::people::{Actor, Scope};
use souk_domain::seller::SellerStatus;
use souk_infra::entity::memberships;
use souk_infra::page::Page;
use souk_infra::sellers::{self, NewSeller, accounts, moderation, onboarding};

use crate::{Market, code};
use sea_orm::EntityTrait;

#[tokio::test]
async fn whoever_applies_becomes_the_owner() {
    let market = Market::open().await;
    let own = market.seller(Some(ChargeModel::Direct)).await;
    assert_eq!((own.charge_model, own.status), (ChargeModel::Direct, SellerStatus::Pending));
    assert_eq!(own.connected_account, None);
    assert_eq!(market.seller(None).await.charge_model, ChargeModel::Destination);
    let rows = memberships::Entity::find().all(market.souk.db.unscoped()).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.role == "seller_owner" && row.seller_id.is_some()));

    let nobody = Scope { actor: Actor::Anonymous, ..market.scope };
    for (display_name, country, expected) in [("", "DE", "invalid_field"), ("A", "D1", "invalid_field")] {
        let new = NewSeller {
            display_name: display_name.to_owned(),
            country: country.to_owned(),
            charge_model: None,
        };
        assert_eq!(code(sellers::create(&market.souk, &market.scope, new.clone()).await), expected);
        assert_eq!(code(sellers::create(&market.souk, &nobody, new).await), "forbidden");
    }
}

// Failure 34.
#[tokio::test]
async fn an_old_account_update_revokes_nothing_that_a_newer_one_granted() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.seller(None).await.id;
    let account = market.connect(seller).await;
    let status = async || sellers::get(souk, scope, seller).await.unwrap().status;

    assert!(accounts::apply_account(souk, scope, &market.snapshot(&account, true, 10)).await.unwrap());
    assert_eq!(status().await, SellerStatus::Active);
    let old = market.snapshot(&account, false, 5);
    assert!(!accounts::apply_account(souk, scope, &old).await.unwrap());
    assert_eq!(status().await, SellerStatus::Active);
    let view = sellers::get(souk, scope, seller).await.unwrap().connected_account.unwrap();
    assert!(view.charges_enabled && view.details_submitted);

    assert!(accounts::apply_account(souk, scope, &market.snapshot(&account, false, 20)).await.unwrap());
    assert_eq!(status().await, SellerStatus::Restricted);
}

#[tokio::test]
async fn the_newest_of_many_snapshots_wins_however_they_race() {
    let market = Market::open().await;
    let seller = market.seller(None).await.id;
    let account = market.connect(seller).await;
    let (souk, scope) = (&market.souk, &market.scope);
    let snapshots: Vec<_> =
        [7, 2, 9, 4, 1, 8].iter().map(|n| market.snapshot(&account, *n != 9, *n)).collect();
    let all = snapshots.iter().map(|snapshot| accounts::apply_account(souk, scope, snapshot));
    for result in futures_util::future::join_all(all).await {
        result.unwrap();
    }
    // The one at nine seconds took charges away, and it is the newest.
    let seller = sellers::get(souk, scope, seller).await.unwrap();
    assert_eq!(seller.status, SellerStatus::Restricted);
    assert!(!seller.connected_account.unwrap().charges_enabled);
}

#[tokio::test]
async fn a_charge_model_decides_what_an_account_needs() {
    let market = Market::open().await;
    for (model, expected) in [
        (ChargeModel::Direct, SellerStatus::Active),
        (ChargeModel::Destination, SellerStatus::Restricted),
        (ChargeModel::Separate, SellerStatus::Restricted),
    ] {
        let seller = market.seller(Some(model)).await.id;
        let account = market.connect(seller).await;
        let mut snapshot = market.snapshot(&account, true, 1);
        snapshot.transfers_active = false;
        accounts::apply_account(&market.souk, &market.scope, &snapshot).await.unwrap();
        assert_eq!(sellers::get(&market.souk, &market.scope, seller).await.unwrap().status, expected);
    }
}

#[tokio::test]
async fn an_admins_stop_outlasts_the_provider_and_a_cut_connection_outlasts_both() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let seller = market.active_seller().await;
    let account = sellers::get(souk, scope, seller).await.unwrap().connected_account.unwrap().id;
    assert_eq!(code(moderation::reinstate(souk, scope, seller).await), "seller_not_suspended");
    for _ in 0..2 {
        assert_eq!(moderation::suspend(souk, scope, seller).await.unwrap().status, SellerStatus::Suspended);
    }
    accounts::apply_account(souk, scope, &market.snapshot(&account, true, 5)).await.unwrap();
    assert_eq!(sellers::get(souk, scope, seller).await.unwrap().status, SellerStatus::Suspended);
    let link = onboarding::onboarding_link(souk, scope, seller, onboarding::ReturnTo::default()).await;
    assert_eq!(code(link), "seller_suspended");
    assert_eq!(moderation::reinstate(souk, scope, seller).await.unwrap().status, SellerStatus::Active);

    accounts::deauthorized(souk, scope, &account).await.unwrap();
    accounts::apply_account(souk, scope, &market.snapshot(&account, true, 9)).await.unwrap();
    assert_eq!(sellers::get(souk, scope, seller).await.unwrap().status, SellerStatus::Deauthorized);
    assert_eq!(code(moderation::suspend(souk, scope, seller).await), "seller_deauthorized");
    let link = onboarding::onboarding_link(souk, scope, seller, onboarding::ReturnTo::default()).await;
    assert_eq!(code(link), "seller_deauthorized");

    let trail =
        souk_infra::audit::list(souk, scope, Some(&seller.to_string()), Page::default()).await.unwrap();
    let actions: Vec<_> = trail.data.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["seller.create", "seller.account_read", "seller.suspend", "seller.reinstate", "seller.deauthorized"]
    );
}

// Failure 36.
#[tokio::test]
async fn another_tenants_seller_and_account_do_not_exist() {
    let market = Market::open().await;
    let seller = market.active_seller().await;
    let (souk, other) = (&market.souk, market.neighbour().await);
    let account = sellers::get(souk, &market.scope, seller).await.unwrap().connected_account.unwrap().id;
    assert_eq!(code(sellers::get(souk, &other, seller).await), "not_found");
    assert_eq!(code(moderation::suspend(souk, &other, seller).await), "not_found");
    assert_eq!(code(onboarding::dashboard_link(souk, &other, seller).await), "not_found");
    assert_eq!(accounts::seller_of_account(souk, &other, &account).await.unwrap(), None);
    assert_eq!(accounts::seller_of_account(souk, &market.scope, &account).await.unwrap(), Some(seller));
    let told = accounts::apply_account(souk, &other, &market.snapshot(&account, false, 60)).await;
    assert_eq!(code(told), "not_found");
    accounts::deauthorized(souk, &other, &account).await.unwrap();
    assert_eq!(sellers::get(souk, &market.scope, seller).await.unwrap().status, SellerStatus::Active);
    assert!(sellers::list(souk, &other, None, Page::default()).await.unwrap().data.is_empty());
}

#[tokio::test]
async fn lists_page_and_filter() {
    let market = Market::open().await;
    let (souk, scope) = (&market.souk, &market.scope);
    let active = market.active_seller().await;
    let mut ids = vec![active];
    for _ in 0..3 {
        ids.push(market.seller(None).await.id);
    }
    ids.reverse();
    let mut seen = Vec::new();
    let mut page = Page { limit: 2, after: None };
    loop {
        let part = sellers::list(souk, scope, None, page).await.unwrap();
        seen.extend(part.data.iter().map(|seller| seller.id));
        if !part.has_more {
            break;
        }
        page.after = seen.last().map(|id| id.uuid());
    }
    assert_eq!(seen, ids);
    let selling = sellers::list(souk, scope, Some(SellerStatus::Active), Page::default()).await.unwrap();
    assert_eq!(selling.data.iter().map(|seller| seller.id).collect::<Vec<_>>(), [active]);
    assert!(selling.data[0].connected_account.is_some());
    assert_eq!(code(onboarding::dashboard_link(souk, scope, ids[0]).await), "not_connected");
    assert_eq!(code(onboarding::account_session(souk, scope, ids[0]).await), "not_connected");
}
