//! The world of one test, and the actors in it.

mod actors;
mod document;
pub mod raw;
mod world;

pub use actors::{Api, Reply};
pub use document::{Document, Operation, Place};
pub use world::{World, eventually};
