//! A running souk: HTTP, workers, and their end.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app;
use crate::state::AppState;

/// How long requests and jobs under way may keep a stopping process.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A running souk. Dropped, it goes on; [`Server::stop`] ends it.
#[derive(Debug)]
pub struct Server {
    address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Serves HTTP on `listener` and works off the inbox and jobs.
    pub fn start(state: AppState, listener: TcpListener) -> std::io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let address = listener.local_addr()?;
        let worker = tokio::spawn(souk_infra::worker::run(state.souk.clone(), stopping.clone()));
        let http = tokio::spawn(serve(state, listener, stopping));
        Ok(Self { address: Some(address), stop, tasks: vec![http, worker] })
    }

    /// Only serves HTTP.
    pub fn serve(state: AppState, listener: TcpListener) -> std::io::Result<Self> {
        let (stop, stopping) = watch::channel(false);
        let address = listener.local_addr()?;
        let http = tokio::spawn(serve(state, listener, stopping));
        Ok(Self { address: Some(address), stop, tasks: vec![http] })
    }

    /// Only works off the inbox and jobs.
    pub fn work(souk: souk_infra::Souk) -> Self {
        let (stop, stopping) = watch::channel(false);
        let worker = tokio::spawn(souk_infra::worker::run(souk, stopping));
        Self { address: None, stop, tasks: vec![worker] }
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Accepts nothing new, lets what is under way finish, then ends. What does not finish in time is taken up by
    /// another process, or after the next start.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let handle = task.abort_handle();
            if tokio::time::timeout(STOP_WITHIN, task).await.is_err() {
                tracing::warn!("something did not finish in time and was cut off");
                handle.abort();
            }
        }
    }
}

async fn serve(state: AppState, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    let service = app(state).into_make_service_with_connect_info::<SocketAddr>();
    let mut cut_off = stopping.clone();
    let stopped = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    // Live streams never end by themselves, so waiting for open connections has an end.
    let patience = async move {
        let _ = cut_off.wait_for(|stop| *stop).await;
        tokio::time::sleep(STOP_WITHIN / 4).await;
    };
    tokio::select! {
        outcome = axum::serve(listener, service).with_graceful_shutdown(stopped) => {
            if let Err(error) = outcome {
                tracing::error!(%error, "the server ended");
            }
        }
        () = patience => {}
    }
}

/// Returns when the process is asked to end: SIGTERM, or Ctrl-C.
pub async fn asked_to_end() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
