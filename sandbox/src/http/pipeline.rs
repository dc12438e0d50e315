//! The way of every API request: fault plan, key, account, idempotency, parameters, endpoint, expansion,
//! headers, record. The endpoint runs under the lock; waiting happens outside of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{FromRequest, Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use serde_json::{Value, json};

use super::connection::Scissors;
use super::faults::Fate;
use super::idempotency::Stored;
use super::recorder::mask;
use super::{Call, Shared, expand};
use crate::error::{Stage, StripeError};
use crate::form::{self, Node};
use crate::object::{Fields, public};
use crate::routes::{self, Route};
use crate::spec;
use crate::state::{API_VERSION, State};

/// A request, read completely.
struct Incoming {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: String,
    request_id: String,
}

/// An answer, not yet sent.
struct Reply {
    status: u16,
    body: Value,
    request_id: String,
    /// What `stripe-should-retry` says, if it is sent.
    should_retry: Option<bool>,
    replayed: bool,
    extra: Vec<(&'static str, String)>,
}

/// Who asks, and for which account.
struct Caller {
    platform: String,
    account: String,
}

/// Serves one request under `/v1`.
pub(crate) async fn serve(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::new(),
        request_id: String::new(),
    };
    let bytes = Bytes::from_request(Request::new(body), &()).await.unwrap_or_default();
    incoming.body = String::from_utf8_lossy(&bytes).into_owned();

    let (caller, fate) = {
        let mut state = shared.lock();
        state.run_due();
        incoming.request_id = state.ids.make("req_", 14);
        let caller = identify(&mut state, &incoming);
        // The key is checked before the rate limiter, the rate limiter before everything else.
        let fate = match &caller {
            Ok(_) => state.faults.api_fate(&incoming.method, &incoming.path),
            Err(_) => Fate::Spared,
        };
        (caller, fate)
    };
    let reply = match (caller, fate) {
        (Err(error), _) => Reply::refused(&incoming, &error),
        (Ok(_), Fate::DropBefore) => {
            shared.lock().recorder.request(incoming.record(0, "connection dropped before the work"));
            scissors.cut();
            return Response::new(Body::empty());
        }
        (Ok(_), Fate::TooMany) => Reply::rate_limited(&incoming),
        (Ok(caller), Fate::Broken { saved }) => broken(&mut shared.lock(), &incoming, &caller, saved),
        (Ok(caller), Fate::Slow(delay)) => slowly(&shared, &incoming, &caller, delay).await,
        (Ok(caller), _) => answer(&mut shared.lock(), &incoming, &caller, false),
    };
    let note = match fate {
        Fate::SilentAfterWork => "work done, never answered",
        Fate::DropAfterWork => "work done, connection dropped",
        _ => "",
    };
    shared.lock().recorder.request(incoming.record(reply.status, note));
    match fate {
        Fate::SilentAfterWork => {
            // The client gives up first; a stopping server must not wait for it.
            let mut stop = shared.stop.clone();
            let _ = stop.wait_for(|stopped| *stopped).await;
            scissors.cut();
            Response::new(Body::empty())
        }
        Fate::DropAfterWork => {
            scissors.cut();
            Response::new(Body::empty())
        }
        _ => reply.into_response(&incoming),
    }
}

/// Holds the key while time passes, so that a second request with the same key meets a running first one.
async fn slowly(shared: &Shared, incoming: &Incoming, caller: &Caller, delay: Duration) -> Reply {
    let held = {
        let mut state = shared.lock();
        let now = state.now();
        match incoming.idempotency_key() {
            Some(key)
                if state
                    .keys
                    .look_up(&caller.account, key, &incoming.fingerprint())
                    .is_ok_and(|found| found.is_none()) =>
            {
                state.keys.begin(&caller.account, key, &incoming.fingerprint(), now);
                true
            }
            _ => false,
        }
    };
    tokio::time::sleep(delay).await;
    answer(&mut shared.lock(), incoming, caller, held)
}

fn identify(state: &mut State, incoming: &Incoming) -> Result<Caller, StripeError> {
    let key = secret_key(&incoming.headers)?;
    let platform = state.open_platform(&key);
    let account = match incoming.header("stripe-account") {
        Some(account) if account != platform => {
            if !state.is_connected(account, &platform) {
                let masked = mask(&key);
                let message = format!(
                    "The provided key '{masked}' does not have access to account '{account}' (or that account does not exist). Application access may have been revoked."
                );
                let error = StripeError::invalid(message).code("account_invalid").status(403);
                return Err(error.stage(Stage::Validation));
            }
            account.to_owned()
        }
        _ => platform.clone(),
    };
    Ok(Caller { platform, account })
}

fn secret_key(headers: &HeaderMap) -> Result<String, StripeError> {
    let unauthorized = |message: String| StripeError::invalid(message).status(401).stage(Stage::Validation);
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = if let Some(token) = header.strip_prefix("Bearer ") {
        token.trim().to_owned()
    } else if let Some(basic) = header.strip_prefix("Basic ") {
        let decoded = base64::engine::general_purpose::STANDARD.decode(basic.trim()).unwrap_or_default();
        let pair = String::from_utf8_lossy(&decoded).into_owned();
        pair.split(':').next().unwrap_or_default().to_owned()
    } else {
        return Err(unauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').".to_owned()));
    };
    let tail =
        ["sk_test_", "sk_live_", "rk_test_", "rk_live_"].iter().find_map(|prefix| key.strip_prefix(prefix));
    match tail {
        Some(tail)
            if tail.len() >= 3 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            Ok(key)
        }
        _ => Err(unauthorized(format!("Invalid API Key provided: {}", obscure(&key)))),
    }
}

/// The first and last letters of a key that is not one.
fn obscure(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let shown = letters.len().min(7);
    format!("{}****", letters[..shown].iter().collect::<String>())
}

/// Runs the endpoint, or finds its earlier answer. `held` says that the key is already ours.
fn answer(state: &mut State, incoming: &Incoming, caller: &Caller, held: bool) -> Reply {
    state.run_due();
    let key = incoming.idempotency_key();
    let print = incoming.fingerprint();
    if let (Some(key), false) = (key, held) {
        if key.len() > 255 {
            let message = "Idempotency keys cannot be longer than 255 characters.";
            return Reply::refused(incoming, &StripeError::invalid(message).stage(Stage::Validation));
        }
        match state.keys.look_up(&caller.account, key, &print) {
            Ok(Some(stored)) => return Reply::replay(incoming, stored),
            Ok(None) => {}
            Err(error) => return Reply::refused(incoming, &error),
        }
    }
    let result = prepare(incoming).and_then(|(route, args, params)| {
        if let Some(key) = key {
            let now = state.now();
            state.keys.begin(&caller.account, key, &print, now);
        }
        state.request = json!({ "id": incoming.request_id, "idempotency_key": key });
        let mut call = Call {
            state,
            platform: caller.platform.clone(),
            account: caller.account.clone(),
            args,
            params: params.clone(),
        };
        let outcome = (route.handler)(&mut call);
        state.request = json!({ "id": null, "idempotency_key": null });
        state.run_due();
        let mut body = public(&outcome?);
        expand::apply(state, &caller.account, &mut body, &params);
        Ok(body)
    });
    let reply = match result {
        Ok(body) => Reply::done(incoming, body),
        Err(error) => {
            if let (Some(key), true) = (key, error.stage != Stage::Execution) {
                state.keys.abandon(&caller.account, key);
            }
            Reply::refused(incoming, &error)
        }
    };
    if let Some(key) = key {
        let stored = Stored {
            status: reply.status,
            body: reply.body.clone(),
            request_id: incoming.request_id.clone(),
        };
        state.keys.finish(&caller.account, key, stored);
    }
    reply
}

/// Everything that can be refused before an endpoint begins.
fn prepare(incoming: &Incoming) -> Result<(&'static Route, Vec<String>, Value), StripeError> {
    let (route, args) = routes::find(&incoming.method, &incoming.path).ok_or_else(|| {
        let message = format!(
            "Unrecognized request URL ({}: {}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.",
            incoming.method, incoming.path
        );
        StripeError::invalid(message).status(404).stage(Stage::Validation)
    })?;
    let form =
        incoming.form().map_err(|error| StripeError::parameter("", "", error.to_string()).without_code())?;
    if route.endpoint.starts_with("POST /v1/payment_intents") && names(&form, "payment_method_types") {
        let message = "The payment_method_types parameter is no longer supported. Use allowed_payment_method_types, excluded_payment_method_types or automatic payment methods instead.";
        return Err(StripeError::parameter(
            "payment_method_types_no_longer_supported",
            "payment_method_types",
            message,
        ));
    }
    let params = spec::check(route.endpoint, &form)?;
    expand::check(&params)?;
    Ok((route, args, params))
}

fn names(form: &Node, name: &str) -> bool {
    matches!(form, Node::Branch(children) if children.iter().any(|(key, _)| key == name))
}

fn broken(state: &mut State, incoming: &Incoming, caller: &Caller, saved: bool) -> Reply {
    let mut error = StripeError::invalid("An unknown error occurred").status(500).kind("api_error");
    if !saved {
        error = error.stage(Stage::Contention);
    }
    let reply = Reply::refused(incoming, &error);
    if let (Some(key), true) = (incoming.idempotency_key(), saved) {
        let print = incoming.fingerprint();
        // A key that already has an answer keeps it: a replay is not broken by a fault.
        match state.keys.look_up(&caller.account, key, &print) {
            Ok(Some(stored)) => return Reply::replay(incoming, stored),
            Ok(None) => {}
            Err(error) => return Reply::refused(incoming, &error),
        }
        let now = state.now();
        state.keys.begin(&caller.account, key, &print, now);
        let stored =
            Stored { status: 500, body: reply.body.clone(), request_id: incoming.request_id.clone() };
        state.keys.finish(&caller.account, key, stored);
    }
    reply
}

impl Incoming {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
    }

    /// Keys mean something on POST only.
    fn idempotency_key(&self) -> Option<&str> {
        (self.method == "POST").then(|| self.header("idempotency-key")).flatten()
    }

    fn form(&self) -> Result<Node, form::Malformed> {
        match (self.query.is_empty(), self.body.is_empty()) {
            (true, _) => form::parse(&self.body),
            (false, true) => form::parse(&self.query),
            (false, false) => form::parse(&format!("{}&{}", self.query, self.body)),
        }
    }

    /// What makes two requests the same one: the order of parameters does not.
    fn fingerprint(&self) -> String {
        let mut pairs: Vec<&str> = self.query.split('&').chain(self.body.split('&')).collect();
        pairs.sort_unstable();
        format!("{} {} {}", self.method, self.path, pairs.join("&"))
    }

    fn record(&self, status: u16, note: &str) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let text = value.to_str().unwrap_or_default();
                let basic = name == "authorization" && text.starts_with("Basic ");
                (name.to_string(), json!(if basic { "Basic ***".to_owned() } else { mask(text) }))
            })
            .collect();
        let params = self.form().map(|form| form.to_json().to_string()).unwrap_or_default();
        let params: Value = serde_json::from_str(&mask(&params)).unwrap_or_default();
        let mut entry = json!({
            "id": self.request_id, "method": self.method, "path": self.path, "query": self.query,
            "headers": headers, "body": mask(&self.body), "params": params, "status": status,
        });
        if !note.is_empty() {
            entry.put("note", note);
        }
        entry
    }
}

impl Reply {
    fn done(incoming: &Incoming, body: Value) -> Self {
        Self {
            status: 200,
            body,
            request_id: incoming.request_id.clone(),
            should_retry: (incoming.method == "POST").then_some(false),
            replayed: false,
            extra: Vec::new(),
        }
    }

    fn refused(incoming: &Incoming, error: &StripeError) -> Self {
        let mut body = error.body();
        let log = format!("https://dashboard.stripe.com/test/logs/{}", incoming.request_id);
        body["error"].put("request_log_url", log);
        let should_retry = match error.stage {
            Stage::Validation => None,
            Stage::Execution => Some(false),
            Stage::Contention => Some(true),
        };
        Self { should_retry, status: error.status, ..Self::done(incoming, body) }
    }

    fn rate_limited(incoming: &Incoming) -> Self {
        let message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.";
        let error = StripeError::invalid(message).status(429).kind("rate_limit_error").code("rate_limit");
        let mut reply = Self::refused(incoming, &error.stage(Stage::Validation));
        reply.extra.push(("stripe-rate-limited-reason", "global-rate".to_owned()));
        reply
    }

    fn replay(incoming: &Incoming, stored: Stored) -> Self {
        let mut reply = Self::done(incoming, stored.body);
        reply.status = stored.status;
        reply.replayed = true;
        reply.extra.push(("original-request", stored.request_id));
        reply
    }

    fn into_response(self, incoming: &Incoming) -> Response {
        let mut text = serde_json::to_string_pretty(&self.body).unwrap_or_default();
        text.push('\n');
        let mut response = Response::new(Body::from(text));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let version = incoming.header("stripe-version").unwrap_or(API_VERSION).to_owned();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("request-id", self.request_id.clone()),
            ("stripe-version", version),
        ];
        if let Some(account) = incoming.header("stripe-account") {
            headers.push(("stripe-account", account.to_owned()));
        }
        if let Some(key) = incoming.idempotency_key() {
            headers.push(("idempotency-key", key.to_owned()));
            if !self.replayed {
                headers.push(("original-request", self.request_id));
            }
        }
        if let Some(retry) = self.should_retry {
            headers.push(("stripe-should-retry", retry.to_string()));
        }
        if self.replayed {
            headers.push(("idempotent-replayed", "true".to_owned()));
        }
        headers.extend(self.extra);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
