//! Simulator of Stripe Connect.
