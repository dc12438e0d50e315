//! Typed identifiers: a UUIDv7 with a prefixed text form, so that an order id can never be taken for a slot id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an identifier of the form {prefix}_<32 hexadecimal digits>")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, InvalidId> {
    let invalid = InvalidId { prefix };
    let digits = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')).ok_or(invalid.clone())?;
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return Err(invalid);
    }
    Uuid::try_parse(digits).map_err(|_| invalid)
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier; later ones sort after earlier ones.
            #[expect(clippy::new_without_default, reason = "a default would hide that each call differs")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, as the database keeps it.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(Self::PREFIX, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

typed_ids! {
    /// A marketplace.
    TenantId = "ten",
    /// A person's login within one tenant.
    UserId = "usr",
    /// A person's role in a tenant or at a seller.
    MembershipId = "mem",
    /// A login's chain of rotating refresh tokens.
    SessionId = "ses",
    /// A tenant's API key.
    ApiKeyId = "key",
    /// A business selling in one tenant.
    SellerId = "sel",
    /// What is sold.
    ListingId = "lst",
    /// A listing at a time, with a capacity.
    SlotId = "slt",
    /// An unpaid buyer's claim on a slot.
    HoldId = "hld",
    /// What a buyer wants to pay.
    OrderId = "ord",
    /// One slot and quantity within an order.
    OrderLineId = "orl",
    /// One attempt to pay an order with a provider.
    PaymentId = "pay",
    /// Money going back to the buyer.
    RefundId = "ref",
    /// A fee schedule.
    FeeScheduleId = "fee",
    /// A tenant's promotion.
    PromotionId = "prm",
    /// A received webhook.
    EventId = "evt",
    /// A durable task.
    JobId = "job",
    /// An entry of the audit log.
    AuditId = "aud",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_rejects_other_kinds() {
        let id = OrderId::new();
        assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        assert!(id.to_string().parse::<SlotId>().is_err());
        for bad in [
            "",
            "ord_",
            "ord_zz",
            "ord_018F0000000070008000000000000000",
            "ord-018f0000000070008000000000000000",
        ] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let ids: Vec<OrderId> = (0..100).map(|_| OrderId::new()).collect();
        assert!(ids.is_sorted());
    }
}
