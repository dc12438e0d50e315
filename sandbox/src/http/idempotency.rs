//! `Idempotency-Key`: the first answer under a key is the answer, for a day. Stores answers of endpoints
//! that have begun; never of requests that were refused before.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::error::{Stage, StripeError};

/// An answer as it was given the first time.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) request_id: String,
}

enum Progress {
    Running,
    Done(Stored),
}

struct Entry {
    fingerprint: String,
    progress: Progress,
}

type Key = (String, String);

/// Keys of one account each.
#[derive(Default)]
pub(crate) struct Keys {
    entries: HashMap<Key, Entry>,
    ages: VecDeque<(i64, Key)>,
}

impl Keys {
    /// What is known under this key: nothing, the stored answer, or a reason to refuse.
    pub(crate) fn look_up(
        &self,
        account: &str,
        key: &str,
        print: &str,
    ) -> Result<Option<Stored>, StripeError> {
        let Some(entry) = self.entries.get(&(account.to_owned(), key.to_owned())) else { return Ok(None) };
        if entry.fingerprint != print {
            let message = format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
            );
            return Err(StripeError::invalid(message).kind("idempotency_error").stage(Stage::Validation));
        }
        match &entry.progress {
            Progress::Done(stored) => Ok(Some(stored.clone())),
            Progress::Running => {
                let message = format!(
                    "There is currently another in-progress request using this Idempotent Key ({key}). Please try again later."
                );
                let error = StripeError::invalid(message).kind("idempotency_error").status(409);
                Err(error.code("idempotency_key_in_use").stage(Stage::Contention))
            }
        }
    }

    pub(crate) fn begin(&mut self, account: &str, key: &str, fingerprint: &str, now: i64) {
        let id = (account.to_owned(), key.to_owned());
        let entry = Entry { fingerprint: fingerprint.to_owned(), progress: Progress::Running };
        if self.entries.insert(id.clone(), entry).is_none() {
            self.ages.push_back((now, id));
        }
    }

    pub(crate) fn finish(&mut self, account: &str, key: &str, stored: Stored) {
        if let Some(entry) = self.entries.get_mut(&(account.to_owned(), key.to_owned())) {
            entry.progress = Progress::Done(stored);
        }
    }

    /// The request was refused before it began: the key is free again.
    pub(crate) fn abandon(&mut self, account: &str, key: &str) {
        self.entries.remove(&(account.to_owned(), key.to_owned()));
    }

    /// Drops keys first used before `time`; they then begin a new request.
    pub(crate) fn forget_before(&mut self, time: i64) {
        while self.ages.front().is_some_and(|(age, _)| *age < time) {
            if let Some((_, key)) = self.ages.pop_front() {
                self.entries.remove(&key);
            }
        }
    }
}
