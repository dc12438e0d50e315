//! People with a real browser: Chromium, driven through chromedriver.
//!
//! `SOUK_TEST_CHROMIUM` and `SOUK_TEST_CHROMEDRIVER` say where they are. Without them these tests say that they were
//! skipped, and prove nothing.

mod chromium;
mod journey;
