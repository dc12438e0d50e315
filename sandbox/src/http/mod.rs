//! The HTTP side of the API: what every request goes through before and after its endpoint runs.

pub(crate) mod connection;
pub(crate) mod expand;
pub(crate) mod faults;
pub(crate) mod idempotency;
pub(crate) mod lists;
pub(crate) mod pipeline;
pub(crate) mod recorder;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use crate::object::Fields;
use crate::state::State;
use crate::state::vault::{Kind, Vault};

/// What all connections share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Turns true when the server stops; whoever waits without end must watch it.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn new(state: State, stop: watch::Receiver<bool>) -> Self {
        Self { state: Mutex::new(state), stop }
    }

    /// The lock is held for pure work only. A panic under it leaves data that is still readable.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request as its endpoint sees it.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    /// The account of the secret key.
    pub(crate) platform: String,
    /// The account acted on: the platform's own, or the one that `Stripe-Account` names.
    pub(crate) account: String,
    /// What stands in the path's placeholders.
    pub(crate) args: Vec<String>,
    /// Parameters, typed and known to be allowed.
    pub(crate) params: Value,
}

impl Call<'_> {
    /// Whether a connected account is acted on.
    pub(crate) fn is_connected(&self) -> bool {
        self.account != self.platform
    }

    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    pub(crate) fn vault(&mut self) -> &mut Vault {
        self.state.vault(&self.account)
    }

    /// The object that the path names, as the acting account sees it.
    pub(crate) fn named(&self, kind: Kind) -> crate::error::Answer {
        self.state.get(&self.account, kind, self.arg(0))
    }

    /// Applies `metadata` and the plain text fields in `fields` to the object that the path names.
    pub(crate) fn revise(&mut self, kind: Kind, fields: &[&str]) -> crate::error::Answer {
        self.named(kind)?;
        let (id, params, account) = (self.arg(0).to_owned(), self.params.clone(), self.account.clone());
        Ok(self.state.update(&account, kind, &id, |object| {
            crate::object::merge_metadata(object, &params);
            for field in fields {
                if let Some(value) = params.get(*field) {
                    object.put(field, value.clone());
                }
            }
        }))
    }

    pub(crate) fn live(&self) -> bool {
        self.state.is_live(&self.account)
    }

    /// A text parameter that may be absent.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.params.opt_text(name)
    }
}
