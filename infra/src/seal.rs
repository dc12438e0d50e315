//! Authenticated encryption for what must not lie in the database in the clear: provider keys, webhook secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Seals and opens with one key. Sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.key_id)
    }
}

impl Sealer {
    /// A sealer whose key is derived from `secret`, any text of enough entropy.
    pub fn new(secret: &str) -> Self {
        let key =
            Sha256::new().chain_update(b"souk sealing key v1\0").chain_update(secret.as_bytes()).finalize();
        let key_id = hex::encode(&Sha256::digest(key)[..4]);
        Self { cipher: XChaCha20Poly1305::new(key.as_slice().into()), key_id }
    }

    /// Encrypts `clear`. The same `context` (which column of which row) must be given to open it, so that a sealed
    /// text copied elsewhere does not open.
    pub fn seal(&self, context: &str, clear: &str) -> Result<String> {
        let nonce: [u8; 24] = rand::random();
        let payload = Payload { msg: clear.as_bytes(), aad: context.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| Error::Internal("could not encrypt".to_owned()))?;
        Ok(format!("v1.{}.{}", self.key_id, BASE64.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Decrypts what [`Sealer::seal`] made with the same key and context.
    pub fn open(&self, context: &str, sealed: &str) -> Result<String> {
        let unreadable = |why: &str| Error::Corrupt(format!("{context}: {why}"));
        let mut parts = sealed.splitn(3, '.');
        let (Some("v1"), Some(key_id), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unreadable("not a sealed text"));
        };
        if key_id != self.key_id {
            return Err(unreadable("sealed with another SOUK_ENCRYPTION_KEY"));
        }
        let bytes = BASE64.decode(text).map_err(|_| unreadable("not base64"))?;
        if bytes.len() < 24 {
            return Err(unreadable("too short"));
        }
        let (nonce, cipher) = bytes.split_at(24);
        let payload = Payload { msg: cipher, aad: context.as_bytes() };
        let clear =
            self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| unreadable("was altered"))?;
        String::from_utf8(clear).map_err(|_| unreadable("not text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_and_context_and_unaltered() {
        let sealer = Sealer::new("one");
        let sealed = sealer.seal("a", "sk_test_123").unwrap();
        assert!(!sealed.contains("sk_test"));
        assert_eq!(sealer.open("a", &sealed).unwrap(), "sk_test_123");
        assert!(sealer.open("b", &sealed).is_err());
        assert!(Sealer::new("two").open("a", &sealed).is_err());
        let mut altered = sealed.clone();
        altered.pop();
        assert!(sealer.open("a", &altered).is_err());
        assert!(sealer.open("a", "").is_err());
    }
}
