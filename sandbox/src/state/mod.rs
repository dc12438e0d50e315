//! Everything the simulator remembers, behind one lock. Plain functions on plain data: nothing in here
//! waits, sleeps or talks to anybody.

pub(crate) mod agenda;
pub(crate) mod books;
pub(crate) mod events;
pub(crate) mod ids;
pub(crate) mod vault;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::SandboxConfig;
use crate::error::StripeError;
use crate::http::faults::Faults;
use crate::http::idempotency::Keys;
use crate::http::recorder::Recorder;
use crate::object::Fields;
use crate::webhooks::Outbox;
use agenda::Task;
use books::Books;
use ids::Ids;
use vault::{Kind, Vault};

/// The API version that objects are rendered in.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// Behaviour that Stripe's documents leave open, or that tests want both ways.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `payment_status` of a completed session whose total is zero.
    pub(crate) free_session_payment_status: String,
    /// A refund that the account's whole balance can't cover stays `pending` until it can.
    pub(crate) short_balance_refunds_wait: bool,
    /// A won dispute gives the dispute fee back too.
    pub(crate) dispute_won_returns_fee: bool,
    /// How long after submission an asynchronous bank debit settles by itself.
    pub(crate) bank_debit_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            free_session_payment_status: "no_payment_required".to_owned(),
            short_balance_refunds_wait: false,
            dispute_won_returns_fee: false,
            bank_debit_seconds: 4 * 86_400,
        }
    }
}

/// The whole simulated world.
pub(crate) struct State {
    pub(crate) config: SandboxConfig,
    /// Where links to hosted pages begin.
    pub(crate) base_url: String,
    pub(crate) settings: Settings,
    pub(crate) ids: Ids,
    pub(crate) books: Books,
    pub(crate) agenda: BTreeMap<(i64, u64), Task>,
    pub(crate) outbox: Outbox,
    pub(crate) faults: Faults,
    pub(crate) keys: Keys,
    pub(crate) recorder: Recorder,
    /// The API request being served, as events name it.
    pub(crate) request: Value,
    /// Pages of onboarding, by the secret part of their address.
    pub(crate) links: HashMap<String, Link>,
    vaults: HashMap<String, Vault>,
    livemode: HashMap<String, bool>,
    /// Connected account to its platform, and whether the connection still stands.
    connections: HashMap<String, (String, bool)>,
    clock_offset: i64,
    sequence: u64,
}

/// A single-use address of the hosted onboarding.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) account: String,
    pub(crate) return_url: String,
    pub(crate) refresh_url: String,
    pub(crate) expires_at: i64,
    pub(crate) used: bool,
}

impl State {
    pub(crate) fn new(config: SandboxConfig, base_url: String, outbox: Outbox) -> Self {
        let seed = config.seed.unwrap_or_else(rand::random);
        Self {
            base_url,
            settings: Settings::default(),
            ids: Ids::seeded(seed),
            books: Books::default(),
            agenda: BTreeMap::new(),
            outbox,
            faults: Faults::default(),
            keys: Keys::default(),
            recorder: Recorder::new(config.history),
            request: json!({ "id": null, "idempotency_key": null }),
            links: HashMap::new(),
            vaults: HashMap::new(),
            livemode: HashMap::new(),
            connections: HashMap::new(),
            clock_offset: 0,
            sequence: 0,
            config,
        }
    }

    /// The sandbox's time, in seconds: the wall clock plus whatever the clock control has added.
    pub(crate) fn now(&self) -> i64 {
        chrono::Utc::now().timestamp() + self.clock_offset
    }

    pub(crate) fn advance_clock(&mut self, seconds: i64) {
        self.clock_offset += seconds;
    }

    /// A number that only grows, to keep things of one second in order.
    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Opens the platform account of a secret key, on its first use for the first time.
    pub(crate) fn open_platform(&mut self, key: &str) -> String {
        let account = ids::platform_account(key);
        self.vaults.entry(account.clone()).or_default();
        self.livemode.entry(account.clone()).or_insert_with(|| key.contains("_live_"));
        account
    }

    /// Connects an account that exists in the platform's vault.
    pub(crate) fn open_connected(&mut self, account: &str, platform: &str) {
        let livemode = self.is_live(platform);
        self.vaults.entry(account.to_owned()).or_default();
        self.livemode.insert(account.to_owned(), livemode);
        self.connections.insert(account.to_owned(), (platform.to_owned(), true));
    }

    /// Ends the connection: the account and its money stay, the platform can no longer reach them.
    pub(crate) fn disconnect(&mut self, account: &str) {
        if let Some((_, connected)) = self.connections.get_mut(account) {
            *connected = false;
        }
    }

    pub(crate) fn is_connected(&self, account: &str, platform: &str) -> bool {
        self.connections.get(account).is_some_and(|(owner, connected)| owner == platform && *connected)
    }

    /// The platform above a connected account; none for a platform.
    pub(crate) fn platform_of(&self, account: &str) -> Option<&str> {
        self.connections.get(account).map(|(platform, _)| platform.as_str())
    }

    /// The connected account's own object, which its platform keeps.
    pub(crate) fn account_object(&self, account: &str) -> Option<&Value> {
        self.vaults.get(self.platform_of(account)?)?.get(Kind::Account, account)
    }

    pub(crate) fn is_live(&self, account: &str) -> bool {
        self.livemode.get(account).copied().unwrap_or_default()
    }

    pub(crate) fn vault(&mut self, account: &str) -> &mut Vault {
        self.vaults.entry(account.to_owned()).or_default()
    }

    pub(crate) fn peek(&self, account: &str) -> Option<&Vault> {
        self.vaults.get(account)
    }

    pub(crate) fn accounts(&self) -> Vec<String> {
        let mut all: Vec<String> = self.vaults.keys().cloned().collect();
        all.sort();
        all
    }

    /// A copy of an object that an account owns; what other accounts own does not exist for it.
    pub(crate) fn get(&self, account: &str, kind: Kind, id: &str) -> Result<Value, StripeError> {
        self.vaults
            .get(account)
            .and_then(|vault| vault.get(kind, id))
            .cloned()
            .ok_or_else(|| StripeError::no_such(kind.noun(), id))
    }

    /// Changes an object in place and gives back a copy of the result; nothing happens if it is gone.
    pub(crate) fn update(
        &mut self,
        account: &str,
        kind: Kind,
        id: &str,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        match self.vault(account).get_mut(kind, id) {
            Some(object) => {
                change(object);
                object.clone()
            }
            None => Value::Null,
        }
    }

    /// The account that owns an object, whichever it is: for controls and pages, which know only its id.
    pub(crate) fn owner_of(&self, kind: Kind, id: &str) -> Result<String, StripeError> {
        self.vaults
            .iter()
            .find(|(_, vault)| vault.get(kind, id).is_some())
            .map(|(account, _)| account.clone())
            .ok_or_else(|| StripeError::no_such(kind.noun(), id))
    }

    /// The country that an account settles in; platforms are in the United States.
    pub(crate) fn default_currency(&self, account: &str) -> String {
        self.account_object(account)
            .and_then(|object| object.opt_text("default_currency"))
            .unwrap_or("usd")
            .to_owned()
    }
}
