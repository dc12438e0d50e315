//! `stripe-sandbox` on its own: a simulator of Stripe Connect for any client in any language.

use std::net::SocketAddr;

use clap::Parser;
use stripe_sandbox::{Sandbox, SandboxConfig};

/// Simulates Stripe's API for a Connect marketplace, in memory. Any sk_test_… key opens an account of its own.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:12111")]
    bind: SocketAddr,
    /// Address at which browsers reach it, if that differs.
    #[arg(long)]
    public_url: Option<String>,
    /// Repeats the ids of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .init();
    let arguments = Arguments::parse();
    let config = SandboxConfig {
        bind: arguments.bind,
        public_url: arguments.public_url,
        seed: arguments.seed,
        ..SandboxConfig::default()
    };
    let sandbox = Sandbox::start(config).await?;
    announce(&sandbox);
    stop_signal().await;
    sandbox.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the address is this program's answer to whoever started it")]
fn announce(sandbox: &Sandbox) {
    println!("stripe-sandbox listens on {}", sandbox.base_url());
}

/// Waits for Ctrl-C or, where there is one, a termination signal.
async fn stop_signal() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
