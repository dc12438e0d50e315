//! The souk program.

use std::process::ExitCode;

/// Hashing a password takes 19 MiB for a moment; the system's allocator would keep them for every thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    souk::cli::run().await
}
