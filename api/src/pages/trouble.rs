//! What went wrong with a form, in words that its reader can act on. The form is shown again with it and with
//! everything that was typed.

use axum::http::StatusCode;
use souk_domain::gateway::GatewayError;
use souk_infra::{Error, Refusal};

use crate::error::{ApiError, Result, status_of};

/// What is wrong with a form; nothing, by default.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    /// The answer's status.
    pub(super) status: StatusCode,
    /// For people; empty where nothing is wrong.
    pub(super) message: String,
    /// The fields that it is about.
    fields: Vec<String>,
    /// The refusal's stable code.
    pub(super) code: &'static str,
}

impl Trouble {
    /// What the reader of a form can do something about. A fault of ours is an error page instead.
    pub(super) fn of(error: impl Into<ApiError>) -> Result<Self> {
        match error.into().0 {
            Error::Refused(refusal) => Ok(Self {
                status: status_of(refusal.kind),
                message: words(&refusal),
                fields: refusal.fields.iter().map(|field| last(&field.pointer).to_owned()).collect(),
                code: refusal.code,
            }),
            Error::Gateway(error) => {
                tracing::error!(%error, "the payment provider failed a form");
                let message = match error {
                    GatewayError::Unavailable(_) | GatewayError::Unreadable(_) => {
                        "The payment provider can't be reached right now. Nothing was charged; try again in a moment."
                    }
                    GatewayError::Refused { .. } | GatewayError::NotFound(_) => {
                        "The payment provider refused this. The marketplace's admins find its reason in the log."
                    }
                    GatewayError::NotConfigured => {
                        "This marketplace has no working keys for the payment provider."
                    }
                };
                Ok(Self {
                    status: StatusCode::BAD_GATEWAY,
                    message: message.to_owned(),
                    fields: Vec::new(),
                    code: "provider",
                })
            }
            error => Err(ApiError(error)),
        }
    }

    /// Whether anything is wrong.
    pub(super) fn is_some(&self) -> bool {
        !self.message.is_empty()
    }

    /// Whether it is about this field.
    pub(super) fn at(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field == name)
    }
}

fn last(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or(pointer)
}

/// The API's refusals name fields as programs know them; people know their labels.
fn words(refusal: &Refusal) -> String {
    match refusal.fields.as_slice() {
        [field] if refusal.code == "invalid_field" && field.detail != refusal.detail => {
            sentence(last(&field.pointer), &field.detail)
        }
        _ => refusal.detail.clone(),
    }
}

fn sentence(name: &str, detail: &str) -> String {
    let label = match name {
        "dtstart" | "starts_at" => "start".to_owned(),
        "ends_at" => "end".to_owned(),
        "duration_minutes" => "length".to_owned(),
        "rrule" => "repetition".to_owned(),
        "fee_bps" | "percent_bps" => "rate".to_owned(),
        name => name.replace('_', " "),
    };
    let mut letters = label.chars();
    let label: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    format!("{label} {detail}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_people_know_them() {
        let trouble = Trouble::of(Error::invalid("/items/0/display_name", "must have 1 to 120 characters"));
        let trouble = trouble.unwrap();
        assert_eq!(trouble.message, "Display name must have 1 to 120 characters.");
        assert!(trouble.at("display_name") && !trouble.at("items") && trouble.is_some());
        assert!(!Trouble::default().is_some());
        assert!(Trouble::of(Error::Internal("secret".to_owned())).is_err());
    }
}
