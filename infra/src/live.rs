//! Wake-ups: a hint that something changed, so that nobody has to wait for the next look. Never the truth: whoever
//! is woken reads the database, and whoever is not woken looks by himself a little later.

use std::sync::Arc;

use souk_domain::ids::OrderId;
use tokio::sync::{Notify, broadcast};

/// The hints of one process.
#[derive(Debug, Clone)]
pub struct Live {
    orders: broadcast::Sender<OrderId>,
    work: Arc<Notify>,
}

impl Default for Live {
    fn default() -> Self {
        Self { orders: broadcast::channel(1_024).0, work: Arc::new(Notify::new()) }
    }
}

impl Live {
    /// Says that an order changed.
    pub fn order_changed(&self, order: OrderId) {
        // Nobody listening is the usual case, not a failure.
        let _ = self.orders.send(order);
    }

    /// Hears of changed orders from now on.
    pub fn orders(&self) -> broadcast::Receiver<OrderId> {
        self.orders.subscribe()
    }

    /// Says that there is a webhook or a job to work on.
    pub fn work_arrived(&self) {
        self.work.notify_waiters();
    }

    /// Waits for work, at most as long as the caller's own time-out.
    pub fn work(&self) -> Arc<Notify> {
        self.work.clone()
    }
}
