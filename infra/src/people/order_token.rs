//! The link that a guest holds to one order: an HMAC over tenant and order, so that nothing has to be stored and
//! nobody can make one up. It does not expire: it shows an order, it cannot move money.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use souk_domain::ids::{OrderId, TenantId};

use super::secret;

/// The token for an order, `ot_…`. `jwt_secret` is the secret that signs everything people hold.
pub fn issue(jwt_secret: &str, tenant: TenantId, order: OrderId) -> String {
    let key = secret::derive(jwt_secret, "souk order token v1");
    let message = [*tenant.uuid().as_bytes(), *order.uuid().as_bytes()].concat();
    format!("ot_{}", BASE64.encode(secret::mac(&key, &message)))
}

/// Whether the token is the one for this order of this tenant.
pub fn verify(jwt_secret: &str, tenant: TenantId, order: OrderId, token: &str) -> bool {
    secret::same(&issue(jwt_secret, tenant, order), token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_one_order_of_one_tenant() {
        let (tenant, order) = (TenantId::new(), OrderId::new());
        let token = issue("secret", tenant, order);
        assert!(token.starts_with("ot_"));
        assert!(verify("secret", tenant, order, &token));
        assert!(!verify("secret", tenant, OrderId::new(), &token));
        assert!(!verify("secret", TenantId::new(), order, &token));
        assert!(!verify("other", tenant, order, &token));
        assert!(!verify("secret", tenant, order, ""));
        assert!(!verify("secret", tenant, order, &token[..token.len() - 1]));
    }
}
