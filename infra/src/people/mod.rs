//! People: logins, sessions, roles, API keys and the links that guests hold.
//!
//! No secret is kept in the clear: passwords are argon2id hashes, tokens SHA-256 hashes. Nothing here is ever logged.

pub mod api_keys;
pub mod memberships;
pub mod order_token;
pub mod password;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod users;

pub use memberships::{add_membership, memberships};
pub use sessions::Issued;
pub use tokens::Access;
pub use users::{NewUser, User};
