//! Stripe Connect as a payment gateway: async-stripe's typed requests over our own transport.

mod accounts;
mod checkout;
mod refunds;
mod transport;
mod view;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::gateway::{
    AccountRequest, Answer, Capabilities, CheckoutRequest, CheckoutSession, ExpireOutcome, GatewayError,
    Link, ListedEvent, PaymentGateway, PaymentRef, Place, RefundRequest, RefundState,
};
use souk_domain::payment::{CaptureMode, ChargeModel, PaymentState, Provider, UiMode};
use souk_domain::seller::AccountSnapshot;
use stripe_client_core::StripeRequest;
use stripe_core::event::ListEvent;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use self::transport::Transport;
pub use self::view::SessionView;
use crate::tenants::GatewayKeys;

/// Stripe with one tenant's keys.
pub struct StripeGateway {
    transport: Transport,
    livemode: bool,
}

impl StripeGateway {
    /// A gateway with these keys; nothing is asked yet.
    pub fn new(keys: &GatewayKeys) -> Result<Self, GatewayError> {
        Ok(Self { transport: Transport::new(&keys.api_base, &keys.secret_key)?, livemode: keys.livemode })
    }
}

/// The most events that one look for missed ones takes in; the next look goes on from there.
const MOST_EVENTS: usize = 2_000;

impl PaymentGateway for StripeGateway {
    fn provider(&self) -> Provider {
        Provider::Stripe
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            charge_models: &[ChargeModel::Direct, ChargeModel::Destination],
            ui_modes: UiMode::ALL,
            capture_modes: CaptureMode::ALL,
            promotion_codes_on_page: true,
            account_sessions: true,
            // docs.stripe.com/api/checkout/sessions/create, `expires_at`: 30 minutes to 24 hours from creation.
            shortest_checkout: Duration::from_mins(30),
            longest_checkout: Duration::from_hours(24),
        }
    }

    fn livemode(&self) -> bool {
        self.livemode
    }

    fn create_account<'a>(&'a self, request: &'a AccountRequest) -> Answer<'a, AccountSnapshot> {
        Box::pin(accounts::create(&self.transport, request))
    }

    fn fetch_account<'a>(&'a self, account: &'a str) -> Answer<'a, AccountSnapshot> {
        Box::pin(accounts::fetch(&self.transport, account))
    }

    fn create_onboarding_link<'a>(
        &'a self,
        account: &'a str,
        return_url: &'a str,
        refresh_url: &'a str,
    ) -> Answer<'a, Link> {
        Box::pin(accounts::onboarding_link(&self.transport, account, return_url, refresh_url))
    }

    fn create_dashboard_link<'a>(&'a self, account: &'a str) -> Answer<'a, Link> {
        Box::pin(accounts::dashboard_link(&self.transport, account))
    }

    fn create_account_session<'a>(&'a self, account: &'a str) -> Answer<'a, String> {
        Box::pin(accounts::session(&self.transport, account))
    }

    fn create_checkout<'a>(&'a self, request: &'a CheckoutRequest) -> Answer<'a, CheckoutSession> {
        Box::pin(checkout::create(&self.transport, request))
    }

    fn fetch_payment<'a>(&'a self, payment: &'a PaymentRef) -> Answer<'a, PaymentState> {
        Box::pin(checkout::fetch(&self.transport, payment))
    }

    fn expire_checkout<'a>(&'a self, payment: &'a PaymentRef) -> Answer<'a, ExpireOutcome> {
        Box::pin(checkout::expire(&self.transport, payment))
    }

    fn capture<'a>(&'a self, payment: &'a PaymentRef, key: &'a str) -> Answer<'a, PaymentState> {
        Box::pin(checkout::capture(&self.transport, payment, key))
    }

    fn cancel_authorisation<'a>(&'a self, payment: &'a PaymentRef, key: &'a str) -> Answer<'a, ()> {
        Box::pin(checkout::cancel_authorisation(&self.transport, payment, key))
    }

    fn refund<'a>(&'a self, request: &'a RefundRequest) -> Answer<'a, RefundState> {
        Box::pin(refunds::create(&self.transport, request))
    }

    fn fetch_refund<'a>(&'a self, place: &'a Place, refund: &'a str) -> Answer<'a, RefundState> {
        Box::pin(refunds::fetch(&self.transport, place, refund))
    }

    fn list_events<'a>(&'a self, place: &'a Place, since: DateTime<Utc>) -> Answer<'a, Vec<ListedEvent>> {
        Box::pin(list_events(&self.transport, place, since))
    }
}

/// Stripe lists the newest first and pages backwards; souk wants the oldest first.
async fn list_events(
    transport: &Transport,
    place: &Place,
    since: DateTime<Utc>,
) -> Result<Vec<ListedEvent>, GatewayError> {
    let mut events: Vec<ListedEvent> = Vec::new();
    let bounds = RangeBoundsTs { gte: Some(since.timestamp()), ..RangeBoundsTs::default() };
    let mut request = ListEvent::new().created(RangeQueryTs::Bounds(bounds)).limit(100);
    loop {
        let page = transport.json(request.build(), place.account(), None).await?;
        let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        events.extend(rows.iter().filter_map(listed));
        let last = rows.last().and_then(|row| row["id"].as_str());
        match last {
            Some(last) if page["has_more"] == Value::Bool(true) && events.len() < MOST_EVENTS => {
                request = request.starting_after(last);
            }
            _ => break,
        }
    }
    events.reverse();
    Ok(events)
}

fn listed(row: &Value) -> Option<ListedEvent> {
    let created = DateTime::from_timestamp(row["created"].as_i64()?, 0)?;
    Some(ListedEvent { id: row["id"].as_str()?.to_owned(), created, body: row.to_string() })
}
