//! The router as a whole, called in-process over SQLite: what every client sees before any marketplace logic runs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod catalogue;
mod market;
mod people;
mod problems;
mod sellers;
mod support;
