//! Sends webhooks over HTTP and tries again when they fail. Holds the state's lock only to read a secret
//! and to note a result, never while it waits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, watch};

use super::{Dispatch, sign};
use crate::http::Shared;
use crate::object::Fields;
use crate::state::vault::Kind;

/// How long an endpoint may take to answer; Stripe publishes no number.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Attempts that stand for Stripe's three days.
const ATTEMPTS: u32 = 8;
/// Requests under way at once.
const PARALLEL: usize = 256;

/// Names under `localhost` are this machine, whatever the system's resolver thinks of them.
struct LocalNames;

impl Resolve for LocalNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = if host == "localhost" || host.ends_with(".localhost") {
                vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)]
            } else {
                tokio::net::lookup_host((host, 0)).await?.collect()
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The client that sends webhooks: no proxy, no redirects (a 3xx is a failure).
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    // The HTTP client is built without cryptography of its own. That somebody installed it before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(LocalNames)
        .timeout(ANSWER_WITHIN)
        .build()
}

/// Runs until `stop` turns true: one task per attempt, a bounded number of them on the network.
pub(crate) async fn run(
    shared: Arc<Shared>,
    client: reqwest::Client,
    mut queue: UnboundedReceiver<Dispatch>,
    mut stop: watch::Receiver<bool>,
) {
    let gate = Arc::new(Semaphore::new(PARALLEL));
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => break,
            Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
            next = queue.recv() => {
                let Some(dispatch) = next else { break };
                under_way.spawn(attempt(Arc::clone(&shared), client.clone(), Arc::clone(&gate), dispatch));
            }
        }
    }
    under_way.shutdown().await;
}

async fn attempt(shared: Arc<Shared>, client: reqwest::Client, gate: Arc<Semaphore>, dispatch: Dispatch) {
    tokio::time::sleep(dispatch.delay).await;
    let Ok(_permit) = gate.acquire().await else { return };
    let message = &dispatch.message;
    // An endpoint that was deleted or disabled in the meantime gets no further attempts.
    let Some((url, secret)) = shared.lock().endpoint_target(&message.owner, &message.endpoint) else {
        return;
    };
    // Receivers compare this with their own clock, so it is the wall clock's time, not the sandbox's.
    let timestamp = chrono::Utc::now().timestamp();
    let sent = client
        .post(&url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("stripe-signature", sign::signature(&secret, timestamp, &message.body))
        .body(message.body.clone())
        .send()
        .await;
    let (status, problem) = match &sent {
        Ok(response) => (Value::from(response.status().as_u16()), None),
        Err(error) => (Value::Null, Some(error.to_string())),
    };
    let delivered = sent.is_ok_and(|response| response.status().is_success());
    let mut state = shared.lock();
    state.recorder.delivery(message, dispatch.attempt, status, problem.as_deref());
    if delivered {
        state.note_delivered(message);
    } else if dispatch.retries && dispatch.attempt < ATTEMPTS {
        let delay = state.config.webhook_retry_base * 2u32.saturating_pow(dispatch.attempt - 1);
        let again = Dispatch { attempt: dispatch.attempt + 1, delay, ..dispatch.clone() };
        state.outbox.send(again);
    }
}

impl crate::state::State {
    /// Address and signing secret of an endpoint, if it still wants deliveries.
    pub(crate) fn endpoint_target(&self, owner: &str, endpoint: &str) -> Option<(String, String)> {
        let object = self.peek(owner)?.get(Kind::WebhookEndpoint, endpoint)?;
        (object.text("status") == "enabled")
            .then(|| (object.text("url").to_owned(), object.text("_secret").to_owned()))
    }

    /// Counts a successful delivery on the event itself.
    fn note_delivered(&mut self, message: &super::Message) {
        let account = message.account.clone().unwrap_or_else(|| message.owner.clone());
        self.update(&account, Kind::Event, &message.event_id, |event| {
            let left = event.int("pending_webhooks") - 1;
            event.put("pending_webhooks", left.max(0));
        });
    }
}
