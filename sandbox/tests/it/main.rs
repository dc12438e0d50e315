//! The sandbox from outside: real HTTP, the way a marketplace's backend and its buyers would use it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test stop it as the test itself would")]

mod accounts;
mod books;
mod checkout;
mod controls;
mod conventions;
mod decode;
mod disputes;
mod faults;
mod forms;
mod intents;
mod money;
mod pages;
mod payouts;
mod refunds;
mod support;
mod webhooks;
