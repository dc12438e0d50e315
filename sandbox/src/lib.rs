//! A stateful simulator of Stripe's HTTP API, as a Connect marketplace uses it, over real HTTP and in memory.
//!
//! It is for tests and demonstrations: it holds no real money, checks no real identity, and must never be
//! reachable by people who should not control it, since its controls have no password.

#![recursion_limit = "256"]

mod accounts;
mod checkout;
mod controls;
mod error;
mod form;
mod http;
mod money;
mod object;
mod pages;
mod payments;
mod routes;
mod spec;
mod state;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use http::Shared;
use http::connection::{CuttableListener, Scissors};
use state::State;
use webhooks::{Outbox, courier};

/// How often things that are due are looked for when nobody calls.
const TICK: Duration = Duration::from_millis(200);
/// How long open connections may keep a stopping server.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How a sandbox behaves. Amounts are minor units.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Stripe's own fee: hundredths of a percent of the amount.
    pub fee_bps: u32,
    /// Stripe's own fee: fixed part, the same number in every currency.
    pub fee_fixed: i64,
    /// Wait before the second attempt at a webhook; doubled for each further one, eight attempts in all.
    pub webhook_retry_base: Duration,
    /// How long money stays pending, in seconds of the sandbox's clock.
    pub settlement_seconds: i64,
    /// Repeats a run's ids exactly; none takes a new seed each time.
    pub seed: Option<u64>,
    /// Requests and deliveries that are remembered, each.
    pub history: usize,
    /// Where browsers reach this server, if that is not the address it listens on.
    pub public_url: Option<String>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            fee_bps: 290,
            fee_fixed: 30,
            webhook_retry_base: Duration::from_millis(500),
            settlement_seconds: 2 * 86_400,
            seed: None,
            history: 20_000,
            public_url: None,
        }
    }
}

/// A running simulator. Dropping it stops it without waiting.
pub struct Sandbox {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts listening. Fails if the address can't be had.
    pub async fn start(config: SandboxConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(config.bind).await?;
        let address = listener.local_addr()?;
        let client = courier::client().map_err(std::io::Error::other)?;
        let (stop, stopped) = watch::channel(false);
        let (sender, queue) = mpsc::unbounded_channel();
        let base_url = config.public_url.clone().unwrap_or_else(|| local_url(address));
        let state = State::new(config, base_url, Outbox::new(sender));
        let shared = Arc::new(Shared::new(state, stopped.clone()));
        let tasks = vec![
            tokio::spawn(serve(listener, router(Arc::clone(&shared)), stopped.clone())),
            tokio::spawn(courier::run(Arc::clone(&shared), client, queue, stopped.clone())),
            tokio::spawn(tick(shared, stopped)),
        ];
        Ok(Self { address, stop, tasks })
    }

    /// What a client uses instead of `https://api.stripe.com`.
    pub fn base_url(&self) -> String {
        local_url(self.address)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops, letting answers under way finish for a moment.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for task in std::mem::take(&mut self.tasks) {
            let handle = task.abort_handle();
            if tokio::time::timeout(STOP_WITHIN, task).await.is_err() {
                handle.abort();
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// An address that a client on this machine can use, also when every interface is listened on.
fn local_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(http::pipeline::serve))
        .merge(controls::router())
        .merge(pages::router())
        .with_state(shared)
}

async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let stopping = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    if let Err(error) =
        axum::serve(CuttableListener(listener), service).with_graceful_shutdown(stopping).await
    {
        tracing::error!(%error, "the sandbox's server ended");
    }
}

/// Lets time pass for what happens by itself.
async fn tick(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = tokio::time::sleep(TICK) => shared.lock().run_due(),
        }
    }
}
