//! `/v1/events`: what happened on an account, for those who missed a webhook.

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::object::Fields;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] =
    &[Route::new("GET /v1/events", list), Route::new("GET /v1/events/{id}", |call| call.named(Kind::Event))];

fn list(call: &mut Call<'_>) -> Answer {
    let params = &call.params;
    if params.has("type") && params.has("types") {
        let message = "You may pass only one of these parameters: type, types.";
        return Err(StripeError::parameter("parameters_exclusive", "types", message));
    }
    let oldest = call.state.now() - 30 * 86_400;
    lists::page(call, Kind::Event, "/v1/events", |event| {
        let kind = event.text("type");
        let types = params.list("types");
        let single = params.opt_text("type").is_none_or(|pattern| fits(kind, pattern));
        let several = types.is_empty() || types.iter().any(|wanted| wanted == kind);
        let delivered = event.int("pending_webhooks") == 0;
        let state = !params.has("delivery_success") || params.flag("delivery_success") == delivered;
        single && several && state && event.int("created") >= oldest
    })
}

/// `type` may end in a star.
fn fits(kind: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == pattern,
    }
}
