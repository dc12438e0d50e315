//! The world of one test, and the actors in it.

mod actors;
mod audit;
mod provider;
mod world;

pub use actors::{Api, Reply};
pub use provider::{post_webhook, signature};
pub use world::{World, database, eventually};
