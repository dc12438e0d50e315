//! Serving the application, until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::app;
use crate::state::AppState;

/// How long answers that were begun may take after the stop. Live streams never end by themselves, so there is an end
/// to waiting.
const GRACE: Duration = Duration::from_secs(10);

/// A server that is running.
#[derive(Debug)]
pub struct Server {
    /// Where it listens; the port is the real one where 0 was asked for.
    pub addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Listens at `bind` and serves until [`Server::stop`].
pub async fn start(state: AppState, bind: SocketAddr) -> std::io::Result<Server> {
    let listener = TcpListener::bind(bind).await?;
    let addr = listener.local_addr()?;
    let (stop, mut stopped) = watch::channel(false);
    let service = app(state).into_make_service_with_connect_info::<SocketAddr>();
    let serve = axum::serve(listener, service).with_graceful_shutdown(async move {
        // A sender that is gone means stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let task = tokio::spawn(serve.into_future());
    Ok(Server { addr, stop, task })
}

impl Server {
    /// Takes no more connections, lets answers that were begun finish for some seconds, and returns.
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.stop.send_replace(true);
        if let Ok(ended) = tokio::time::timeout(GRACE, &mut self.task).await {
            return ended.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        }
        self.task.abort();
        Ok(())
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
