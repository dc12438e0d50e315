//! The world of one test, and the actors in it.

mod actors;
mod world;

pub use actors::{Api, Reply};
pub use world::{World, database, eventually};
