//! Payments: one attempt to pay an order with a provider, and the evidence that a provider gives of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, PaymentId};
use crate::money::Money;

text_enum! {
    /// A payment service provider.
    Provider {
        /// Stripe Connect.
        Stripe = "stripe",
        /// Square.
        Square = "square",
        /// PayPal.
        Paypal = "paypal",
    }
}

text_enum! {
    /// Whose charge it is and how the platform earns.
    ChargeModel {
        /// The charge lives on the connected account; the platform takes an application fee.
        Direct = "direct",
        /// The charge lives on the platform and is transferred, less the application fee.
        Destination = "destination",
        /// One charge on the platform, one transfer per seller after confirmation.
        Separate = "separate",
    }
}

text_enum! {
    /// Where one attempt to pay stands.
    PaymentStatus {
        /// Written down, not yet known to the provider.
        Created = "created",
        /// The provider waits for the buyer.
        Open = "open",
        /// The provider is at it; may take days.
        Processing = "processing",
        /// The money is reserved for us.
        Authorised = "authorised",
        /// The money has moved (or nothing was due).
        Succeeded = "succeeded",
        /// It failed for good.
        Failed = "failed",
        /// It ran out, or we ended it.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// When the money is taken.
    CaptureMode {
        /// At once.
        Automatic = "automatic",
        /// Authorise, claim the seat, then capture.
        OnConfirmation = "on_confirmation",
    }
}

text_enum! {
    /// How the buyer meets the provider. souk's own stable names.
    UiMode {
        /// A page of the provider's.
        Hosted = "hosted",
        /// The provider's form inside our page.
        Embedded = "embedded",
        /// Our form with the provider's elements.
        Custom = "custom",
    }
}

text_enum! {
    /// Who told us of a payment. All of them end in the same function.
    EvidenceSource {
        /// A provider's webhook.
        Webhook = "webhook",
        /// The buyer's browser made us ask.
        Verify = "verify",
        /// Our sweeper asked about an order that had waited too long.
        Sweeper = "sweeper",
        /// Our list of the provider's events since the last one seen.
        GapFill = "gap_fill",
        /// Our own call to capture.
        Capture = "capture",
        /// Releasing a hold found that it had been paid.
        Release = "release",
        /// Setting the payment up found that it had been paid.
        Resume = "resume",
    }
}

text_enum! {
    /// What kind of fact a piece of evidence is.
    EvidenceKind {
        /// Money has moved.
        Captured = "captured",
        /// Money is reserved and waits for our capture.
        Authorised = "authorised",
        /// A complete session on which nothing was due.
        Free = "free",
    }
}

/// A provider's statement about one payment of ours, read from a signed webhook or asked for by us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who says so.
    pub provider: Provider,
    /// Our payment.
    pub payment: PaymentId,
    /// Our order.
    pub order: OrderId,
    /// What makes it one and the same payment however often it is told: the payment intent, or the session of a
    /// payment on which nothing was due.
    pub receipt: String,
    /// The provider's session, where there is one.
    pub session: Option<String>,
    /// The provider's payment (Stripe: payment intent), where there is one.
    pub provider_payment: Option<String>,
    /// What kind of fact this is.
    pub kind: EvidenceKind,
    /// What was paid, after every discount.
    pub amount: Money,
    /// What the provider's own codes took off, in minor units of the same currency.
    pub provider_discount: i64,
    /// The provider's time of the fact; batches are decided in this order.
    pub occurred_at: DateTime<Utc>,
    /// Who told us.
    pub source: EvidenceSource,
}

/// What asking the provider about a payment yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// The buyer may still pay.
    Open,
    /// Under way; may take days.
    Processing,
    /// A fact to confirm.
    Evidence(Box<Evidence>),
    /// It will never be paid. The text is the provider's reason, for the log.
    Failed(String),
    /// It ran out or was ended.
    Ended,
}
