//! `/v1/webhook_endpoints`: who hears of events. The secret is shown once, when the endpoint is made.

use serde_json::{Value, json};

use super::Route;
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::object::{Fields, merge_metadata, metadata_of};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/webhook_endpoints", create),
    Route::new("GET /v1/webhook_endpoints", list),
    Route::new("GET /v1/webhook_endpoints/{id}", |call| call.named(Kind::WebhookEndpoint)),
    Route::new("POST /v1/webhook_endpoints/{id}", update),
    Route::new("DELETE /v1/webhook_endpoints/{id}", delete),
];

fn create(call: &mut Call<'_>) -> Answer {
    check_url(&call.params)?;
    if call.params.list("enabled_events").is_empty() {
        return Err(StripeError::missing("enabled_events"));
    }
    let id = call.state.ids.object("we_1");
    let secret = call.state.ids.make("whsec_", 32);
    let connect = call.params.flag("connect");
    let mut object = json!({
        "id": id, "object": "webhook_endpoint", "api_version": call.params.get("api_version"),
        "application": connect.then(|| application_id(&call.platform)), "created": call.state.now(),
        "description": call.params.get("description"), "enabled_events": call.params["enabled_events"],
        "livemode": call.live(), "metadata": metadata_of(&call.params), "status": "enabled",
        "url": call.params["url"], "_connect": connect, "_secret": secret,
    });
    call.vault().insert(Kind::WebhookEndpoint, object.clone());
    object.put("secret", secret);
    Ok(object)
}

/// The platform's Connect application, as fees and connect endpoints name it.
pub(crate) fn application_id(platform: &str) -> String {
    format!("ca_{}", platform.trim_start_matches("acct_"))
}

fn check_url(params: &Value) -> Result<(), StripeError> {
    let Some(address) = params.opt_text("url") else { return Ok(()) };
    match url::Url::parse(address) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(()),
        _ => Err(StripeError::parameter(
            "url_invalid",
            "url",
            "Invalid URL: An explicit scheme (such as https) must be provided.",
        )),
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::WebhookEndpoint, "/v1/webhook_endpoints", |_| true)
}

fn update(call: &mut Call<'_>) -> Answer {
    call.named(Kind::WebhookEndpoint)?;
    check_url(&call.params)?;
    let (id, params, account) = (call.arg(0).to_owned(), call.params.clone(), call.account.clone());
    Ok(call.state.update(&account, Kind::WebhookEndpoint, &id, |endpoint| {
        merge_metadata(endpoint, &params);
        for field in ["url", "enabled_events", "description"] {
            if let Some(value) = params.get(field) {
                endpoint.put(field, value.clone());
            }
        }
        if params.has("disabled") {
            endpoint.put("status", if params.flag("disabled") { "disabled" } else { "enabled" });
        }
    }))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.named(Kind::WebhookEndpoint)?;
    let id = call.arg(0).to_owned();
    call.vault().remove(Kind::WebhookEndpoint, &id);
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}
