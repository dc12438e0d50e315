//! stripe-sandbox on its own.
fn main() {}
