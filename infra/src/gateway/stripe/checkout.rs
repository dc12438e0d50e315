//! Checkout sessions: setting up, asking, ending; and capture of what was only authorised.

use std::collections::HashMap;

use chrono::Utc;
use souk_domain::gateway::{
    CheckoutLine, CheckoutRequest, CheckoutSession, ExpireOutcome, GatewayError, PaymentRef,
};
use souk_domain::payment::{CaptureMode, ChargeModel, EvidenceSource, PaymentState, UiMode};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionDiscounts, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData,
    CreateCheckoutSessionPaymentIntentDataCaptureMethod, CreateCheckoutSessionPaymentIntentDataTransferData,
    ExpireCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_core::payment_intent::{CancelPaymentIntent, CapturePaymentIntent};
use stripe_product::coupon::CreateCoupon;
use stripe_shared::{CheckoutSessionMode, CheckoutSessionUiMode, CouponDuration};
use stripe_types::Currency;

use super::transport::Transport;
use super::view::SessionView;

/// The account that a request acts as: the seller's for direct charges, else the platform.
fn acting_as(request: &CheckoutRequest) -> Option<&str> {
    (request.charge_model == ChargeModel::Direct).then_some(request.account.as_str())
}

pub(super) async fn create(
    transport: &Transport,
    request: &CheckoutRequest,
) -> Result<CheckoutSession, GatewayError> {
    let coupon = match &request.discount {
        Some((amount, code)) => Some(create_coupon(transport, request, *amount, code).await?),
        None => None,
    };
    let typed = session_request(request, coupon)?;
    let key = request.payment.to_string();
    let value = transport.json(typed.build(), acting_as(request), Some(&key)).await?;
    let mut view = SessionView::read(&value)?;
    // The answer may be the replay of one that was lost minutes ago: ask what has become of the session since.
    if view.expires_at <= Utc::now() {
        let retrieve = RetrieveCheckoutSession::new(view.id.as_str()).expand(expand());
        view = SessionView::read(&transport.json(retrieve.build(), acting_as(request), None).await?)?;
    }
    let own_discount = request.discount.as_ref().map_or(0, |(amount, _)| *amount);
    let state = view.state(request.capture, own_discount, None, EvidenceSource::Resume);
    Ok(CheckoutSession {
        id: view.id,
        url: view.url,
        client_secret: view.client_secret,
        expires_at: view.expires_at,
        state,
    })
}

/// souk computes the discount and Stripe's page only shows it: a coupon of exactly that amount, made for this one
/// session, where the charge will live.
async fn create_coupon(
    transport: &Transport,
    request: &CheckoutRequest,
    amount: i64,
    code: &str,
) -> Result<String, GatewayError> {
    let typed = CreateCoupon::new()
        .amount_off(amount)
        .currency(currency(request)?)
        .duration(CouponDuration::Once)
        .max_redemptions(1)
        .name(code);
    let key = format!("{}/coupon", request.payment);
    let value = transport.json(typed.build(), acting_as(request), Some(&key)).await?;
    value["id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| GatewayError::Unreadable("a coupon without id".to_owned()))
}

fn currency(request: &CheckoutRequest) -> Result<Currency, GatewayError> {
    let code = request.currency.code();
    code.parse().map_err(|_| GatewayError::Unreadable(format!("Stripe does not know the currency {code}")))
}

fn session_request(
    request: &CheckoutRequest,
    coupon: Option<String>,
) -> Result<CreateCheckoutSession, GatewayError> {
    let currency = currency(request)?;
    let metadata = HashMap::from([
        ("souk_payment".to_owned(), request.payment.to_string()),
        ("souk_order".to_owned(), request.order.to_string()),
    ]);
    let items: Vec<_> = request.lines.iter().map(|line| line_item(line, &currency)).collect();
    let mut typed = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(request.payment.to_string())
        .line_items(items)
        .expires_at(request.expires_at.timestamp())
        .metadata(metadata.clone());
    typed = match request.ui_mode {
        UiMode::Hosted => typed
            .ui_mode(CheckoutSessionUiMode::HostedPage)
            .success_url(&request.success_url)
            .cancel_url(&request.cancel_url),
        UiMode::Embedded => {
            typed.ui_mode(CheckoutSessionUiMode::EmbeddedPage).return_url(&request.success_url)
        }
        UiMode::Custom => typed.ui_mode(CheckoutSessionUiMode::Elements).return_url(&request.success_url),
    };
    if let Some(email) = &request.email {
        typed = typed.customer_email(email);
    }
    if let Some(coupon) = coupon {
        let mut discount = CreateCheckoutSessionDiscounts::new();
        discount.coupon = Some(coupon);
        typed = typed.discounts(vec![discount]);
    } else if request.promotion_codes_on_page {
        typed = typed.allow_promotion_codes(true);
    }
    // Where nothing is due there is no payment intent to say anything about.
    if request.total > 0 {
        typed = typed.payment_intent_data(intent_data(request, metadata));
    }
    Ok(typed)
}

fn line_item(line: &CheckoutLine, currency: &Currency) -> CreateCheckoutSessionLineItems {
    let mut product = ProductData::new(&line.title);
    product.description = Some(line.description.clone());
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency.clone());
    price.product_data = Some(product);
    price.unit_amount = Some(line.unit_price);
    let mut item = CreateCheckoutSessionLineItems::new();
    item.price_data = Some(price);
    item.quantity = u64::try_from(line.quantity).ok();
    item
}

fn intent_data(
    request: &CheckoutRequest,
    metadata: HashMap<String, String>,
) -> CreateCheckoutSessionPaymentIntentData {
    let mut data = CreateCheckoutSessionPaymentIntentData::new();
    // Session metadata is not copied to the payment intent, so it is given to both.
    data.metadata = Some(metadata);
    if request.application_fee > 0 {
        data.application_fee_amount = Some(request.application_fee);
    }
    if request.charge_model == ChargeModel::Destination {
        data.transfer_data = Some(CreateCheckoutSessionPaymentIntentDataTransferData::new(&request.account));
    }
    if request.capture == CaptureMode::OnConfirmation {
        data.capture_method = Some(CreateCheckoutSessionPaymentIntentDataCaptureMethod::Manual);
    }
    data
}

fn expand() -> Vec<String> {
    vec!["payment_intent.latest_charge".to_owned()]
}

async fn retrieve(transport: &Transport, payment: &PaymentRef) -> Result<SessionView, GatewayError> {
    let typed = RetrieveCheckoutSession::new(payment.session.as_str()).expand(expand());
    SessionView::read(&transport.json(typed.build(), payment.place.account(), None).await?)
}

fn state(view: &SessionView, payment: &PaymentRef, source: EvidenceSource) -> PaymentState {
    view.state(payment.capture, payment.own_discount, None, source)
}

pub(super) async fn fetch(transport: &Transport, payment: &PaymentRef) -> Result<PaymentState, GatewayError> {
    Ok(state(&retrieve(transport, payment).await?, payment, EvidenceSource::Verify))
}

pub(super) async fn expire(
    transport: &Transport,
    payment: &PaymentRef,
) -> Result<ExpireOutcome, GatewayError> {
    let typed = ExpireCheckoutSession::new(payment.session.as_str());
    let key = format!("{}/expire", payment.payment);
    match transport.json(typed.build(), payment.place.account(), Some(&key)).await {
        Ok(_) => return Ok(ExpireOutcome::Ended),
        // Only an open session can be expired: it is complete, or ended already. The session itself says which.
        Err(GatewayError::Refused { .. }) => {}
        Err(error) => return Err(error),
    }
    match state(&retrieve(transport, payment).await?, payment, EvidenceSource::Release) {
        PaymentState::Ended => Ok(ExpireOutcome::Ended),
        PaymentState::Open => {
            Err(GatewayError::Unavailable("the session could neither be ended nor is it complete".to_owned()))
        }
        state => Ok(ExpireOutcome::AlreadyComplete(state)),
    }
}

pub(super) async fn capture(
    transport: &Transport,
    payment: &PaymentRef,
    key: &str,
) -> Result<PaymentState, GatewayError> {
    let intent = payment
        .provider_payment
        .as_deref()
        .ok_or_else(|| GatewayError::NotFound("the payment intent".to_owned()))?;
    let captured =
        transport.json(CapturePaymentIntent::new(intent).build(), payment.place.account(), Some(key)).await;
    match captured {
        // A refusal may only mean that it was captured already; the session says what is true.
        Ok(_) | Err(GatewayError::Refused { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(state(&retrieve(transport, payment).await?, payment, EvidenceSource::Capture))
}

pub(super) async fn cancel_authorisation(
    transport: &Transport,
    payment: &PaymentRef,
    key: &str,
) -> Result<(), GatewayError> {
    let intent = payment
        .provider_payment
        .as_deref()
        .ok_or_else(|| GatewayError::NotFound("the payment intent".to_owned()))?;
    let account = payment.place.account();
    let refused = match transport.json(CancelPaymentIntent::new(intent).build(), account, Some(key)).await {
        Ok(_) => return Ok(()),
        Err(refused @ GatewayError::Refused { .. }) => refused,
        Err(error) => return Err(error),
    };
    let now = transport
        .json(RequestBuilder::new(StripeMethod::Get, format!("/payment_intents/{intent}")), account, None)
        .await?;
    if now["status"] == "canceled" { Ok(()) } else { Err(refused) }
}
