//! The router as a whole, called in-process over SQLite: what every client sees before any marketplace logic runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as loudly as the tests")]

mod openapi;
mod people;
mod problems;
mod served;
mod support;
