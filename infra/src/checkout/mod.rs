//! Checkout: from a basket to a provider's page.
//!
//! Two short transactions around one call to the provider. The first claims the seats and writes down everything
//! that is about to be asked; the second notes the answer. A crash in between is healed by the `resume_checkout`
//! job, which asks again with the same key.

mod claim;
mod price;
mod release;
mod session;

use sea_orm::ConnectionTrait;
use serde_json::Value;
use souk_domain::gateway::{CheckoutRequest, CheckoutSession};
use souk_domain::ids::{OrderId, SlotId, UserId};
use souk_domain::payment::UiMode;
use souk_domain::people::{Actor, Scope};

pub(crate) use self::claim::read_request;
pub(crate) use self::release::close;
pub use souk_domain::checkout::MAX_QUANTITY;

pub use self::release::{End, end, release_due};
pub use self::session::resume;
use crate::error::{Error, Result};
use crate::orders::{self, OrderShown};
use crate::people::order_token;
use crate::souk::Souk;
use crate::tenants::Tenant;

/// What a buyer wants.
#[derive(Debug, Clone)]
pub struct Basket {
    /// Slots and how many places of each.
    pub items: Vec<(SlotId, i64)>,
    /// Where the confirmation goes; a logged-in buyer's own address otherwise.
    pub email: Option<String>,
    /// One of the tenant's codes.
    pub promo_code: Option<String>,
    /// How the buyer meets the provider.
    pub ui_mode: UiMode,
    /// Where the buyer returns to; souk's own order page otherwise.
    pub success_url: Option<String>,
    /// Where the buyer goes when giving up; souk's own order page otherwise.
    pub cancel_url: Option<String>,
}

/// The caller's idempotency key and what it stands for.
#[derive(Debug, Clone)]
pub struct Key {
    /// The header's value.
    pub key: String,
    /// A digest of the request.
    pub request_hash: String,
}

/// The answer to a checkout.
#[derive(Debug, Clone)]
pub struct CheckoutStarted {
    /// The order.
    pub order: OrderShown,
    /// Lets a guest see the order.
    pub order_token: String,
    /// Where and how to pay.
    pub checkout: CheckoutShown,
}

/// Where and how to pay.
#[derive(Debug, Clone)]
pub struct CheckoutShown {
    /// The provider.
    pub provider: &'static str,
    /// The provider's id.
    pub session_id: String,
    /// Where to send the buyer (hosted).
    pub url: Option<String>,
    /// What the buyer's browser needs (embedded, custom).
    pub client_secret: Option<String>,
    /// When the seats are let go.
    pub expires_at: chrono::DateTime<chrono::Utc>,
}

/// What a checkout answers: now, or what it answered the first time.
#[derive(Debug)]
pub enum Outcome {
    /// Freshly started, and as rendered.
    Started(Box<CheckoutStarted>, Value),
    /// The first answer again: status and body.
    Replayed(u16, Value),
}

/// The status of a fresh answer.
pub const CREATED: u16 = 201;
const OPERATION: &str = "checkout";

/// Starts a checkout, or answers as it did the first time.
///
/// `render` makes the body that is kept for repetitions, so that they get exactly what the first caller got.
pub async fn start(
    souk: &Souk,
    scope: &Scope,
    tenant: &Tenant,
    basket: &Basket,
    key: &Key,
    render: fn(&CheckoutStarted) -> Result<Value>,
) -> Result<Outcome> {
    let (attempt, request) = match claim::claim(souk, scope, tenant, basket, key).await? {
        claim::Claimed::New(attempt, request) => (attempt, request),
        claim::Claimed::Earlier(attempt, order) => (attempt, claim::request_of(souk, scope, order).await?),
        claim::Claimed::Replay(status, body) => return Ok(Outcome::Replayed(status, body)),
    };
    let caller = session::Caller { attempt: &attempt, render };
    match session::open(souk, scope, &request, Some(&caller)).await {
        Ok(Some((started, body))) => Ok(Outcome::Started(Box::new(started), body)),
        Ok(None) => Err(Error::Internal("a caller was there and was told nothing".to_owned())),
        Err(error) => {
            // A refusal has undone the order, so the key is free; anything else is tried again by the job, and by
            // the caller with the same key.
            let db = souk.db.read(scope);
            if error.is_transient() {
                attempt.pause(db, souk.clock.now()).await?;
            } else {
                attempt.abandon(db).await?;
            }
            Err(error)
        }
    }
}

async fn show<C: ConnectionTrait>(
    souk: &Souk,
    db: &C,
    scope: &Scope,
    request: &CheckoutRequest,
    session: &CheckoutSession,
) -> Result<CheckoutStarted> {
    let order = orders::show_on(db, scope, request.order).await?;
    let checkout = CheckoutShown {
        provider: "stripe",
        session_id: session.id.clone(),
        url: session.url.clone(),
        client_secret: session.client_secret.clone(),
        expires_at: order.hold_expires_at,
    };
    let order_token = order_token::issue(&souk.settings.jwt_secret, scope.tenant, request.order);
    Ok(CheckoutStarted { order, order_token, checkout })
}

/// The logged-in buyer, if there is one.
fn buyer(scope: &Scope) -> Option<UserId> {
    match scope.actor {
        Actor::User(user) => Some(user),
        Actor::Anonymous | Actor::ApiKey(_) | Actor::System => None,
    }
}

/// Where souk's own page of an order is.
pub(crate) fn order_page(tenant: &Tenant, order: OrderId, token: &str) -> String {
    format!("{}/orders/{order}?token={token}", tenant.public_url)
}
