//! Ids that look like Stripe's, from one seeded generator so that a run can be repeated.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The one source of chance for ids and secrets. Faults have a generator of their own, so that a fault plan
/// does not change the ids.
#[derive(Debug)]
pub(crate) struct Ids(StdRng);

impl Ids {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// `prefix` and `length` random letters and digits.
    pub(crate) fn make(&mut self, prefix: &str, length: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        for _ in 0..length {
            id.push(char::from(LETTERS[self.0.random_range(0..LETTERS.len())]));
        }
        id
    }

    /// An id in the usual shape, such as `ch_3…`.
    pub(crate) fn object(&mut self, prefix: &str) -> String {
        self.make(prefix, 24)
    }

    pub(crate) fn checkout_session(&mut self, livemode: bool) -> String {
        self.make(if livemode { "cs_live_a1" } else { "cs_test_a1" }, 56)
    }
}

/// The account that a secret key opens: always the same one, without keeping the key.
pub(crate) fn platform_account(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let tail: String =
        digest.iter().take(16).map(|byte| char::from(LETTERS[usize::from(*byte) % 62])).collect();
    format!("acct_{tail}")
}
