//! souk's effects: the database, the payment gateways, webhooks, jobs, mail.
//!
//! The shell around `souk-domain`: load, apply, write with a conditional UPDATE whose row count decides, and turn
//! effects into rows in the same transaction. No call to a provider is ever made while a transaction is open.

pub mod audit;
pub mod catalogue;
pub mod checkout;
pub mod clock;
pub mod confirm;
pub mod db;
pub mod entity;
pub mod error;
mod events;
pub mod fees;
pub mod gap_fill;
pub mod gateway;
pub mod idempotency;
pub mod inbox;
pub mod jobs;
pub mod live;
pub mod mail;
pub mod orders;
pub mod page;
mod pause;
pub mod payments;
pub mod people;
pub mod promotions;
pub mod refunds;
pub mod seal;
pub mod sellers;
pub mod souk;
pub mod sweeper;
pub mod tenants;
pub mod worker;

pub use clock::Clock;
pub use error::{Error, FieldError, Refusal, RefusalKind, Result};
pub use souk::{Settings, Souk};
