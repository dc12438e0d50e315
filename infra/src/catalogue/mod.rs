//! What is sold: listings, and their slots with a capacity.
//!
//! Buyers see only active listings of active sellers. How many places are free is always worked out from the slot
//! and its holds, never stored; `slots.sold` is not written here.

pub mod listings;
pub mod slots;

use chrono_tz::Tz;
use souk_domain::ids::SellerId;

use crate::error::{Error, Result};

/// Who looks, which decides what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Anyone: what can be bought.
    Public,
    /// The seller's own people: everything of theirs, drafts and archives included.
    Seller(SellerId),
}

fn timezone(text: &str) -> Result<Tz> {
    text.parse().map_err(|_| Error::invalid("/timezone", "must be an IANA time zone such as Europe/Berlin"))
}
