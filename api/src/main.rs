//! The souk program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    souk::cli::run().await
}
