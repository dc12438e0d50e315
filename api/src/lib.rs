//! souk's HTTP API, pages and command line: a thin shell over `souk-infra`.

pub mod app;
pub mod auth;
pub mod cli;
pub mod codes;
pub mod demo;
mod docs;
pub mod error;
pub mod extract;
mod limit;
mod metrics;
mod middleware;
mod pages;
pub mod routes;
pub mod server;
pub mod settings;
pub mod startup;
pub mod state;
pub mod tenancy;
pub mod view;

pub use app::app;
pub use state::{AppState, HttpSettings};
