//! Payments from the first attempt to the last refund: who pays whom, and when. Every movement of money
//! goes through `State::post`; nothing here touches a balance by itself.

pub(crate) mod attempts;
pub(crate) mod cards;
pub(crate) mod debits;
pub(crate) mod disputes;
pub(crate) mod fees;
pub(crate) mod intents;
pub(crate) mod payouts;
pub(crate) mod refunds;
pub(crate) mod settle;
pub(crate) mod terms;
pub(crate) mod transfers;
