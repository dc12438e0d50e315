//! The wire to Stripe's API: one pooled client per tenant, our own idempotency keys, retries, time-outs.
//!
//! It implements async-stripe's public `StripeClient`, so that its typed requests run over it. async-stripe's own
//! client is not used: it opens a connection per request, retries with a key that it invents, and loses response
//! headers. What is retried, and how long to wait, follows Stripe's official SDKs: `stripe-should-retry` decides,
//! else connection errors, 409, 429 and 5xx are tried again.

use std::fmt::Display;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use souk_domain::gateway::GatewayError;
use stripe_client_core::{
    CustomizedStripeRequest, RequestBuilder, RequestStrategy, StripeClient, StripeClientErr, StripeMethod,
};

const ATTEMPTS: u32 = 4;
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// No new attempt begins after this long: whoever waits for the answer is a person.
const PATIENCE: Duration = Duration::from_secs(14);

/// One tenant's connection to Stripe.
#[derive(Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: String,
    secret: String,
}

/// What async-stripe's requests fail with; only a way to carry [`GatewayError`] through its trait.
#[derive(Debug)]
pub(super) struct TransportError(pub(super) GatewayError);

impl StripeClientErr for TransportError {
    fn deserialize_err(msg: impl Display) -> Self {
        Self(GatewayError::Unreadable(msg.to_string()))
    }
}

impl From<TransportError> for GatewayError {
    fn from(error: TransportError) -> Self {
        error.0
    }
}

impl StripeClient for Transport {
    type Err = TransportError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, TransportError> {
        let (request, config) = request.into_pieces();
        let key = match config.request_strategy {
            Some(RequestStrategy::Idempotent(key)) => Some(key.as_str().to_owned()),
            _ => None,
        };
        let account = config.account_id.map(|id| id.as_str().to_owned());
        self.send(request, account.as_deref(), key.as_deref()).await.map_err(TransportError)
    }
}

/// What one attempt came to.
enum Attempt {
    Done(Bytes),
    Final(GatewayError),
    Again(GatewayError, Option<Duration>),
}

impl Transport {
    pub(super) fn new(api_base: &str, secret: &str) -> Result<Self, GatewayError> {
        // A second call finds the provider installed already, which is what is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(4))
            .timeout(ATTEMPT_TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| GatewayError::Unavailable(error.to_string()))?;
        Ok(Self { http, base: format!("{}/v1", api_base.trim_end_matches('/')), secret: secret.to_owned() })
    }

    /// Sends a request and reads the answer as JSON, leniently: one field that async-stripe does not expect would
    /// otherwise fail the whole answer.
    pub(super) async fn json(
        &self,
        request: RequestBuilder,
        account: Option<&str>,
        key: Option<&str>,
    ) -> Result<Value, GatewayError> {
        let bytes = self.send(request, account, key).await?;
        serde_json::from_slice(&bytes).map_err(|error| GatewayError::Unreadable(error.to_string()))
    }

    async fn send(
        &self,
        request: RequestBuilder,
        account: Option<&str>,
        key: Option<&str>,
    ) -> Result<Bytes, GatewayError> {
        let begun = Instant::now();
        let repeatable = key.is_some() || matches!(request.method, StripeMethod::Get | StripeMethod::Delete);
        for attempt in 1.. {
            let (error, wait) = match self.attempt(&request, account, key, attempt).await {
                Attempt::Done(bytes) => return Ok(bytes),
                Attempt::Final(error) => return Err(error),
                Attempt::Again(error, wait) => (error, wait.unwrap_or_else(|| backoff(attempt))),
            };
            if !repeatable || attempt >= ATTEMPTS || begun.elapsed() + wait > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
        Err(GatewayError::Unavailable("no attempt was made".to_owned()))
    }

    async fn attempt(
        &self,
        request: &RequestBuilder,
        account: Option<&str>,
        key: Option<&str>,
        attempt: u32,
    ) -> Attempt {
        let begun = Instant::now();
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let query =
            request.query.as_deref().filter(|q| !q.is_empty()).map(|q| format!("?{q}")).unwrap_or_default();
        let mut http = self
            .http
            .request(method.clone(), format!("{}{}{query}", self.base, request.path))
            .bearer_auth(&self.secret)
            .header("stripe-version", stripe_shared::version::VERSION.as_str());
        if let Some(account) = account {
            http = http.header("stripe-account", account);
        }
        if let Some(key) = key {
            http = http.header("idempotency-key", key);
        }
        if let Some(body) = &request.body {
            http = http.header("content-type", "application/x-www-form-urlencoded").body(body.clone());
        }
        let outcome = match http.send().await {
            Ok(answer) => {
                let (status, headers) = (answer.status(), answer.headers().clone());
                answer.bytes().await.map(|body| (status, headers, body))
            }
            Err(error) => Err(error),
        };
        let millis = begun.elapsed().as_millis();
        match outcome {
            Ok((status, headers, body)) => {
                let request_id = text(&headers, "request-id");
                let path = &request.path;
                tracing::info!(%method, path, account, status = status.as_u16(), request_id, attempt, millis, "stripe call");
                judge(status, &headers, body)
            }
            Err(error) => {
                // `without_url` keeps ids and queries out of the log.
                let error = error.without_url().to_string();
                tracing::warn!(%method, path = request.path, account, attempt, millis, error, "stripe did not answer");
                Attempt::Again(GatewayError::Unavailable(error), None)
            }
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn judge(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Attempt {
    if status.is_success() {
        return Attempt::Done(body);
    }
    let error = read_error(status, headers, &body);
    let again = match text(headers, "stripe-should-retry").as_deref() {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(status.as_u16(), 409 | 429 | 500..),
    };
    let wait = text(headers, "retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    if again { Attempt::Again(error, wait) } else { Attempt::Final(error) }
}

fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> GatewayError {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let field = |name: &str| value["error"][name].as_str().map(str::to_owned);
    let message = field("message").unwrap_or_else(|| format!("HTTP {status}"));
    match status.as_u16() {
        401 => GatewayError::NotConfigured,
        404 => GatewayError::NotFound(message),
        409 | 429 | 500.. => GatewayError::Unavailable(format!("HTTP {}: {message}", status.as_u16())),
        _ => GatewayError::Refused {
            code: field("code").or_else(|| field("type")).unwrap_or_else(|| "unknown".to_owned()),
            message,
            request_id: text(headers, "request-id"),
        },
    }
}

/// Half a second, doubled each time, of which up to half is taken off at random.
fn backoff(attempt: u32) -> Duration {
    let millis = 500_u64 << (attempt - 1).min(4);
    Duration::from_millis(millis - rand::random_range(0..=millis / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, header: Option<&str>, body: &str) -> Attempt {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("stripe-should-retry", value.parse().unwrap());
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers, Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn what_is_tried_again_follows_the_official_sdks() {
        assert!(matches!(judged(200, None, "{}"), Attempt::Done(_)));
        for status in [409, 429, 500, 503] {
            assert!(
                matches!(judged(status, None, "{}"), Attempt::Again(GatewayError::Unavailable(_), None)),
                "{status}"
            );
        }
        assert!(matches!(judged(500, Some("false"), "{}"), Attempt::Final(GatewayError::Unavailable(_))));
        assert!(matches!(judged(400, Some("true"), "{}"), Attempt::Again(..)));
        assert!(matches!(judged(401, None, "{}"), Attempt::Final(GatewayError::NotConfigured)));
        let body =
            r#"{"error":{"type":"card_error","code":"card_declined","message":"Your card was declined."}}"#;
        let Attempt::Final(GatewayError::Refused { code, message, .. }) = judged(402, None, body) else {
            panic!("a decline is final")
        };
        assert_eq!((code.as_str(), message.as_str()), ("card_declined", "Your card was declined."));
    }

    #[test]
    fn waits_grow_and_stay_within_their_bounds() {
        for attempt in 1..=3 {
            let full = 500 << (attempt - 1);
            let wait = backoff(attempt).as_millis();
            assert!((full / 2..=full).contains(&wait), "{wait}");
        }
    }
}
