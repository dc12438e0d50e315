//! Webhooks on their way: signing, sending, retrying. The state only queues messages; everything that
//! waits or talks to the network is in `courier`.

pub(crate) mod courier;
pub(crate) mod sign;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::http::faults::Faults;
use crate::http::recorder::Recorder;

/// One event addressed to one endpoint; its body never changes between attempts.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) event_id: String,
    pub(crate) kind: String,
    /// The account whose endpoint this is.
    pub(crate) owner: String,
    pub(crate) endpoint: String,
    pub(crate) url: String,
    /// The connected account that the event is about, on connect endpoints only.
    pub(crate) account: Option<String>,
    pub(crate) body: String,
}

/// An attempt to be made after a delay.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub(crate) message: Arc<Message>,
    pub(crate) attempt: u32,
    pub(crate) delay: Duration,
    /// Whether a failure of this attempt is followed by another.
    pub(crate) retries: bool,
}

/// The queue in front of the courier, with the hold that tests may put on it.
pub(crate) struct Outbox {
    courier: UnboundedSender<Dispatch>,
    hold: Option<Vec<String>>,
    held: Vec<Arc<Message>>,
}

impl Outbox {
    pub(crate) fn new(courier: UnboundedSender<Dispatch>) -> Self {
        Self { courier, hold: None, held: Vec::new() }
    }

    /// Queues a message, or holds it back, or treats it as the fault plan says.
    pub(crate) fn submit(&mut self, message: Message, faults: &mut Faults, recorder: &mut Recorder) {
        let message = Arc::new(message);
        let wanted = |types: &Vec<String>| types.is_empty() || types.contains(&message.kind);
        if self.hold.as_ref().is_some_and(wanted) {
            self.held.push(message);
            return;
        }
        self.release_one(message, faults, recorder);
    }

    fn release_one(&mut self, message: Arc<Message>, faults: &mut Faults, recorder: &mut Recorder) {
        let fate = faults.webhook_fate();
        if fate.lost {
            recorder.delivery(&message, 0, Value::Null, Some("lost by the fault plan"));
            return;
        }
        for _ in 0..fate.copies {
            self.send(Dispatch {
                message: Arc::clone(&message),
                attempt: 1,
                delay: fate.delay,
                retries: true,
            });
        }
    }

    /// Hands over an attempt; a courier that is gone (shutting down) takes nothing more.
    pub(crate) fn send(&self, dispatch: Dispatch) {
        let _ = self.courier.send(dispatch);
    }

    /// Holds messages back from now on; an empty list of types means all.
    pub(crate) fn hold(&mut self, types: Vec<String>) {
        self.hold = Some(types);
    }

    /// Ends the hold and sends what it kept, in the order in which it happened. Gives back how many.
    pub(crate) fn release(&mut self, faults: &mut Faults, recorder: &mut Recorder) -> usize {
        self.hold = None;
        let held = std::mem::take(&mut self.held);
        let count = held.len();
        for message in held {
            self.release_one(message, faults, recorder);
        }
        count
    }

    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }
}
