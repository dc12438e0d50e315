//! Each endpoint that the sandbox has, called at least once.

use reqwest::Method;
use serde_json::{Value, json};

use super::provider::Provider;
use crate::support::World;

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// Products, prices, coupons, codes, customers, sessions, webhook endpoints.
pub async fn catalogue(provider: &mut Provider<'_>) {
    let product = provider.post(None, "/v1/products", &[("name", "Seat"), ("metadata[k]", "v")]).await;
    let price = [("product", id(&product)), ("currency", "usd"), ("unit_amount", "2500")];
    let price = provider.post(None, "/v1/prices", &price).await;
    provider.post(None, &format!("/v1/products/{}", id(&product)), &[("description", "A seat")]).await;
    provider.post(None, &format!("/v1/prices/{}", id(&price)), &[("nickname", "full")]).await;
    let percent = provider.post(None, "/v1/coupons", &[("percent_off", "12.5"), ("duration", "once")]).await;
    let amount =
        [("amount_off", "300"), ("currency", "usd"), ("duration", "forever"), ("max_redemptions", "5")];
    let amount = provider.post(None, "/v1/coupons", &amount).await;
    provider.post(None, &format!("/v1/coupons/{}", id(&amount)), &[("name", "Three off")]).await;
    let code = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", id(&percent)),
        ("code", "CONTRACT"),
        ("restrictions[minimum_amount]", "100"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    let code = provider.post(None, "/v1/promotion_codes", &code).await;
    provider.post(None, &format!("/v1/promotion_codes/{}", id(&code)), &[("metadata[k]", "v")]).await;
    let customer = provider.post(None, "/v1/customers", &[("email", "a@example.com"), ("name", "Ann")]).await;
    provider.post(None, &format!("/v1/customers/{}", id(&customer)), &[("phone", "+1 555")]).await;
    let session = [
        ("mode", "payment"),
        ("ui_mode", "hosted_page"),
        ("success_url", "https://shop.example/ok"),
        ("line_items[0][price]", id(&price)),
        ("line_items[0][quantity]", "2"),
        ("discounts[0][promotion_code]", id(&code)),
        ("customer", id(&customer)),
        ("expand[]", "line_items"),
    ];
    let session = provider.post(None, "/v1/checkout/sessions", &session).await;
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    provider.post(None, &path, &[("metadata[k]", "v")]).await;
    provider.get(None, &format!("{path}/line_items")).await;
    provider.post(None, &format!("{path}/expire"), &[]).await;
    let endpoint = [("url", "https://shop.example/hook"), ("enabled_events[0]", "charge.succeeded")];
    let endpoint = provider.post(None, "/v1/webhook_endpoints", &endpoint).await;
    let path = format!("/v1/webhook_endpoints/{}", id(&endpoint));
    provider.post(None, &path, &[("disabled", "true")]).await;
    provider.get(None, &path).await;
    provider.delete(None, &path).await;
    provider.delete(None, &format!("/v1/coupons/{}", id(&amount))).await;
    provider.delete(None, &format!("/v1/customers/{}", id(&customer))).await;
    let spare = provider.post(None, "/v1/products", &[("name", "Spare")]).await;
    provider.delete(None, &format!("/v1/products/{}", id(&spare))).await;
}

/// A payment by card, at once.
const PAYMENT: [(&str, &str); 6] = [
    ("amount", "5000"),
    ("currency", "usd"),
    ("payment_method", "pm_card_visa"),
    ("confirm", "true"),
    ("automatic_payment_methods[enabled]", "true"),
    ("automatic_payment_methods[allow_redirects]", "never"),
];

/// Intents, charges, refunds, fees, transfers, disputes, payouts.
pub async fn payments(provider: &mut Provider<'_>, world: &World, destination: &str) {
    let intent = PAYMENT;
    let mut to_seller = intent.to_vec();
    to_seller.extend([("transfer_data[destination]", destination), ("application_fee_amount", "500")]);
    let charged = provider.post(None, "/v1/payment_intents", &to_seller).await;
    let charge = charged["latest_charge"].as_str().unwrap().to_owned();
    provider.post(None, &format!("/v1/charges/{charge}"), &[("description", "A seat")]).await;
    let fee = provider.get(None, &format!("/v1/application_fees?charge={charge}")).await;
    let fee = fee["data"][0]["id"].as_str().unwrap().to_owned();
    let returned =
        provider.post(None, &format!("/v1/application_fees/{fee}/refunds"), &[("amount", "50")]).await;
    provider.get(None, &format!("/v1/application_fees/{fee}/refunds/{}", id(&returned))).await;
    let refund = [
        ("payment_intent", id(&charged)),
        ("amount", "1000"),
        ("reason", "requested_by_customer"),
        ("reverse_transfer", "true"),
        ("refund_application_fee", "true"),
    ];
    let refund = provider.post(None, "/v1/refunds", &refund).await;
    provider.post(None, &format!("/v1/refunds/{}", id(&refund)), &[("metadata[k]", "v")]).await;

    let plain = provider.post(None, "/v1/payment_intents", &intent).await;
    let source = plain["latest_charge"].as_str().unwrap();
    let transfer = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("destination", destination),
        ("source_transaction", source),
        ("transfer_group", "order"),
    ];
    let transfer = provider.post(None, "/v1/transfers", &transfer).await;
    let path = format!("/v1/transfers/{}", id(&transfer));
    provider.post(None, &path, &[("description", "Share")]).await;
    let reversal = provider.post(None, &format!("{path}/reversals"), &[("amount", "300")]).await;
    provider.get(None, &format!("{path}/reversals/{}", id(&reversal))).await;

    let mut later = intent.to_vec();
    later.push(("capture_method", "manual"));
    let held = provider.post(None, "/v1/payment_intents", &later).await;
    let path = format!("/v1/payment_intents/{}", id(&held));
    provider.post(None, &format!("{path}/capture"), &[("amount_to_capture", "4000")]).await;
    let held = provider.post(None, "/v1/payment_intents", &later).await;
    let path = format!("/v1/payment_intents/{}", id(&held));
    provider.post(None, &format!("{path}/cancel"), &[("cancellation_reason", "abandoned")]).await;
    let open = provider.post(None, "/v1/payment_intents", &[("amount", "700"), ("currency", "usd")]).await;
    let path = format!("/v1/payment_intents/{}", id(&open));
    provider.post(None, &path, &[("description", "Later")]).await;
    provider.post(None, &format!("{path}/confirm"), &[("payment_method", "pm_card_mastercard")]).await;

    disputes_and_payouts(provider, world, destination).await;
}

async fn disputes_and_payouts(provider: &mut Provider<'_>, world: &World, destination: &str) {
    for (disputed, ending) in [("won", true), ("lost", false)] {
        let intent = provider.post(None, "/v1/payment_intents", &PAYMENT).await;
        let charge = intent["latest_charge"].as_str().unwrap();
        let opened = world
            .sandbox()
            .post(&format!("/_sandbox/charges/{charge}/dispute"), json!({"reason": "fraudulent"}))
            .await
            .expect(200);
        let path = format!("/v1/disputes/{}", id(&opened));
        provider
            .post(None, &path, &[("evidence[uncategorized_text]", "was there"), ("submit", "false")])
            .await;
        if ending {
            let resolve = format!("/_sandbox/disputes/{}/resolve", id(&opened));
            world.sandbox().post(&resolve, json!({"outcome": disputed})).await.expect(200);
        } else {
            provider.post(None, &format!("{path}/close"), &[]).await;
        }
    }

    let ahead = json!({"seconds": 4 * 24 * 3_600});
    world.sandbox().post("/_sandbox/clock/advance", ahead).await.expect(200);
    let payout =
        provider.post(Some(destination), "/v1/payouts", &[("amount", "500"), ("currency", "usd")]).await;
    let path = format!("/v1/payouts/{}", id(&payout));
    provider.post(Some(destination), &path, &[("metadata[k]", "v")]).await;
    provider.post(Some(destination), &format!("{path}/cancel"), &[]).await;
    provider.get(None, "/v1/payment_methods?limit=3").await;
}

/// Accounts from their opening to their end.
pub async fn accounts(provider: &mut Provider<'_>) {
    for (kind, form) in [
        ("express", vec![("type", "express")]),
        (
            "controller",
            vec![
                ("controller[fees][payer]", "application"),
                ("controller[losses][payments]", "application"),
                ("controller[stripe_dashboard][type]", "express"),
                ("controller[requirement_collection]", "stripe"),
            ],
        ),
    ] {
        let mut form = form;
        form.extend([
            ("country", "US"),
            ("email", "s@example.com"),
            ("capabilities[card_payments][requested]", "true"),
            ("capabilities[transfers][requested]", "true"),
        ]);
        let account = provider.post(None, "/v1/accounts", &form).await;
        let account = id(&account).to_owned();
        let path = format!("/v1/accounts/{account}");
        provider.post(None, &path, &[("metadata[kind]", kind)]).await;
        let link = [
            ("account", account.as_str()),
            ("type", "account_onboarding"),
            ("return_url", "https://shop.example/done"),
            ("refresh_url", "https://shop.example/again"),
        ];
        provider.post(None, "/v1/account_links", &link).await;
        let session = [("account", account.as_str()), ("components[account_onboarding][enabled]", "true")];
        provider.post(None, "/v1/account_sessions", &session).await;
        provider.get(None, &format!("{path}/capabilities/transfers")).await;
        provider.post(None, &format!("{path}/capabilities/transfers"), &[("requested", "true")]).await;
        provider.get(None, &format!("{path}/external_accounts")).await;
        provider.post(None, &format!("{path}/reject"), &[("reason", "fraud_other")]).await;
        provider.delete(None, &path).await;
    }
}

/// What is refused is refused as described.
pub async fn refusals(provider: &mut Provider<'_>, account: &str) {
    provider.call(Method::GET, None, "/v1/charges/ch_none", &[], 404).await;
    provider.call(Method::POST, None, "/v1/refunds", &[("surprise", "1")], 400).await;
    provider
        .call(Method::POST, None, "/v1/payment_intents", &[("amount", "ten"), ("currency", "usd")], 400)
        .await;
    provider.call(Method::POST, None, "/v1/payment_intents", &[("currency", "usd")], 400).await;
    let declined = [
        ("amount", "5000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa_chargeDeclined"),
        ("confirm", "true"),
    ];
    let error = provider.call(Method::POST, Some(account), "/v1/payment_intents", &declined, 402).await;
    assert_eq!(error["error"]["decline_code"], "generic_decline");
}
