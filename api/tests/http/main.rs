//! The router as a whole, called in-process over SQLite: what every client sees before any marketplace logic runs.

mod openapi;
mod people;
mod problems;
mod served;
mod support;
