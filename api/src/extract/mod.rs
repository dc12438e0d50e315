//! What handlers take from a request, each with an answer in problem+json when it is wrong.

mod body;
mod card;
mod idempotency;
mod page;
mod path;

pub use body::{Json, MAX_BODY, OptionalJson};
pub use idempotency::{IdempotencyKey, IdempotencyKeyOptional, replayed};
pub use page::{PageParams, PageQuery, invalid_parameter};
pub use path::{PathId, Query};
