//! The router as a whole, called in-process over SQLite: what every client sees.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod catalogue;
mod market;
mod openapi;
mod people;
mod problems;
mod sellers;
mod served;
mod support;
