//! Random tokens, their hashes, and keys derived from one secret for one purpose each.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 43 characters that may stand in an address.
pub fn random() -> String {
    BASE64.encode(rand::random::<[u8; 32]>())
}

/// What is stored instead of a random token. A plain hash is enough where the token has 256 bits of its own.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A key for one purpose, so that what is signed for one can never be taken for the other.
pub fn derive(secret: &str, purpose: &str) -> [u8; 32] {
    mac(secret.as_bytes(), purpose.as_bytes())
}

/// HMAC-SHA256.
pub fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key longer than the block is hashed first, as HMAC prescribes; so every length is a key.
    let block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    let mut padded = [0_u8; 64];
    padded[..block.len()].copy_from_slice(&block);
    let mut mac = Hmac::<Sha256>::new(&padded.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Whether two texts are equal, in a time that says nothing about where they differ.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_test_vectors() {
        // RFC 4231, cases 1, 2 and 6 (a key longer than the block).
        let hex_mac = |key: &[u8], message: &[u8]| hex::encode(mac(key, message));
        assert_eq!(
            hex_mac(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex_mac(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex_mac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn purposes_have_keys_of_their_own_and_tokens_never_repeat() {
        assert_ne!(derive("secret", "a"), derive("secret", "b"));
        assert_ne!(derive("secret", "a"), derive("other", "a"));
        assert_ne!(random(), random());
        assert_eq!(random().len(), 43);
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
