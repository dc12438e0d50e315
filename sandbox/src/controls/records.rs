//! Controls that read: requests seen, webhooks sent, the books; and sending a webhook again.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::json;

use super::respond;
use crate::error::StripeError;
use crate::http::Shared;
use crate::webhooks::Dispatch;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_sandbox/requests", get(requests).delete(clear))
        .route("/_sandbox/deliveries", get(deliveries).delete(clear))
        .route("/_sandbox/deliveries/{id}/resend", post(resend))
        .route("/_sandbox/books", get(books))
}

async fn requests(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let answer = shared.lock().recorder.requests();
    respond(Ok(answer))
}

async fn deliveries(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let answer = shared.lock().recorder.deliveries();
    respond(Ok(answer))
}

/// Forgets both records.
async fn clear(Extract(shared): Extract<Arc<Shared>>) -> Response {
    shared.lock().recorder.clear();
    respond(Ok(json!({})))
}

/// Sends the same event once more, freshly signed, without retries.
async fn resend(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let state = shared.lock();
    let found = state.recorder.delivered_message(&id);
    respond(found.map_or_else(
        || Err(StripeError::no_such("delivery", &id)),
        |message| {
            let answer = json!({ "event_id": message.event_id, "type": message.kind, "url": message.url });
            state.outbox.send(Dispatch { message, attempt: 1, delay: Duration::ZERO, retries: false });
            Ok(answer)
        },
    ))
}

async fn books(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let mut state = shared.lock();
    state.run_due();
    respond(Ok(state.books_report()))
}
