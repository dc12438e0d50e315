//! Access tokens: JWT (HS256) of 15 minutes, good for one tenant.

use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use souk_domain::ids::{SessionId, TenantId, UserId};

use super::secret;
use crate::error::{Error, Result};

/// How long an access token lives, in seconds.
pub const LIFETIME: i64 = 15 * 60;

const ISSUER: &str = "souk";
const PURPOSE: &str = "souk access token v1";

/// Whom an access token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The only tenant that the token is good for.
    pub tenant: TenantId,
    /// The person.
    pub user: UserId,
    /// The login; once it is revoked, the token is worth nothing.
    pub session: SessionId,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    tenant: TenantId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// Signs an access token that is good from now on.
pub fn issue(jwt_secret: &str, access: Access, now: DateTime<Utc>) -> Result<String> {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: access.user,
        tenant: access.tenant,
        sid: access.session,
        iat: now.timestamp(),
        exp: (now + Duration::seconds(LIFETIME)).timestamp(),
    };
    let key = EncodingKey::from_secret(&secret::derive(jwt_secret, PURPOSE));
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|e| Error::Internal(format!("access token: {e}")))
}

/// Whom the token speaks for; nothing where it is not ours, altered, or past its time.
pub fn verify(jwt_secret: &str, token: &str, now: DateTime<Utc>) -> Option<Access> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    // Judged below by souk's own clock, which tests can move.
    rules.validate_exp = false;
    let key = DecodingKey::from_secret(&secret::derive(jwt_secret, PURPOSE));
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &rules).ok()?.claims;
    (now.timestamp() < claims.exp).then_some(Access {
        tenant: claims.tenant,
        user: claims.sub,
        session: claims.sid,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn access() -> Access {
        Access { tenant: TenantId::new(), user: UserId::new(), session: SessionId::new() }
    }

    #[test]
    fn speaks_for_whom_it_was_issued_until_its_time_is_over() {
        let (access, now) = (access(), Utc::now());
        let token = issue("secret", access, now).unwrap();
        assert_eq!(verify("secret", &token, now), Some(access));
        assert_eq!(verify("secret", &token, now + Duration::seconds(LIFETIME - 1)), Some(access));
        assert_eq!(verify("secret", &token, now + Duration::seconds(LIFETIME)), None);
        assert_eq!(verify("other", &token, now), None);
    }

    #[test]
    fn alterations_and_other_algorithms_are_worth_nothing() {
        let now = Utc::now();
        let token = issue("secret", access(), now).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let other = issue("secret", access(), now).unwrap();
        let other_body = other.split('.').nth(1).unwrap();
        for bad in [
            String::new(),
            "x.y.z".to_owned(),
            format!("{none}.{}.", parts[1]),
            format!("{}.{other_body}.{}", parts[0], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
        ] {
            assert_eq!(verify("secret", &bad, now), None, "{bad}");
        }
    }
}
