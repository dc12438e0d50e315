//! What came in and what went out, for tests to read. Keeps no secret: keys and card numbers are masked
//! before they are stored.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::webhooks::Message;

/// A bounded memory of requests and deliveries; the oldest are forgotten first.
pub(crate) struct Recorder {
    limit: usize,
    requests: VecDeque<Value>,
    deliveries: VecDeque<(Value, Arc<Message>)>,
    count: u64,
}

impl Recorder {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, requests: VecDeque::new(), deliveries: VecDeque::new(), count: 0 }
    }

    pub(crate) fn request(&mut self, entry: Value) {
        self.requests.push_back(entry);
        if self.requests.len() > self.limit {
            self.requests.pop_front();
        }
    }

    /// Notes one attempt: the HTTP status, or null with a note saying why there is none.
    pub(crate) fn delivery(
        &mut self,
        message: &Arc<Message>,
        attempt: u32,
        status: Value,
        note: Option<&str>,
    ) {
        self.count += 1;
        let mut row = json!({
            "id": format!("dlv_{:08}", self.count), "event_id": message.event_id, "type": message.kind,
            "url": message.url, "status": status, "attempt": attempt, "endpoint": message.endpoint,
            "note": note,
        });
        if let (Some(account), Value::Object(row)) = (&message.account, &mut row) {
            row.insert("account".into(), json!(account));
        }
        self.deliveries.push_back((row, Arc::clone(message)));
        if self.deliveries.len() > self.limit {
            self.deliveries.pop_front();
        }
    }

    /// Oldest first.
    pub(crate) fn requests(&self) -> Value {
        json!({ "data": self.requests })
    }

    /// Oldest first.
    pub(crate) fn deliveries(&self) -> Value {
        json!({ "data": self.deliveries.iter().map(|(row, _)| row).collect::<Vec<_>>() })
    }

    pub(crate) fn delivered_message(&self, id: &str) -> Option<Arc<Message>> {
        self.deliveries.iter().find(|(row, _)| row["id"] == id).map(|(_, message)| Arc::clone(message))
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.deliveries.clear();
    }
}

/// Replaces the secret part of keys, and all but the last four digits of anything as long as a card number.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        if (13..=19).contains(&digits.len()) {
            out.push_str("************");
            out.push_str(&digits[digits.len() - 4..]);
        } else {
            out.push_str(&digits);
        }
        digits.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    for prefix in ["sk_test_", "sk_live_", "rk_test_", "rk_live_", "whsec_"] {
        out = mask_after(&out, prefix);
    }
    out
}

fn mask_after(text: &str, prefix: &str) -> String {
    let mut parts = text.split(prefix);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(prefix);
        out.push_str("***");
        out.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_'));
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn masks_keys_and_cards_and_nothing_else() {
        assert_eq!(super::mask("Bearer sk_test_abcDEF123"), "Bearer sk_test_***");
        assert_eq!(super::mask("n=4242424242424242&t=1700000000"), "n=************4242&t=1700000000");
    }
}
