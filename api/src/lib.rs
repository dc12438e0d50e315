//! The souk application.
