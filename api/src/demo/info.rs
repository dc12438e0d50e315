//! What the demo prints, and writes as JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// Addresses and logins.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// souk, as its first marketplace.
    pub base_url: String,
    /// The sandbox.
    pub sandbox_url: String,
    /// The marketplaces.
    pub tenants: Vec<TenantInfo>,
}

/// One marketplace.
#[derive(Debug, Clone, Serialize)]
pub struct TenantInfo {
    /// Its short name.
    pub slug: String,
    /// Its pages and API.
    pub base_url: String,
    /// Its key at the sandbox.
    pub stripe_secret_key: String,
    /// Signs what arrives at `/webhooks/stripe`.
    pub webhook_secret: String,
    /// Signs what arrives at `/webhooks/stripe/connect`.
    pub connect_webhook_secret: String,
    /// Runs it.
    pub admin: Login,
    /// Sell in it.
    pub sellers: Vec<SellerLogin>,
    /// Buys in it.
    pub buyer: Login,
}

/// A login.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// Its e-mail address.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A seller and its owner's login.
#[derive(Debug, Clone, Serialize)]
pub struct SellerLogin {
    /// `sel_…`
    pub id: String,
    /// The owner's e-mail address.
    pub email: String,
    /// The owner's password.
    pub password: String,
    /// `direct`, `destination` or `separate`.
    pub charge_model: String,
}

impl Info {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("\nsouk demo is ready: {}\n\n", self.base_url);
        for tenant in &self.tenants {
            let _ = writeln!(text, "  {:<12} {}", tenant.slug, tenant.base_url);
            let _ = writeln!(text, "    admin      {} / {}", tenant.admin.email, tenant.admin.password);
            for seller in &tenant.sellers {
                let _ = writeln!(
                    text,
                    "    seller     {} / {}  ({})",
                    seller.email, seller.password, seller.charge_model
                );
            }
            let _ = writeln!(text, "    buyer      {} / {}\n", tenant.buyer.email, tenant.buyer.password);
        }
        let _ = writeln!(text, "  sandbox      {} (plays Stripe; no money moves)", self.sandbox_url);
        let _ = writeln!(text, "  codes        WELCOME10 (10 % off), FREE100 (100 % off)");
        let _ = writeln!(text, "  API          {}/docs\n\nCtrl-C ends it.", self.base_url);
        text
    }

    /// Writes the JSON; whoever waits for the file sees it whole or not at all.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let part = path.with_extension("part");
        let json = serde_json::to_vec_pretty(self)?;
        std::fs::write(&part, json).with_context(|| format!("writing {}", part.display()))?;
        std::fs::rename(&part, path).with_context(|| format!("writing {}", path.display()))
    }
}
