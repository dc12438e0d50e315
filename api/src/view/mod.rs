//! What the API shows: never a database row, always a type of its own with its OpenAPI description.

mod money;
mod orders;
mod work;

use serde::Serialize;
use souk_infra::page::Listed;
use utoipa::ToSchema;

pub use money::{AmountInput, MoneyInput, MoneyView};
pub use orders::{CheckoutStartedView, OrderView, PaymentOfOrderView, RefundView};
pub use work::{JobView, WebhookEventView};

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListView<T> {
    /// The part.
    pub data: Vec<T>,
    /// Whether there is more after it: ask again with `starting_after` set to the last id.
    pub has_more: bool,
}

impl<T, U: From<T>> From<Listed<T>> for ListView<U> {
    fn from(listed: Listed<T>) -> Self {
        Self { data: listed.data.into_iter().map(U::from).collect(), has_more: listed.has_more }
    }
}
