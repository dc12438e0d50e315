//! What one account owns: tables of JSON objects in the order of their creation. Knows nothing of money.

use std::collections::HashMap;

use serde_json::Value;

use crate::object::Fields;

/// The families of objects. Ids are unique within a family of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Account,
    ApplicationFee,
    BalanceTransaction,
    Charge,
    Coupon,
    Customer,
    Dispute,
    Event,
    FeeRefund,
    PaymentIntent,
    PaymentMethod,
    Payout,
    Price,
    Product,
    PromotionCode,
    Refund,
    Session,
    Transfer,
    TransferReversal,
    WebhookEndpoint,
}

impl Kind {
    /// What error messages call it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::ApplicationFee => "application fee",
            Self::BalanceTransaction => "balance transaction",
            Self::Charge => "charge",
            Self::Coupon => "coupon",
            Self::Customer => "customer",
            Self::Dispute => "dispute",
            Self::Event => "event",
            Self::FeeRefund => "fee refund",
            Self::PaymentIntent => "payment_intent",
            Self::PaymentMethod => "PaymentMethod",
            Self::Payout => "payout",
            Self::Price => "price",
            Self::Product => "product",
            Self::PromotionCode => "promotion code",
            Self::Refund => "refund",
            Self::Session => "checkout.session",
            Self::Transfer => "transfer",
            Self::TransferReversal => "transfer reversal",
            Self::WebhookEndpoint => "webhook endpoint",
        }
    }

    /// The family that an id's prefix belongs to; ids that callers choose (coupons) have none.
    pub(crate) fn of_id(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('_')?;
        Some(match prefix {
            "acct" => Self::Account,
            "fee" => Self::ApplicationFee,
            "txn" => Self::BalanceTransaction,
            "ch" | "py" => Self::Charge,
            "cus" => Self::Customer,
            "dp" => Self::Dispute,
            "evt" => Self::Event,
            "fr" => Self::FeeRefund,
            "pi" => Self::PaymentIntent,
            "pm" => Self::PaymentMethod,
            "po" => Self::Payout,
            "price" => Self::Price,
            "prod" => Self::Product,
            "promo" => Self::PromotionCode,
            "re" | "pyr" => Self::Refund,
            "cs" => Self::Session,
            "tr" => Self::Transfer,
            "trr" => Self::TransferReversal,
            "we" => Self::WebhookEndpoint,
            _ => return None,
        })
    }
}

#[derive(Debug, Default)]
struct Table {
    rows: HashMap<String, Value>,
    order: Vec<String>,
}

/// One account's objects.
#[derive(Debug, Default)]
pub(crate) struct Vault {
    tables: HashMap<Kind, Table>,
}

impl Vault {
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.tables.get(&kind)?.rows.get(id)
    }

    pub(crate) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Value> {
        self.tables.get_mut(&kind)?.rows.get_mut(id)
    }

    /// Adds an object under its own `id`; one with the same id is replaced in place.
    pub(crate) fn insert(&mut self, kind: Kind, object: Value) {
        let table = self.tables.entry(kind).or_default();
        let id = object.text("id").to_owned();
        if table.rows.insert(id.clone(), object).is_none() {
            table.order.push(id);
        }
    }

    pub(crate) fn remove(&mut self, kind: Kind, id: &str) -> Option<Value> {
        let table = self.tables.get_mut(&kind)?;
        table.order.retain(|other| other != id);
        table.rows.remove(id)
    }

    /// Newest first.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        let table = self.tables.get(&kind);
        table.into_iter().flat_map(|table| table.order.iter().rev().filter_map(|id| table.rows.get(id)))
    }
}
