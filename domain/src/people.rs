//! People and what they may do.

use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, SellerId, TenantId, UserId};

text_enum! {
    /// A role in a tenant, or at one seller.
    Role {
        /// Buys.
        Buyer = "buyer",
        /// Runs a seller, its people included.
        SellerOwner = "seller_owner",
        /// Works for a seller.
        SellerStaff = "seller_staff",
        /// Runs the marketplace.
        TenantAdmin = "tenant_admin",
        /// Reconciles; no settings.
        TenantFinance = "tenant_finance",
        /// Runs the installation.
        Operator = "operator",
    }
}

impl Role {
    /// Whether the role is held at a seller rather than in the tenant.
    pub fn is_of_seller(self) -> bool {
        matches!(self, Self::SellerOwner | Self::SellerStaff)
    }
}

/// Who is acting. Goes into every [`Scope`] and from there into the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Nobody known.
    Anonymous,
    /// A person who is logged in.
    User(UserId),
    /// A program with the tenant's API key; acts as a tenant admin.
    ApiKey(ApiKeyId),
    /// souk itself: workers, sweepers, the command line.
    System,
}

impl Actor {
    /// The kind and the id, as the audit log keeps them.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Anonymous => ("anonymous", String::new()),
            Self::User(id) => ("user", id.to_string()),
            Self::ApiKey(id) => ("api_key", id.to_string()),
            Self::System => ("system", String::new()),
        }
    }
}

/// Within which tenant, and for whom, something is done. Every query takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The tenant whose rows are seen; no others are.
    pub tenant: TenantId,
    /// Who is acting.
    pub actor: Actor,
}

impl Scope {
    /// souk's own work within a tenant.
    pub fn system(tenant: TenantId) -> Self {
        Self { tenant, actor: Actor::System }
    }
}

/// One role that a person holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The role.
    pub role: Role,
    /// At which seller, for a seller's role.
    pub seller_id: Option<SellerId>,
}
