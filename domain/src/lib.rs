//! souk's pure decisions.
//!
//! Everything here is a function of its arguments: no IO, no async runtime, no database, no clock (`now` is an
//! argument). A state machine is `apply(self, event, now) -> Result<(Self, Vec<Effect>), Rejected>`; the
//! `souk-infra` crate loads, applies and writes with a conditional UPDATE.

/// Declares an enum whose every value has one stable text form, the same in code, tables, API and pages.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::UnknownText;
            fn from_str(text: &str) -> Result<Self, crate::UnknownText> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
                    .ok_or_else(|| crate::UnknownText { kind: stringify!($name), text: text.chars().take(64).collect() })
            }
        }
    };
}

/// A text that is none of an enum's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}")]
pub struct UnknownText {
    /// The enum.
    pub kind: &'static str,
    /// What was found, cut to 64 characters.
    pub text: String,
}

pub mod checkout;
pub mod confirm;
pub mod fee;
pub mod gateway;
pub mod ids;
pub mod job;
pub mod money;
pub mod order;
pub mod payment;
pub mod people;
pub mod promotion;
pub mod recurrence;
pub mod refund;
pub mod retry;
pub mod seller;
pub mod text;
