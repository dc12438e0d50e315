//! Orders, payments and refunds as the API shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::ids::OrderId;
use souk_infra::checkout::CheckoutStarted;
use souk_infra::orders::{LineShown, OrderShown, PaymentShown};
use souk_infra::refunds::RefundShown;
use utoipa::ToSchema;

use super::MoneyView;

/// One line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineView {
    /// `slt_…`
    pub slot_id: String,
    /// `lst_…`
    pub listing_id: String,
    /// `sel_…`
    pub seller_id: String,
    /// As it was called when it was ordered.
    pub title: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// The slot's IANA time zone.
    pub timezone: String,
    /// How many places.
    pub quantity: i64,
    /// Each.
    pub unit_price: MoneyView,
    /// All of them, before any discount.
    pub total: MoneyView,
}

impl From<LineShown> for OrderLineView {
    fn from(line: LineShown) -> Self {
        Self {
            slot_id: line.slot_id.to_string(),
            listing_id: line.listing_id.to_string(),
            seller_id: line.seller_id.to_string(),
            title: line.title,
            starts_at: line.starts_at,
            timezone: line.timezone,
            quantity: line.quantity,
            unit_price: line.unit_price.into(),
            total: line.total.into(),
        }
    }
}

/// One attempt to pay an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentView {
    /// `pay_…`
    pub id: String,
    /// `stripe`
    pub provider: String,
    /// The provider's id, once it is known.
    pub provider_payment_id: Option<String>,
    /// `created`, `open`, `processing`, `authorised`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// How much.
    pub amount: MoneyView,
}

impl From<PaymentShown> for PaymentView {
    fn from(payment: PaymentShown) -> Self {
        Self {
            id: payment.id.to_string(),
            provider: payment.provider,
            provider_payment_id: payment.provider_payment_id,
            status: payment.status,
            amount: payment.amount.into(),
        }
    }
}

/// A payment in a list, with its order.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentOfOrderView {
    /// The payment.
    #[serde(flatten)]
    pub payment: PaymentView,
    /// `ord_…`
    pub order_id: String,
}

impl From<(OrderId, PaymentShown)> for PaymentOfOrderView {
    fn from((order, payment): (OrderId, PaymentShown)) -> Self {
        Self { payment: payment.into(), order_id: order.to_string() }
    }
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// `ord_…`
    pub id: String,
    /// `pending`, `processing`, `paid`, `expired`, `cancelled`, `failed`, `unfulfillable` or `review`.
    pub status: String,
    /// Of all its amounts.
    pub currency: String,
    /// What is bought.
    pub lines: Vec<OrderLineView>,
    /// The lines' totals.
    pub subtotal: MoneyView,
    /// Taken off.
    pub discount: MoneyView,
    /// To be paid, or paid.
    pub total: MoneyView,
    /// The platform's part, frozen when the order was made.
    pub application_fee: MoneyView,
    /// Given back, or on its way back.
    pub refunded: MoneyView,
    /// `direct`, `destination` or `separate`.
    pub charge_model: String,
    /// Until when the places are held while the order is unpaid.
    pub hold_expires_at: DateTime<Utc>,
    /// When it was paid, by the provider's clock.
    pub paid_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Why an admin must look: `amount_mismatch` or `currency_mismatch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_reason: Option<String>,
    /// The attempts to pay it.
    pub payments: Vec<PaymentView>,
}

impl From<OrderShown> for OrderView {
    fn from(order: OrderShown) -> Self {
        Self {
            id: order.id.to_string(),
            status: order.status,
            currency: order.currency.code(),
            lines: order.lines.into_iter().map(Into::into).collect(),
            subtotal: order.subtotal.into(),
            discount: order.discount.into(),
            total: order.total.into(),
            application_fee: order.application_fee.into(),
            refunded: order.refunded.into(),
            charge_model: order.charge_model,
            hold_expires_at: order.hold_expires_at,
            paid_at: order.paid_at,
            created_at: order.created_at,
            review_reason: order.review_reason,
            payments: order.payments.into_iter().map(Into::into).collect(),
        }
    }
}

/// Where and how to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutView {
    /// `stripe`
    pub provider: String,
    /// The provider's id.
    pub session_id: String,
    /// Where to send the buyer (`hosted`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the buyer's browser needs (`embedded`, `custom`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// When the places are let go.
    pub expires_at: DateTime<Utc>,
}

/// A checkout that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutStartedView {
    /// The order, `pending`.
    pub order: OrderView,
    /// Lets a guest see the order: `?token=`.
    pub order_token: String,
    /// Where and how to pay.
    pub checkout: CheckoutView,
}

impl From<CheckoutStarted> for CheckoutStartedView {
    fn from(started: CheckoutStarted) -> Self {
        let checkout = started.checkout;
        Self {
            order: started.order.into(),
            order_token: started.order_token,
            checkout: CheckoutView {
                provider: checkout.provider.to_owned(),
                session_id: checkout.session_id,
                url: checkout.url,
                client_secret: checkout.client_secret,
                expires_at: checkout.expires_at,
            },
        }
    }
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    /// `ref_…`
    pub id: String,
    /// `ord_…`
    pub order_id: String,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// How much goes back to the buyer.
    pub amount: MoneyView,
    /// How much of it the platform gives back.
    pub application_fee_refunded: MoneyView,
    /// How much of it is taken back from the seller's account.
    pub transfer_reversed: MoneyView,
    /// Why the provider could not, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

impl From<RefundShown> for RefundView {
    fn from(refund: RefundShown) -> Self {
        Self {
            id: refund.id.to_string(),
            order_id: refund.order_id.to_string(),
            status: refund.status,
            amount: refund.amount.into(),
            application_fee_refunded: refund.application_fee_refunded.into(),
            transfer_reversed: refund.transfer_reversed.into(),
            failure: refund.failure,
            created_at: refund.created_at,
        }
    }
}
