//! The pages without a browser: what they refuse, and what they must never do.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Api, Reply, World};

fn html(reply: &Reply) -> &str {
    assert!(reply.headers["content-type"].to_str().unwrap().starts_with("text/html"), "{:?}", reply.headers);
    reply.body.as_str().unwrap()
}

fn leads_to(reply: &Reply) -> &str {
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
    reply.headers[LOCATION].to_str().unwrap()
}

/// The value of a hidden field.
fn field<'a>(html: &'a str, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    html.split_once(&start).unwrap_or_else(|| panic!("no {name}")).1.split('"').next().unwrap()
}

/// Logs in with the page's form, and hands out the cookies as a browser would send them back.
async fn cookies(anyone: &Api, email: &str, password: &str) -> String {
    let reply = anyone.post_form("/login", &[("email", email), ("password", password)]).await;
    assert_eq!(leads_to(&reply), "/account");
    let set = reply.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let pairs: Vec<&str> = set
        .map(|text| {
            assert!(text.contains("HttpOnly") && text.contains("SameSite=Lax"), "{text}");
            text.split(';').next().unwrap()
        })
        .collect();
    assert_eq!(pairs.len(), 2);
    pairs.join("; ")
}

#[tokio::test]
async fn a_form_that_another_site_sent_is_refused() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let buyer = &world.info().tenants[0].buyer;
    let cookies = cookies(&anyone, &buyer.email, &buyer.password).await;
    let form = [("display_name", "Mallory's"), ("country", "US")];
    let apply = || anyone.request(Method::POST, "/seller").header(COOKIE, &cookies).form(&form);

    let foreign = anyone.send(apply().header(ORIGIN, "https://evil.example")).await;
    let silent = anyone.send(apply()).await;
    let marked = anyone.send(apply().header("sec-fetch-site", "cross-site")).await;
    for refused in [&foreign, &silent, &marked] {
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(html(refused).contains("not sent from this site"));
    }
    let mine = || anyone.request(Method::GET, "/seller").header(COOKIE, &cookies);
    assert!(!html(&anyone.send(mine()).await).contains("Mallory"));

    let own = anyone.send(apply().header(ORIGIN, &world.info().base_url)).await;
    assert!(leads_to(&own).starts_with("/seller/sel_"));
    world.finish().await;
}

#[tokio::test]
async fn a_login_leads_to_this_site_only() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let buyer = &world.info().tenants[0].buyer;
    let log_in = async |next: &str| {
        let form = [("email", &*buyer.email), ("password", &*buyer.password), ("next", next)];
        leads_to(&anyone.post_form("/login", &form).await).to_owned()
    };
    assert_eq!(log_in("/seller?x=1").await, "/seller?x=1");
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        assert_eq!(log_in(elsewhere).await, "/account", "{elsewhere}");
    }
    let page = anyone.get("/login?next=//evil.example").await;
    assert!(!html(&page).contains("evil.example"));

    let wrong = anyone.post_form("/login", &[("email", &buyer.email), ("password", "wrong password")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(html(&wrong).contains(&buyer.email) && !html(&wrong).contains("wrong password"));
    assert_eq!(leads_to(&anyone.get("/account").await), "/login?next=%2Faccount");
    world.finish().await;
}

#[tokio::test]
async fn what_a_seller_writes_is_text() {
    let world = World::start().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let listing = json!({"title": evil, "description": evil, "price": {"amount": 2_500, "currency": "usd"}});
    let slot = world.slot_with("direct", 2, listing).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let page = format!("/listings/{}", slot["listing_id"].as_str().unwrap());
    let order = World::order_path(&started, "").replacen("/v1", "", 1);
    for path in ["/", &page, &order] {
        let reply = world.anonymous().get(path).await;
        let html = html(&reply);
        assert!(html.contains("&#60;script&#62;alert(1)"), "{path} does not show it at all");
        assert!(!html.contains("<script>alert") && !html.contains("<img"), "{path}");
        let policy = reply.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_double_click_makes_one_order() {
    let world = World::start().await;
    let slot = world.slot("destination", 5, 2_500).await;
    let listing = slot["listing_id"].as_str().unwrap();
    let anyone = world.anonymous();
    let page = anyone.get(&format!("/listings/{listing}")).await;
    let key = field(html(&page), "key").to_owned();
    let form = |quantity: &'static str| {
        [
            ("listing", listing.to_owned()),
            ("slot", slot["id"].as_str().unwrap().to_owned()),
            ("quantity", quantity.to_owned()),
            ("email", "twice@example.com".to_owned()),
            ("promo_code", String::new()),
            ("key", key.clone()),
        ]
    };
    let click = || anyone.send(anyone.request(Method::POST, "/checkout").form(&form("2")));
    let (first, second) = tokio::join!(click(), click());
    let third = click().await;
    let address = leads_to(&first);
    assert!(address.starts_with(&world.info().sandbox_url), "{address}");
    assert_eq!((leads_to(&second), leads_to(&third)), (address, address));
    assert_eq!(world.public_slot(&slot).await["available"], json!(3));
    let orders = world.admin().await.get("/v1/admin/orders").await.expect(200);
    assert_eq!(orders["data"].as_array().unwrap().len(), 1);

    // Once the order is over, the same form leads to the order instead of a page that can't be paid any more.
    let id = orders["data"][0]["id"].as_str().unwrap();
    world.admin().await.post(&format!("/v1/orders/{id}/cancel"), json!({})).await.expect(200);
    assert!(leads_to(&click().await).starts_with(&format!("/orders/{id}?token=")));

    // A form that was changed is another purchase.
    let other = anyone.send(anyone.request(Method::POST, "/checkout").form(&form("1"))).await;
    assert_ne!(leads_to(&other), address);
    world.finish().await;
}

#[tokio::test]
async fn a_refused_checkout_keeps_what_was_typed() {
    let world = World::start().await;
    let slot = world.slot("direct", 2, 2_500).await;
    let listing = slot["listing_id"].as_str().unwrap();
    let buy = async |quantity: &str, code: &str, email: &str| {
        let form = [
            ("listing", listing),
            ("slot", slot["id"].as_str().unwrap()),
            ("quantity", quantity),
            ("email", email),
            ("promo_code", code),
            ("key", "0123456789abcdef0123456789abcdef"),
        ];
        world.anonymous().post_form("/checkout", &form).await
    };
    let cases = [
        ("1", "NOSUCH", "typed@example.com", 422, "There is no such code."),
        ("3", "", "typed@example.com", 409, "Only 2 places are left on this slot."),
        ("0", "", "typed@example.com", 400, "Quantity must be between 1 and 1000."),
        ("1", "", "typed@example", 400, "Email must be an e-mail address."),
    ];
    for (quantity, code, email, status, text) in cases {
        let reply = buy(quantity, code, email).await;
        assert_eq!(reply.status.as_u16(), status, "{text}");
        let html = html(&reply);
        assert!(html.contains(text), "{text}");
        assert!(html.contains("aria-invalid=\"true\""), "{text}");
        assert_eq!(
            (field(html, "quantity"), field(html, "email"), field(html, "promo_code")),
            (quantity, email, code)
        );
    }
    assert_eq!(world.public_slot(&slot).await["available"], json!(2));
    world.finish().await;
}

#[tokio::test]
async fn nobody_sees_the_order_of_another() {
    let world = World::start().await;
    let slot = world.slot("direct", 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let with_token = World::order_path(&started, "").replacen("/v1", "", 1);
    let without = with_token.split('?').next().unwrap().to_owned();

    let own = world.anonymous().get(&with_token).await;
    assert!(html(&own).contains("Not paid yet"));
    let buyer = &world.info().tenants[0].buyer;
    let cookies = cookies(&world.anonymous(), &buyer.email, &buyer.password).await;
    let somebody = world.anonymous().request(Method::GET, &without).header(COOKIE, &cookies);
    for reply in [
        world.anonymous().get(&without).await,
        world.anonymous().get(&format!("{with_token}x")).await,
        world.anonymous().send(somebody).await,
        world.anonymous_at_second().get(&with_token).await,
        world.anonymous().post_form(&without.replacen("ord_", "ord_x", 1), &[]).await,
    ] {
        assert!(matches!(reply.status.as_u16(), 404 | 405), "{}", reply.status);
        let html = html(&reply);
        assert!(!html.contains("guest@example.com") && !html.contains("25.00"));
    }
    let seller = &world.info().tenants[0].sellers[0];
    let others =
        world.anonymous().request(Method::GET, &format!("/seller/{}", seller.id)).header(COOKIE, &cookies);
    assert_eq!(world.anonymous().send(others).await.status, StatusCode::NOT_FOUND);
    let admin = world.anonymous().request(Method::GET, "/admin").header(COOKIE, &cookies);
    assert_eq!(world.anonymous().send(admin).await.status, StatusCode::FORBIDDEN);
    world.finish().await;
}

#[tokio::test]
async fn coming_back_from_the_provider_shows_the_truth() {
    let world = World::start().await;
    world.sandbox().post("/_sandbox/faults", json!({"webhooks": {"lose": 1.0}})).await.expect(200);
    let slot = world.slot("direct", 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 1).await.expect(201);
    let page = World::order_path(&started, "").replacen("/v1", "", 1);
    let back = format!("{page}&session_id={}", started["checkout"]["session_id"].as_str().unwrap());

    // An address proves nothing: nothing was paid.
    let claimed = world.anonymous().get(&back).await;
    assert!(html(&claimed).contains("Waiting for the payment"));
    assert!(html(&claimed).contains("http-equiv=\"refresh\"") && !html(&claimed).contains("is paid"));
    assert_eq!(world.public_slot(&slot).await["sold"], json!(0));

    world.pay(&started, json!({})).await.expect(200);
    for address in [&back, &back, &page] {
        let paid = world.anonymous().get(address).await;
        assert!(html(&paid).contains("Your booking is paid"));
        assert!(!html(&paid).contains("http-equiv=\"refresh\""));
    }
    assert_eq!(world.public_slot(&slot).await["sold"], json!(1));
    world.finish().await;
}

#[tokio::test]
async fn a_login_goes_on_when_its_access_token_is_over() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let buyer = &world.info().tenants[0].buyer;
    let cookies = cookies(&anyone, &buyer.email, &buyer.password).await;
    // Browsers forget the access token when its time is over.
    let refresh = cookies.split("; ").find(|pair| pair.starts_with("souk_refresh=")).unwrap();
    let account = || anyone.send(anyone.request(Method::GET, "/account").header(COOKIE, refresh));
    let (first, second) = tokio::join!(account(), account());
    for reply in [&first, &second] {
        assert!(html(reply).contains(&buyer.email));
        let set: Vec<&str> =
            reply.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert!(set.iter().any(|text| text.starts_with("souk_access=ey")), "{set:?}");
    }
    let fresh: Vec<&str> = first
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap().split(';').next().unwrap())
        .collect();
    let origin = &world.info().base_url;
    let out = anyone.request(Method::POST, "/logout").header(COOKIE, fresh.join("; ")).header(ORIGIN, origin);
    assert_eq!(leads_to(&anyone.send(out).await), "/");
    let after = anyone.request(Method::GET, "/account").header(COOKIE, fresh.join("; "));
    assert_eq!(leads_to(&anyone.send(after).await), "/login?next=%2Faccount");
    world.finish().await;
}

#[tokio::test]
async fn people_get_pages_and_programs_get_problems() {
    let world = World::start().await;
    let ask = async |path: &str, accept: &str| {
        let anyone = world.anonymous();
        anyone.send(anyone.request(Method::GET, path).header("accept", accept)).await
    };
    let lost = ask("/no/such/page", "text/html,*/*").await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
    assert!(html(&lost).contains("There is nothing here"));
    for path in ["/listings/lst_0192f0c1a2b37c4d8e5f60718293a4b5", "/listings/nonsense"] {
        let gone = ask(path, "*/*").await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        assert!(html(&gone).contains("There is nothing here"));
    }
    ask("/no/such/page", "*/*").await.refused(404, "route_not_found");
    ask("/v1/no/such/route", "text/html").await.refused(404, "route_not_found");
    ask("/v1/listings/nonsense", "text/html").await.refused(404, "not_found");
    let style = ask("/static/souk.css", "text/css").await;
    assert_eq!(style.headers["cache-control"], "public, max-age=86400");
    world.finish().await;
}

#[tokio::test]
async fn a_refund_form_that_is_sent_twice_refunds_once() {
    let world = World::start().await;
    let slot = world.slot("destination", 2, 2_500).await;
    let started = world.anonymous().checkout(&slot, 2).await.expect(201);
    world.pay(&started, json!({})).await.expect(200);
    world.order_becomes(&started, "paid").await;
    let admin = &world.info().tenants[0].admin;
    let anyone = world.anonymous();
    let cookies = cookies(&anyone, &admin.email, &admin.password).await;
    let page = format!("/orders/{}", started["order"]["id"].as_str().unwrap());
    let shown = anyone.send(anyone.request(Method::GET, &page).header(COOKIE, &cookies)).await;
    let key = field(html(&shown), "key").to_owned();
    assert_eq!(field(html(&shown), "amount"), "50.00");
    let refund = async |amount: &str, key: &str| {
        let form = [("key", key), ("amount", amount), ("release", "yes")];
        let request = anyone.request(Method::POST, &format!("{page}/refund"));
        let origin = &world.info().base_url;
        anyone.send(request.header(COOKIE, &cookies).header(ORIGIN, origin).form(&form)).await
    };
    let (first, second) = tokio::join!(refund("20", &key), refund("20", &key));
    assert_eq!(leads_to(&first), format!("{page}?done=refund"));
    assert_eq!(leads_to(&second), leads_to(&first));
    assert_eq!(world.order(&started).await["refunded"]["amount"], json!(2_000));

    let other = "fedcba9876543210fedcba9876543210";
    let too_much = refund("30.01", other).await;
    assert_eq!(too_much.status, StatusCode::CONFLICT);
    assert!(html(&too_much).contains("Only 30.00 USD are left to refund."));
    assert_eq!(field(html(&too_much), "amount"), "30.01");
    for nonsense in ["", "0", "-5", "1e2", "12.345"] {
        assert_eq!(refund(nonsense, other).await.status, StatusCode::BAD_REQUEST, "{nonsense}");
    }
    world.finish().await;
}
