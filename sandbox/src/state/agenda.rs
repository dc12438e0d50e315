//! What happens by itself when the sandbox's clock reaches a time.

use super::State;

/// Something due later.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    ExpireSession { account: String, id: String },
    SettleDebit { account: String, intent: String },
    SettleRefund { account: String, id: String },
    FailRefund { account: String, id: String },
    OpenDispute { account: String, charge: String, reason: String },
    PayPayout { account: String, id: String },
}

impl State {
    pub(crate) fn schedule(&mut self, at: i64, task: Task) {
        let sequence = self.next_sequence();
        self.agenda.insert((at, sequence), task);
    }

    /// Runs everything that is due, in order, including what the due things make due.
    pub(crate) fn run_due(&mut self) {
        loop {
            let now = self.now();
            self.books.settle_until(now);
            self.mark_settled();
            match self.agenda.first_entry() {
                Some(entry) if entry.key().0 <= now => {
                    let task = entry.remove();
                    self.run(task);
                }
                _ => break,
            }
        }
        self.keys.forget_before(self.now() - 86_400);
    }

    fn run(&mut self, task: Task) {
        use crate::payments::{debits, disputes, payouts, refunds};
        match task {
            Task::ExpireSession { account, id } => crate::checkout::expire_if_open(self, &account, &id),
            Task::SettleDebit { account, intent } => debits::settle_as_planned(self, &account, &intent),
            Task::SettleRefund { account, id } => refunds::try_to_settle(self, &account, &id),
            Task::FailRefund { account, id } => refunds::fail(self, &account, &id),
            Task::OpenDispute { account, charge, reason } => {
                disputes::open(self, &account, &charge, &reason, None);
            }
            Task::PayPayout { account, id } => payouts::arrive(self, &account, &id),
        }
    }
}
