//! The port to a payment service provider.
//!
//! There are no default methods: what a provider cannot do it declares in its [`Capabilities`], and souk refuses it
//! when something is set up, not when someone pays. Every call that changes something takes an idempotency key
//! that the caller has stored before the call; a reply that was lost is asked for again with the same key.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, PaymentId};
use crate::money::{Currency, Money};
use crate::payment::{CaptureMode, ChargeModel, PaymentState, Provider, UiMode};
use crate::refund::RefundStatus;
use crate::seller::AccountSnapshot;

/// What a gateway's methods return; boxed so that a tenant's gateway is chosen while the program runs.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, GatewayError>> + Send + 'a>>;

/// What a provider can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name says it all")]
pub struct Capabilities {
    pub charge_models: &'static [ChargeModel],
    pub ui_modes: &'static [UiMode],
    pub capture_modes: &'static [CaptureMode],
    pub promotion_codes_on_page: bool,
    pub account_sessions: bool,
    pub shortest_checkout: Duration,
    pub longest_checkout: Duration,
}

/// Where a charge lives: on the platform, or on a connected account (direct charges).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The platform's own account.
    Platform,
    /// A connected account, by the provider's id.
    Account(String),
}

impl Place {
    /// The connected account's id, if it is one.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Platform => None,
            Self::Account(id) => Some(id),
        }
    }
}

/// One line of what the buyer pays for, as the provider's page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutLine {
    /// What is bought.
    pub title: String,
    /// When, in words of the slot's own time zone.
    pub description: String,
    /// Each, in minor units of the order's currency.
    pub unit_price: i64,
    /// How many.
    pub quantity: i64,
}

/// Everything that a provider needs to take one payment. The idempotency key is the payment's id. It is stored before
/// the call, so that a call whose reply was lost can be made again, to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutRequest {
    /// Our payment; its text form is the idempotency key.
    pub payment: PaymentId,
    /// Our order.
    pub order: OrderId,
    /// Who charges.
    pub charge_model: ChargeModel,
    /// The seller's connected account.
    pub account: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// What is bought.
    pub lines: Vec<CheckoutLine>,
    /// Taken off by souk, in minor units, with the code to show for it.
    pub discount: Option<(i64, String)>,
    /// What is to be paid in the end, in minor units.
    pub total: i64,
    /// The platform's fee, in minor units; zero sends none.
    pub application_fee: i64,
    /// When the money is taken.
    pub capture: CaptureMode,
    /// How the buyer meets the provider.
    pub ui_mode: UiMode,
    /// Whether the buyer may enter the provider's own codes.
    pub promotion_codes_on_page: bool,
    /// The buyer's address, if known.
    pub email: Option<String>,
    /// Where the buyer returns to.
    pub success_url: String,
    /// Where the buyer goes when giving up.
    pub cancel_url: String,
    /// When the provider stops taking money.
    pub expires_at: DateTime<Utc>,
}

/// A provider's checkout, ready for the buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// The provider's id.
    pub id: String,
    /// Where to send the buyer (hosted).
    pub url: Option<String>,
    /// What the buyer's browser needs (embedded, custom).
    pub client_secret: Option<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Paid already when we asked again after a lost reply.
    pub state: PaymentState,
}

/// A payment of ours at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRef {
    /// Our payment.
    pub payment: PaymentId,
    /// Our order.
    pub order: OrderId,
    /// Where it lives.
    pub place: Place,
    /// The provider's session.
    pub session: String,
    /// The provider's payment, once known.
    pub provider_payment: Option<String>,
    /// When the money is taken.
    pub capture: CaptureMode,
    /// What souk itself took off, in minor units.
    pub own_discount: i64,
}

/// What ending a checkout found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpireOutcome {
    /// Nobody can pay any more.
    Ended,
    /// It is complete: confirm, do not release.
    AlreadyComplete(PaymentState),
}

/// A refund to make. Sending it twice with one key makes it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// The idempotency key.
    pub key: String,
    /// Where the charge lives.
    pub place: Place,
    /// The provider's payment.
    pub provider_payment: String,
    /// How much.
    pub amount: Money,
    /// Whether the application fee goes back in proportion. Must be false where there was none: Stripe refuses it.
    pub refund_application_fee: bool,
    /// Whether the transfer is reversed in proportion (destination charges).
    pub reverse_transfer: bool,
}

/// What the provider says of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundState {
    /// The provider's id.
    pub id: String,
    /// Where it stands.
    pub status: RefundStatus,
    /// The provider's reason for a failure.
    pub failure_reason: Option<String>,
}

/// A connected account to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRequest {
    /// The idempotency key.
    pub key: String,
    /// Two upper-case letters.
    pub country: String,
    /// The owner's address.
    pub email: String,
    /// The seller's name.
    pub display_name: String,
    /// Decides who pays the provider's fees and bears losses, for good.
    pub charge_model: ChargeModel,
    /// Our seller, kept in the provider's metadata.
    pub reference: String,
}

/// An address for a person to visit, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub url: String,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
}

/// One event as the provider lists it, exactly as a webhook would have carried it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvent {
    /// The provider's id.
    pub id: String,
    /// When it happened.
    pub created: DateTime<Utc>,
    /// The event as JSON text.
    pub body: String,
}

/// Why a gateway call brought no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The provider understood and said no; asking again will not help. `code` is the provider's.
    #[error("the provider refused: {message} ({code})")]
    Refused {
        /// The provider's code, or its error type.
        code: String,
        /// The provider's words, for the log and admins; may not be shown to buyers.
        message: String,
        /// The provider's id of the request.
        request_id: Option<String>,
    },
    /// No answer, or one that asks for patience, after every retry: it may or may not have happened.
    #[error("the provider could not be reached: {0}")]
    Unavailable(String),
    /// An answer that souk cannot read.
    #[error("the provider's answer could not be read: {0}")]
    Unreadable(String),
    /// The provider does not have the thing.
    #[error("the provider does not know {0}")]
    NotFound(String),
    /// The tenant has no keys for this provider, or they are refused.
    #[error("the tenant's keys for this provider are missing or refused")]
    NotConfigured,
}

impl GatewayError {
    /// Whether trying again later, with the same key, may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unreadable(_))
    }
}

/// A payment service provider with one tenant's keys.
pub trait PaymentGateway: Send + Sync {
    /// Which provider this is.
    fn provider(&self) -> Provider;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether the keys are live ones.
    fn livemode(&self) -> bool;

    /// Opens a connected account; one key opens one account.
    fn create_account<'a>(&'a self, request: &'a AccountRequest) -> Answer<'a, AccountSnapshot>;

    /// Reads a connected account.
    fn fetch_account<'a>(&'a self, account: &'a str) -> Answer<'a, AccountSnapshot>;

    /// An address where the seller's details are asked for; works once and for minutes.
    fn create_onboarding_link<'a>(
        &'a self,
        account: &'a str,
        return_url: &'a str,
        refresh_url: &'a str,
    ) -> Answer<'a, Link>;

    /// An address of the provider's dashboard for a seller.
    fn create_dashboard_link<'a>(&'a self, account: &'a str) -> Answer<'a, Link>;

    /// A secret for the provider's components embedded in our pages.
    fn create_account_session<'a>(&'a self, account: &'a str) -> Answer<'a, String>;

    /// Sets a payment up. The same request with the same payment id yields the same checkout.
    fn create_checkout<'a>(&'a self, request: &'a CheckoutRequest) -> Answer<'a, CheckoutSession>;

    /// Asks what became of a payment.
    fn fetch_payment<'a>(&'a self, payment: &'a PaymentRef) -> Answer<'a, PaymentState>;

    /// Ends a checkout so that nobody can pay any more.
    fn expire_checkout<'a>(&'a self, payment: &'a PaymentRef) -> Answer<'a, ExpireOutcome>;

    /// Takes authorised money. A payment that was captured already is a success.
    fn capture<'a>(&'a self, payment: &'a PaymentRef, key: &'a str) -> Answer<'a, PaymentState>;

    /// Gives authorised money up. One that was given up already is a success.
    fn cancel_authorisation<'a>(&'a self, payment: &'a PaymentRef, key: &'a str) -> Answer<'a, ()>;

    /// Gives money back.
    fn refund<'a>(&'a self, request: &'a RefundRequest) -> Answer<'a, RefundState>;

    /// Reads a refund.
    fn fetch_refund<'a>(&'a self, place: &'a Place, refund: &'a str) -> Answer<'a, RefundState>;

    /// The provider's events at `place` from `since` on, oldest first, at most a few thousand.
    fn list_events<'a>(&'a self, place: &'a Place, since: DateTime<Utc>) -> Answer<'a, Vec<ListedEvent>>;
}
