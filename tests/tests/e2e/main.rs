//! The one end-to-end test binary: HTTP in, database and provider state out.
//!
//! Every test starts souk and the sandbox on free ports with a database of its own, SQLite or PostgreSQL as
//! `SOUK_TEST_DATABASE` says, and talks to both over HTTP like anybody else.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(unreachable_pub, reason = "the support modules are shared by every test of this binary")]

mod bad_input;
mod browser;
mod charged_twice;
mod contract;
mod crash;
mod expiry;
mod fees;
mod healing;
mod idempotency;
mod indexes;
mod onboarding;
mod one_seat_two_people;
mod pages;
mod paid_and_nothing;
mod payments;
mod promotions;
mod purchase;
mod rush;
mod support;
mod surface;
mod tenants;
mod webhooks;
