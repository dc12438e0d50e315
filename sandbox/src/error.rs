//! Stripe's error object. Knows shapes and wording only; must never decide whether something is an error.

use serde_json::{Map, Value, json};

/// When in a request's life the error arose; it decides what the idempotency layer keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the endpoint ran: nothing is stored, no `stripe-should-retry` is sent.
    Validation,
    /// While the endpoint ran: stored under the key, `stripe-should-retry: false`.
    Execution,
    /// A lock or a limit in the way: not stored, `stripe-should-retry: true`.
    Contention,
}

/// One refused request, as it will be rendered.
#[derive(Clone, Debug)]
pub(crate) struct StripeError {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    pub(crate) extra: Map<String, Value>,
    pub(crate) stage: Stage,
}

/// What an endpoint gives back: an object, or the reason why not.
pub(crate) type Answer = Result<Value, StripeError>;

impl StripeError {
    /// 400 `invalid_request_error` raised by an endpoint that has begun.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            param: None,
            message: message.into(),
            extra: Map::new(),
            stage: Stage::Execution,
        }
    }

    /// 400 for a parameter that never reached the endpoint.
    pub(crate) fn parameter(code: &str, param: &str, message: impl Into<String>) -> Self {
        let mut error = Self::invalid(message).code(code).param(param);
        error.stage = Stage::Validation;
        error
    }

    /// A parameter that an endpoint needs and did not get.
    pub(crate) fn missing(param: &str) -> Self {
        Self::parameter("parameter_missing", param, format!("Missing required param: {param}."))
    }

    /// 404 for an id in the path.
    pub(crate) fn no_such(what: &str, id: &str) -> Self {
        let mut error = Self::invalid(format!("No such {what}: '{id}'")).code("resource_missing").param("id");
        error.status = 404;
        error
    }

    /// 400 for an id in the body: Stripe's code is the same as for a path, its status is not.
    pub(crate) fn no_such_in(param: &str, what: &str, id: &str) -> Self {
        Self::invalid(format!("No such {what}: '{id}'")).code("resource_missing").param(param)
    }

    /// Something that Stripe can do and this simulator can't, said plainly instead of being ignored.
    pub(crate) fn not_simulated(what: &str) -> Self {
        let mut error = Self::invalid(format!("stripe-sandbox does not simulate {what}."));
        error.stage = Stage::Validation;
        error
    }

    /// 402 `card_error`; `decline_code` is empty when the card network gave none.
    pub(crate) fn card(code: &str, decline_code: &str, message: &str) -> Self {
        let mut error = Self::invalid(message).code(code);
        error.status = 402;
        error.kind = "card_error";
        if !decline_code.is_empty() {
            error.extra.insert("decline_code".into(), json!(decline_code));
        }
        error
    }

    pub(crate) fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    pub(crate) fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.extra.insert(key.to_owned(), value);
        self
    }

    /// The fields inside `error`, without the envelope; also what `last_payment_error` shows.
    pub(crate) fn fields(&self) -> Value {
        let mut fields = self.extra.clone();
        fields.insert("type".into(), json!(self.kind));
        fields.insert("message".into(), json!(self.message));
        if let Some(code) = &self.code {
            fields.insert("code".into(), json!(code));
            fields.insert(
                "doc_url".into(),
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))),
            );
        }
        if let Some(param) = &self.param {
            fields.insert("param".into(), json!(param));
        }
        Value::Object(fields)
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.fields() })
    }
}

impl StripeError {
    /// Stripe gives no code for plainly wrong values.
    pub(crate) fn without_code(mut self) -> Self {
        self.code = None;
        self
    }
}
