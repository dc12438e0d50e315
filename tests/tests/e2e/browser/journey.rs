//! From nobody to a paid order, by clicking.

use serde_json::json;

use super::chromium::{Browser, NARROW, WIDE};
use crate::support::World;

#[tokio::test]
async fn a_newcomer_sells_a_place_to_a_guest() {
    let Some(seller) = Browser::start(WIDE).await else { return };
    let Some(guest) = Browser::start(WIDE).await else { return };
    let world = World::start().await;
    let base = world.info().base_url.clone();

    become_a_seller(&seller, &world, &base).await;
    offer_one_place(&seller).await;

    guest.open(&base).await;
    guest.sees("1 place left").await;
    guest.follow("Moonlight painting").await;
    guest.fill("email", "guest@example.com").await;
    guest.press("Continue to payment").await;
    guest.sees("Pay $35.00").await;
    let hosted = guest.address().await;
    assert!(hosted.starts_with(&world.info().sandbox_url), "{hosted}");
    guest.fill("card", "4242424242424242").await;
    guest.click_pay().await;
    guest.sees("Your booking is paid").await;
    guest.sees("guest@example.com").await;
    let order = guest.address().await;
    assert!(order.starts_with(&format!("{base}/orders/ord_")), "{order}");

    // Neither a reload nor the way back and forth changes what is true.
    guest.reload().await;
    guest.sees("Your booking is paid").await;
    guest.back().await;
    guest.open(&order).await;
    guest.sees("Your booking is paid").await;

    guest.open(&base).await;
    guest.sees("Moonlight painting").await;
    guest.follow("Moonlight painting").await;
    guest.sees("These times are sold out").await;

    seller.follow("Orders").await;
    seller.sees("1 × Moonlight painting").await;

    guest.open(&format!("{base}/admin/orders")).await;
    let admin = &world.info().tenants[0].admin;
    guest.fill("email", &admin.email).await;
    guest.fill("password", &admin.password).await;
    guest.press("Log in").await;
    guest.sees("1 × Moonlight painting").await;
    let row = guest.text().await;
    let row = row.lines().find(|line| line.contains("Moonlight painting")).unwrap();
    assert!(row.contains("35.00 USD") && row.contains("3.50 USD"), "{row}");

    seller.close().await;
    guest.close().await;
    world.finish().await;
}

async fn become_a_seller(seller: &Browser, world: &World, base: &str) {
    seller.open(base).await;
    seller.follow("Sell").await;
    seller.follow("Register").await;
    seller.fill("name", "Nora New").await;
    seller.fill("email", "nora@example.com").await;
    seller.fill("password", "a long enough password").await;
    seller.press("Register").await;
    seller.sees("Become a seller").await;
    seller.fill("display_name", "Nora's Evenings").await;
    seller.press("Become a seller").await;
    seller.sees("You are not connected to the payment provider yet").await;

    // Leaving half-way changes nothing, whatever the address says that one comes back to.
    seller.press("Connect with the payment provider").await;
    seller.sees("Set up payments").await;
    let hosted = seller.address().await;
    assert!(hosted.starts_with(&world.info().sandbox_url), "{hosted}");
    seller.press("Leave without finishing").await;
    seller.sees("which has not cleared you yet").await;
    seller.sees("Still missing").await;

    seller.press("Continue with the payment provider").await;
    seller.press("Agree and submit").await;
    seller.sees("You can sell").await;
}

async fn offer_one_place(seller: &Browser) {
    seller.follow("Listings").await;
    seller.fill("title", "Moonlight painting").await;
    seller.fill("description", "Canvas, paint and tea are there.").await;
    seller.fill("price", "35.00").await;
    seller.fill("timezone", "Europe/Berlin").await;
    seller.press("Make the listing").await;
    seller.sees("No times to come").await;
    let day = (chrono::Utc::now() + chrono::Duration::days(3)).format("%Y-%m-%d").to_string();
    seller.set("date", &day).await;
    seller.set("time", "19:30").await;
    seller.fill("capacity", "1").await;
    seller.press("Add").await;
    seller.sees("The new times are on sale").await;
    seller.sees("19:30–21:30 CE").await;
}

#[tokio::test]
async fn a_declined_card_then_one_that_works_on_a_telephone() {
    let Some(buyer) = Browser::start(NARROW).await else { return };
    let world = World::start().await;
    let slot = world.slot("direct", 2, 2_500).await;
    let page = format!("{}/listings/{}", world.info().base_url, slot["listing_id"].as_str().unwrap());

    buyer.open(&world.info().base_url).await;
    buyer.fits().await;
    buyer.open(&page).await;
    buyer.fits().await;
    buyer.fill("email", "phone@example.com").await;
    buyer.fill("quantity", "3").await;
    buyer.press("Continue to payment").await;
    buyer.sees("Only 2 places are left").await;
    buyer.fill("quantity", "2").await;
    buyer.press("Continue to payment").await;

    buyer.press("Declined").await;
    buyer.sees("declined").await;
    let held = world.public_slot(&slot).await;
    assert_eq!((&held["sold"], &held["available"]), (&json!(0), &json!(0)), "the places stay held");

    // Giving up on the provider's page leads to the order, which can still be paid.
    buyer.follow("Cancel and go back").await;
    buyer.sees("Not paid yet").await;
    buyer.fits().await;
    buyer.follow("Pay 50.00 USD now").await;
    buyer.press("Succeeds").await;
    buyer.sees("Your booking is paid").await;
    buyer.fits().await;
    assert_eq!(world.public_slot(&slot).await["sold"], json!(2));

    buyer.close().await;
    world.finish().await;
}
