//! Webhook signatures, checked on the raw bytes before anything else is done with them.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far a signature's time may be from ours, in seconds; Stripe's own libraries allow as much.
pub const TOLERANCE: i64 = 300;

/// Why a webhook is not believed. Carries nothing of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// No header, or not of the form `t=…,v1=…`.
    #[error("the signature header is missing or malformed")]
    Malformed,
    /// Signed too long ago, or in the future.
    #[error("the signature is too old or from the future")]
    Stale,
    /// None of the endpoint's secrets made it.
    #[error("no signature matches")]
    Mismatch,
}

/// Checks `Stripe-Signature` against the secrets of the endpoint that was called: `t=<unix>,v1=<hex>[,v1=…]`, HMAC
/// over `"{t}.{body}"`. Other schemes than `v1` are ignored (docs.stripe.com/webhooks, "Verify webhook signatures
/// manually").
pub fn check_stripe(
    header: Option<&str>,
    body: &[u8],
    secrets: &[String],
    now: DateTime<Utc>,
) -> Result<(), BadSignature> {
    let header = header.ok_or(BadSignature::Malformed)?;
    let mut stamp = None;
    let mut given: Vec<Vec<u8>> = Vec::new();
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => stamp = Some(value),
            // More signatures than secrets could ever be rolling are an attempt to keep us busy.
            "v1" if given.len() < 16 => given.extend(hex::decode(value)),
            _ => {}
        }
    }
    let stamp = stamp.ok_or(BadSignature::Malformed)?;
    let signed_at: i64 = stamp.parse().map_err(|_| BadSignature::Malformed)?;
    if given.is_empty() {
        return Err(BadSignature::Malformed);
    }
    if now.timestamp().abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
        return Err(BadSignature::Stale);
    }
    let mut matches = subtle::Choice::from(0);
    for secret in secrets {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { continue };
        mac.update(stamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        let expected = mac.finalize().into_bytes();
        for signature in &given {
            matches |= expected.as_slice().ct_eq(signature);
        }
    }
    if bool::from(matches) { Ok(()) } else { Err(BadSignature::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test","object":"event"}"#;
    const SIGNATURE: &str = "691252e266ce41cb94d709c84e9580d4172b117a510bbc81723f657d2cd5d215";

    fn check(header: &str, body: &[u8], secret: &str, at: i64) -> Result<(), BadSignature> {
        check_stripe(Some(header), body, &[secret.to_owned()], DateTime::from_timestamp(at, 0).unwrap())
    }

    #[test]
    fn known_vector_and_what_is_near_it() {
        let good = format!("t=1492774577,v1={SIGNATURE}");
        let at = 1_492_774_577;
        assert_eq!(check(&good, BODY, "whsec_test_secret", at), Ok(()));
        assert_eq!(check(&good, BODY, "whsec_test_secret", at + 300), Ok(()));
        assert_eq!(check(&good, BODY, "whsec_test_secret", at + 301), Err(BadSignature::Stale));
        assert_eq!(check(&good, BODY, "whsec_test_secret", at - 301), Err(BadSignature::Stale));
        assert_eq!(check(&good, BODY, "whsec_other", at), Err(BadSignature::Mismatch));
        assert_eq!(check(&good, b"{}", "whsec_test_secret", at), Err(BadSignature::Mismatch));
        let rolling = format!("t=1492774577,v1=00,v0={SIGNATURE},v1={SIGNATURE}");
        assert_eq!(check(&rolling, BODY, "whsec_test_secret", at), Ok(()));
        let other_scheme = format!("t=1492774577,v0={SIGNATURE}");
        assert_eq!(check(&other_scheme, BODY, "whsec_test_secret", at), Err(BadSignature::Malformed));
        for malformed in ["", "t=", "t=x,v1=00", "v1=00", "t=1492774577", ",,,=", "t=1492774577,v1=zz"] {
            assert_eq!(
                check(malformed, BODY, "whsec_test_secret", at),
                Err(BadSignature::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn any_of_several_secrets_will_do_while_rolling_and_none_is_none() {
        let header = format!("t=1492774577,v1={SIGNATURE}");
        let now = DateTime::from_timestamp(1_492_774_577, 0).unwrap();
        let both = ["whsec_new".to_owned(), "whsec_test_secret".to_owned()];
        assert_eq!(check_stripe(Some(&header), BODY, &both, now), Ok(()));
        assert_eq!(check_stripe(Some(&header), BODY, &[], now), Err(BadSignature::Mismatch));
        assert_eq!(check_stripe(None, BODY, &both, now), Err(BadSignature::Malformed));
    }
}
