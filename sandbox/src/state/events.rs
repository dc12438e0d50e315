//! Events: what happened on an account, and which endpoints hear of it. Decides routing; sends nothing.

use serde_json::{Value, json};

use super::vault::Kind;
use super::{API_VERSION, State};
use crate::object::{Fields, public};
use crate::webhooks::Message;

/// An endpoint that wants an event, and how the event is addressed to it.
struct Audience {
    owner: String,
    endpoint: String,
    url: String,
    api_version: Value,
    account: Option<String>,
}

impl State {
    /// Records an event on `account` about `object` as it is now, and queues it for every endpoint that
    /// listens. `previous` holds the former values of what an `updated` event changed.
    pub(crate) fn emit(&mut self, account: &str, kind: &str, object: &Value, previous: Option<Value>) {
        let mut data = json!({ "object": public(object) });
        if let Some(previous) = previous {
            data.put("previous_attributes", previous);
        }
        let id = self.ids.object("evt_");
        let event = json!({
            "id": id, "object": "event", "api_version": API_VERSION, "created": self.now(), "data": data,
            "livemode": self.is_live(account), "pending_webhooks": 0, "request": self.request, "type": kind,
        });
        self.publish(account, event, true);
    }

    /// Emits an event about the current state of an object in the account's vault.
    pub(crate) fn emit_about(&mut self, account: &str, event: &str, kind: Kind, id: &str) {
        if let Ok(object) = self.get(account, kind, id) {
            self.emit(account, event, &object, None);
        }
    }

    /// Stores an event (unless it is a crafted one that must not be listed) and hands it to the outbox.
    /// Gives back how many endpoints will hear of it.
    pub(crate) fn publish(&mut self, account: &str, mut event: Value, keep: bool) -> usize {
        let audience = self.audience(account, event.text("type"));
        event.put("pending_webhooks", audience.len());
        if keep {
            self.vault(account).insert(Kind::Event, event.clone());
        }
        for listener in &audience {
            let mut body = event.clone();
            if let Some(account) = &listener.account {
                body.put("account", account.clone());
            }
            if !listener.api_version.is_null() && keep {
                body.put("api_version", listener.api_version.clone());
            }
            let message = Message {
                event_id: event.text("id").to_owned(),
                kind: event.text("type").to_owned(),
                owner: listener.owner.clone(),
                endpoint: listener.endpoint.clone(),
                url: listener.url.clone(),
                account: listener.account.clone(),
                body: body.to_string(),
            };
            self.outbox.submit(message, &mut self.faults, &mut self.recorder);
        }
        audience.len()
    }

    /// The platform's own events go to its plain endpoints. A connected account's events go to its
    /// platform's connect endpoints, marked with the account, and to endpoints that the account made itself.
    fn audience(&self, account: &str, kind: &str) -> Vec<Audience> {
        let own = self.listeners(account, kind, false, None);
        let connected = self.platform_of(account).filter(|platform| {
            // A deauthorized account goes silent, after the event that says so.
            self.is_connected(account, platform) || kind == "account.application.deauthorized"
        });
        let above =
            connected.map(|platform| self.listeners(platform, kind, true, Some(account))).unwrap_or_default();
        own.into_iter().chain(above).collect()
    }

    fn listeners(&self, owner: &str, kind: &str, connect: bool, account: Option<&str>) -> Vec<Audience> {
        let Some(vault) = self.peek(owner) else { return Vec::new() };
        let mut found: Vec<Audience> = vault
            .all(Kind::WebhookEndpoint)
            .filter(|endpoint| endpoint.flag("_connect") == connect && endpoint.text("status") == "enabled")
            .filter(|endpoint| {
                let wanted = endpoint.list("enabled_events");
                wanted.iter().any(|name| name == "*" || name == kind)
            })
            .map(|endpoint| Audience {
                owner: owner.to_owned(),
                endpoint: endpoint.text("id").to_owned(),
                url: endpoint.text("url").to_owned(),
                api_version: endpoint["api_version"].clone(),
                account: account.map(str::to_owned),
            })
            .collect();
        found.reverse();
        found
    }
}
