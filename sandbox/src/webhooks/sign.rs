//! The `Stripe-Signature` header. Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `t=…,v1=…`: HMAC-SHA256 over `"{timestamp}.{body}"`, keyed with the whole secret, `whsec_` included.
pub(crate) fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("t={timestamp},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_the_known_vector() {
        let signed =
            super::signature("whsec_test_secret", 1_492_774_577, r#"{"id":"evt_test","object":"event"}"#);
        assert_eq!(
            signed,
            "t=1492774577,v1=691252e266ce41cb94d709c84e9580d4172b117a510bbc81723f657d2cd5d215"
        );
    }
}
