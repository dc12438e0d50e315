//! Sending events that did not happen: stale, foreign, unknown, of the other mode.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::{json_body, respond};
use crate::error::{Answer, StripeError};
use crate::http::Shared;
use crate::object::Fields;
use crate::state::vault::Kind;
use crate::state::{API_VERSION, State};
use crate::webhooks::Message;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/_sandbox/events/send", post(send))
}

async fn send(Extract(shared): Extract<Arc<Shared>>, body: Bytes) -> Response {
    respond(json_body(&body).and_then(|wish| craft(&mut shared.lock(), &wish)))
}

/// `{type, object, account?, id?, livemode?, api_version?, created?, previous_attributes?, platform?, endpoint?,
/// url?, force?}`. With `account` it goes to connect endpoints, without to plain ones; of the account's
/// platform if it has one here, else of all. `force` ignores what endpoints subscribed to.
fn craft(state: &mut State, wish: &Value) -> Answer {
    let Some(kind) = wish.opt_text("type") else { return Err(StripeError::missing("type")) };
    let account = wish.opt_text("account");
    let id = match wish.opt_text("id") {
        Some(id) => id.to_owned(),
        None => state.ids.object("evt_"),
    };
    let mut data = json!({ "object": wish.get("object").cloned().unwrap_or_else(|| json!({})) });
    if let Some(previous) = wish.get("previous_attributes") {
        data.put("previous_attributes", previous.clone());
    }
    let mut event = json!({
        "id": id, "object": "event", "api_version": wish.opt_text("api_version").unwrap_or(API_VERSION),
        "created": wish.opt_int("created").unwrap_or_else(|| state.now()), "data": data,
        "livemode": wish.flag("livemode"), "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null }, "type": kind,
    });
    if let Some(account) = account {
        event.put("account", account);
    }
    let body = event.to_string();
    let messages: Vec<Message> = targets(state, wish, account, kind)
        .into_iter()
        .map(|(owner, endpoint, url)| Message {
            event_id: id.clone(),
            kind: kind.to_owned(),
            owner,
            endpoint,
            url,
            account: account.map(str::to_owned),
            body: body.clone(),
        })
        .collect();
    let count = messages.len();
    let State { outbox, faults, recorder, .. } = state;
    for message in messages {
        outbox.submit(message, faults, recorder);
    }
    Ok(json!({ "event": event, "endpoints": count }))
}

fn targets(state: &State, wish: &Value, account: Option<&str>, kind: &str) -> Vec<(String, String, String)> {
    let platform =
        wish.opt_text("platform").or_else(|| account.and_then(|account| state.platform_of(account)));
    let mut found = Vec::new();
    for owner in state.accounts() {
        if platform.is_some_and(|platform| platform != owner) {
            continue;
        }
        let endpoints = state.peek(&owner).into_iter().flat_map(|vault| vault.all(Kind::WebhookEndpoint));
        for endpoint in endpoints {
            let subscribed = endpoint.list("enabled_events").iter().any(|name| name == "*" || name == kind);
            let wanted = endpoint.flag("_connect") == account.is_some()
                && (subscribed || wish.flag("force"))
                && wish.opt_text("endpoint").is_none_or(|id| endpoint.text("id") == id)
                && wish.opt_text("url").is_none_or(|url| endpoint.text("url") == url);
            if wanted {
                found.push((owner.clone(), endpoint.text("id").to_owned(), endpoint.text("url").to_owned()));
            }
        }
    }
    found
}
