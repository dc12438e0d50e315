//! The world of one test, and the actors in it.

mod actors;
mod audit;
mod document;
mod provider;
pub mod raw;
mod world;

pub use actors::{Api, Reply};
pub use document::{Document, Operation, Place};
pub use provider::{post_webhook, signature};
pub use world::{World, database, eventually};
