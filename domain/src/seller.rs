//! Sellers and what the provider says of their connected accounts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::payment::ChargeModel;

text_enum! {
    /// Whether a seller may sell.
    SellerStatus {
        /// Applied; no connected account yet.
        Pending = "pending",
        /// Has a connected account that is not ready.
        Onboarding = "onboarding",
        /// May sell.
        Active = "active",
        /// The provider has taken charges away again.
        Restricted = "restricted",
        /// An admin has stopped the seller.
        Suspended = "suspended",
        /// The seller has cut the connection to the platform.
        Deauthorized = "deauthorized",
    }
}

/// What the provider still wants to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Needed now.
    pub currently_due: Vec<String>,
    /// Was needed before now; what is missing here has taken or will take capabilities away.
    pub past_due: Vec<String>,
    /// Why charges or payouts are off.
    pub disabled_reason: Option<String>,
}

/// The provider's record of a connected account, as it was at `as_of`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSnapshot {
    /// The provider's id.
    pub id: String,
    /// May be charged.
    pub charges_enabled: bool,
    /// May be paid out.
    pub payouts_enabled: bool,
    /// The form was filled in.
    pub details_submitted: bool,
    /// May receive transfers from the platform.
    pub transfers_active: bool,
    /// What is missing.
    pub requirements: Requirements,
    /// The account's country, two upper-case letters.
    pub country: Option<String>,
    /// The account's default currency.
    pub default_currency: Option<String>,
    /// When we asked the provider; an older snapshot never replaces a newer one.
    pub as_of: DateTime<Utc>,
}

impl AccountSnapshot {
    /// Whether charges in a charge model can succeed: the account's own (direct) need charges, and what the
    /// platform charges and passes on needs transfers as well.
    pub fn can_sell(&self, model: ChargeModel) -> bool {
        match model {
            ChargeModel::Direct => self.charges_enabled,
            ChargeModel::Destination | ChargeModel::Separate => self.charges_enabled && self.transfers_active,
        }
    }
}

/// What can happen to a seller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SellerEvent {
    /// The provider's record was read.
    AccountRead {
        /// Whether charges in the seller's charge model can succeed.
        can_sell: bool,
        /// Whether the form was ever submitted.
        details_submitted: bool,
    },
    /// The seller cut the connection.
    Deauthorized,
    /// An admin stopped the seller.
    Suspend,
    /// An admin lets the seller go on; what the provider last said decides.
    Reinstate {
        /// Whether there is a connected account.
        connected: bool,
        /// As in `AccountRead`.
        can_sell: bool,
        /// As in `AccountRead`.
        details_submitted: bool,
    },
}

/// The event cannot happen to a seller in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a seller that is {from} does not take this change")]
pub struct Rejected {
    /// The status it has.
    pub from: SellerStatus,
}

impl SellerStatus {
    /// The next status.
    pub fn apply(self, event: &SellerEvent, _now: DateTime<Utc>) -> Result<Self, Rejected> {
        use SellerStatus as S;
        let told = |can_sell: bool, submitted: bool| match (can_sell, submitted) {
            (true, _) => S::Active,
            (false, true) => S::Restricted,
            (false, false) => S::Onboarding,
        };
        match (self, event) {
            // An admin's stop outlasts what the provider says; only an admin lifts it.
            (S::Suspended, SellerEvent::AccountRead { .. }) => Ok(S::Suspended),
            // A cut connection is not healed by a late account event.
            (S::Deauthorized, SellerEvent::AccountRead { .. } | SellerEvent::Deauthorized) => {
                Ok(S::Deauthorized)
            }
            (_, SellerEvent::AccountRead { can_sell, details_submitted }) => {
                Ok(told(*can_sell, *details_submitted))
            }
            (_, SellerEvent::Deauthorized) => Ok(S::Deauthorized),
            (S::Deauthorized, SellerEvent::Suspend) => Err(Rejected { from: self }),
            (_, SellerEvent::Suspend) => Ok(S::Suspended),
            (S::Suspended, SellerEvent::Reinstate { connected: false, .. }) => Ok(S::Pending),
            (S::Suspended, SellerEvent::Reinstate { can_sell, details_submitted, .. }) => {
                Ok(told(*can_sell, *details_submitted))
            }
            (_, SellerEvent::Reinstate { .. }) => Err(Rejected { from: self }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_account_needs_depends_on_who_charges() {
        let account = |charges_enabled, transfers_active| AccountSnapshot {
            id: "acct_1".to_owned(),
            charges_enabled,
            payouts_enabled: true,
            details_submitted: true,
            transfers_active,
            requirements: Requirements::default(),
            country: None,
            default_currency: None,
            as_of: DateTime::UNIX_EPOCH,
        };
        use ChargeModel as M;
        let can = |charges, transfers| {
            [M::Direct, M::Destination, M::Separate].map(|model| account(charges, transfers).can_sell(model))
        };
        assert_eq!(can(true, true), [true, true, true]);
        assert_eq!(can(true, false), [true, false, false]);
        assert_eq!(can(false, true), [false, false, false]);
    }

    #[test]
    fn full_transition_table() {
        use SellerStatus as S;
        let read = |can_sell, details_submitted| SellerEvent::AccountRead { can_sell, details_submitted };
        let lift = SellerEvent::Reinstate { connected: true, can_sell: true, details_submitted: true };
        let lift_bare =
            SellerEvent::Reinstate { connected: false, can_sell: false, details_submitted: false };
        // pending, onboarding, active, restricted, suspended, deauthorized
        let table: [(SellerEvent, [Option<S>; 6]); 6] = [
            (
                read(true, true),
                [
                    Some(S::Active),
                    Some(S::Active),
                    Some(S::Active),
                    Some(S::Active),
                    Some(S::Suspended),
                    Some(S::Deauthorized),
                ],
            ),
            (
                read(false, true),
                [
                    Some(S::Restricted),
                    Some(S::Restricted),
                    Some(S::Restricted),
                    Some(S::Restricted),
                    Some(S::Suspended),
                    Some(S::Deauthorized),
                ],
            ),
            (SellerEvent::Deauthorized, [Some(S::Deauthorized); 6]),
            (
                SellerEvent::Suspend,
                [
                    Some(S::Suspended),
                    Some(S::Suspended),
                    Some(S::Suspended),
                    Some(S::Suspended),
                    Some(S::Suspended),
                    None,
                ],
            ),
            (lift, [None, None, None, None, Some(S::Active), None]),
            (lift_bare, [None, None, None, None, Some(S::Pending), None]),
        ];
        for (event, row) in &table {
            for (status, expected) in S::ALL.iter().zip(row) {
                assert_eq!(status.apply(event, DateTime::UNIX_EPOCH).ok(), *expected, "{status} + {event:?}");
            }
        }
        assert_eq!(S::Pending.apply(&read(false, false), DateTime::UNIX_EPOCH), Ok(S::Onboarding));
    }
}
