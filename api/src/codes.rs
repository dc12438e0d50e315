//! Every `code` that an answer may carry, with what it means: the documentation that programs are written against.
//! A test finds codes that are used but not explained here.

/// One stable code.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// As it stands in the answer.
    pub code: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// What it means and what to do about it.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($code:literal $status:literal $meaning:literal),+ $(,)?) => {
        /// In alphabetical order.
        pub const CODES: &[Code] = &[$(Code { code: $code, status: $status, meaning: $meaning }),+];
    };
}

codes! {
    "account_sessions_unsupported" 422 "The payment provider has no components to embed for this seller.",
    "amount_too_large" 422 "The total is above what the payment provider takes in one payment.",
    "amount_too_small" 422 "The total is below what the payment provider takes in this currency.",
    "bad_request" 400 "The request cannot be understood.",
    "bad_signature" 400 "A webhook's signature is missing, wrong or too old.",
    "body_incomplete" 400 "The body broke off before its end.",
    "body_too_large" 413 "The body is larger than 1 MiB.",
    "capacity_below_sold" 409 "A slot's capacity cannot go below the places that are sold or held.",
    "card_data_refused" 400 "The body contains a card number. Card numbers go to the payment provider only.",
    "charge_model_unsupported" 422 "The payment provider cannot charge in the way that this seller is set up for.",
    "cross_site_request" 403 "A form was sent from another site.",
    "email_taken" 409 "There is a login with this e-mail address already.",
    "endpoint_not_configured" 404 "This marketplace has no secret for this webhook endpoint.",
    "forbidden" 403 "The caller is known, but may not do this.",
    "idempotency_in_progress" 409 "The first request with this Idempotency-Key is still running. Wait and repeat it.",
    "idempotency_key_required" 400 "This route needs an Idempotency-Key header.",
    "idempotency_key_reused" 422 "This Idempotency-Key was used for another request. Use a new one.",
    "internal_error" 500 "A fault of souk's own. The request id finds it in the log.",
    "invalid_credentials" 401 "The e-mail address or the password is wrong.",
    "invalid_field" 400 "A field has the wrong type or is out of its bounds; errors says which.",
    "invalid_idempotency_key" 400 "Idempotency-Key must be one value of 1 to 255 visible characters.",
    "invalid_query" 400 "A query parameter is wrong; errors says which.",
    "invalid_refresh_token" 401 "The refresh token is unknown, too old, or was used before. Log in again.",
    "job_done" 409 "The job is done; there is nothing to try again.",
    "malformed_json" 400 "The body is not JSON.",
    "membership_exists" 409 "This person has a role there already.",
    "method_not_allowed" 405 "The address does not take this method; Allow says which it takes.",
    "missing_field" 400 "A field is missing; errors says which.",
    "mixed_basket" 422 "This marketplace takes orders of one seller at a time.",
    "mixed_currencies" 422 "All items of one order must be in one currency.",
    "not_connected" 409 "The seller has no account at the payment provider yet.",
    "not_found" 404 "There is no such thing, or it is not this caller's to see.",
    "not_ready" 503 "The database does not answer, or migrations are waiting.",
    "order_not_cancellable" 409 "Only an order that is waiting for payment can be cancelled.",
    "order_not_refundable" 409 "Nothing was paid for this order that could be refunded.",
    "promo_code_invalid" 422 "The promotion code is unknown, over, used up, or not for this order.",
    "promotion_exists" 409 "There is a promotion with this code already.",
    "provider_not_configured" 502 "This marketplace has no working keys for the payment provider.",
    "provider_refused" 502 "The payment provider refused. Its reason is in the log.",
    "provider_unavailable" 503 "The payment provider cannot be reached. Repeat with the same Idempotency-Key. (502 where its answer cannot be read.)",
    "rate_limited" 429 "Too many requests from this address; wait as long as Retry-After says.",
    "refund_exceeds_payment" 409 "More is asked back than is left of the payment.",
    "route_not_found" 404 "There is nothing at this address.",
    "seller_deauthorized" 409 "The seller has cut the connection to the marketplace.",
    "seller_not_active" 409 "The seller cannot sell at the moment.",
    "seller_suspended" 409 "The marketplace has suspended the seller.",
    "slot_exists" 409 "The listing has a slot that starts at the same time already.",
    "slot_has_bookings" 409 "Places of this slot are sold or held, so this cannot change.",
    "slot_in_past" 422 "A slot starts in the future, and cannot change once it has begun.",
    "slot_not_found" 404 "There is no such slot.",
    "slot_not_on_sale" 409 "The slot is over or called off.",
    "sold_out" 409 "Fewer places are left than were asked for; slot_id and available say of which slot and how many.",
    "tenant_exists" 409 "A marketplace with this slug or host exists already.",
    "timeout" 503 "This took too long. Repeat with the same Idempotency-Key.",
    "unauthenticated" 401 "No credentials, or ones that are not valid here or any more.",
    "unknown_field" 400 "The body has a field that this route does not know; errors says which.",
    "unknown_host" 404 "No marketplace is served at this host name.",
    "unsupported_media_type" 415 "The body must be application/json.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}
