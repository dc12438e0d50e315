//! Errors without a transport: what the caller may see and what only the log may see are two texts.

use sea_orm::DbErr;
use serde_json::{Map, Value};
use souk_domain::gateway::GatewayError;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault it is, which decides the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Malformed or out of bounds (400).
    Invalid,
    /// Not logged in, or no longer (401).
    Unauthenticated,
    /// Logged in, but not allowed to do this at all (403).
    Forbidden,
    /// Not there, or not this caller's to see (404).
    NotFound,
    /// At odds with what is (409).
    Conflict,
    /// Understood, but makes no sense (422).
    Unprocessable,
    /// Too much at once (429).
    TooMany,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the request body.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// A refusal that the caller may read.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Whose fault.
    pub kind: RefusalKind,
    /// Stable and documented.
    pub code: &'static str,
    /// For people.
    pub detail: String,
    /// Per field.
    pub fields: Vec<FieldError>,
    /// More members of the answer, such as the slot that is sold out.
    pub extra: Map<String, Value>,
}

impl Refusal {
    /// A refusal with a stable code and a sentence for people.
    pub fn new(kind: RefusalKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), fields: Vec::new(), extra: Map::new() }
    }

    /// Says which field is wrong; the pointer is a JSON pointer into the request body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        let detail = self.detail.clone();
        self.fields.push(FieldError { pointer: pointer.into(), detail });
        self
    }

    /// Adds a member to the answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's fault; safe to show.
    #[error("refused: {} ({})", .0.detail, .0.code)]
    Refused(Box<Refusal>),
    /// The payment provider's; its words are for the log and for admins.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The database's.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// What is stored makes no sense; the text says where.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// Anything else that is ours; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl Error {
    /// Something that is not there, or not this caller's to see: the same answer, so that nobody learns which.
    pub fn not_found(what: &str) -> Self {
        Refusal::new(RefusalKind::NotFound, "not_found", format!("There is no such {what}.")).into()
    }

    /// A field outside its bounds. `pointer` is a JSON pointer into the request body.
    pub fn invalid(pointer: &str, detail: impl std::fmt::Display) -> Self {
        let sentence = format!("{} {detail}.", pointer.trim_start_matches('/').replace('/', "."));
        let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid_field", sentence);
        refusal.fields.push(FieldError { pointer: pointer.to_owned(), detail: detail.to_string() });
        refusal.into()
    }

    /// At odds with what is.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Refusal::new(RefusalKind::Conflict, code, detail).into()
    }

    /// Understood, but makes no sense.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Refusal::new(RefusalKind::Unprocessable, code, detail).into()
    }

    /// Logged in, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Refusal::new(RefusalKind::Forbidden, "forbidden", detail).into()
    }

    /// The stable code, where there is one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    /// Whether the same thing may succeed when tried again later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Gateway(error) => error.is_transient(),
            Self::Database(_) | Self::Internal(_) => true,
            Self::Refused(_) | Self::Corrupt(_) => false,
        }
    }

    /// Whether work that nobody waits for may succeed later: what [`Error::is_transient`] says, and keys that an admin
    /// may put right.
    pub fn may_heal(&self) -> bool {
        self.is_transient() || matches!(self, Self::Gateway(GatewayError::NotConfigured))
    }

    /// Whether the database refused because a unique key is taken.
    pub fn is_unique_violation(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
    }
}

/// Reads a stored text back as the domain's value; a text that is none is [`Error::Corrupt`], never a panic.
pub fn stored<T: std::str::FromStr>(column: &str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::Corrupt(format!("{column} holds {text:?}")))
}
