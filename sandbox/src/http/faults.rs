//! The fault plan: what goes wrong, how often, from a seed of its own. Decides; never acts.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

/// What a test asks for. Probabilities are between 0 and 1.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) seed: Option<u64>,
    pub(crate) webhooks: Option<WebhookPlan>,
    pub(crate) api: Option<ApiPlan>,
    pub(crate) next: Vec<Planned>,
    pub(crate) hold_webhooks: Option<bool>,
    pub(crate) types: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebhookPlan {
    lose: f64,
    duplicate: f64,
    reorder: f64,
    /// Every delivery waits up to this long.
    delay_ms: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApiPlan {
    error_429: f64,
    error_500: f64,
    timeout_after_work: f64,
    drop_connection: f64,
    /// Only paths that contain this.
    only: Option<String>,
    /// At most this many faults.
    count: Option<u64>,
}

/// A fault that certainly comes: on the next `times` requests whose path contains `path`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Planned {
    #[serde(default)]
    path: String,
    #[serde(default)]
    method: Option<String>,
    kind: FaultKind,
    #[serde(default = "once")]
    times: u64,
    /// For `slow`.
    #[serde(default = "two_seconds")]
    delay_ms: u64,
    /// For `error_500`: the endpoint had begun, so the answer is kept under the idempotency key.
    #[serde(default)]
    saved: bool,
}

const fn once() -> u64 {
    1
}

const fn two_seconds() -> u64 {
    2_000
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    #[serde(rename = "error_429")]
    Error429,
    #[serde(rename = "error_500")]
    Error500,
    TimeoutAfterWork,
    #[serde(alias = "drop_connection")]
    DropBefore,
    DropAfterWork,
    Slow,
}

/// What happens to one API request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Spared,
    TooMany,
    Broken { saved: bool },
    SilentAfterWork,
    DropBefore,
    DropAfterWork,
    Slow(Duration),
}

/// What happens to one webhook.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebhookFate {
    pub(crate) lost: bool,
    pub(crate) copies: u8,
    pub(crate) delay: Duration,
}

pub(crate) struct Faults {
    chance: StdRng,
    webhooks: WebhookPlan,
    api: ApiPlan,
    next: Vec<Planned>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            chance: StdRng::seed_from_u64(0),
            webhooks: WebhookPlan::default(),
            api: ApiPlan::default(),
            next: Vec::new(),
        }
    }
}

impl Faults {
    /// Takes over what the plan names and leaves the rest as it was.
    pub(crate) fn set(&mut self, plan: Plan) {
        if let Some(seed) = plan.seed {
            self.chance = StdRng::seed_from_u64(seed);
        }
        if let Some(webhooks) = plan.webhooks {
            self.webhooks = webhooks;
        }
        if let Some(api) = plan.api {
            self.api = api;
        }
        self.next.extend(plan.next);
    }

    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.chance.random_range(0.0..1.0) < probability
    }

    pub(crate) fn webhook_fate(&mut self) -> WebhookFate {
        let plan = self.webhooks.clone();
        let lost = self.happens(plan.lose);
        let copies = if self.happens(plan.duplicate) { 2 } else { 1 };
        let mut delay = if plan.delay_ms > 0 { self.chance.random_range(0..=plan.delay_ms) } else { 0 };
        if self.happens(plan.reorder) {
            // Long enough for what comes after to overtake.
            delay += self.chance.random_range(50..500);
        }
        WebhookFate { lost, copies, delay: Duration::from_millis(delay) }
    }

    pub(crate) fn api_fate(&mut self, method: &str, path: &str) -> Fate {
        let planned = self.next.iter_mut().find(|planned| {
            let same_method =
                planned.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
            planned.times > 0 && same_method && path.contains(&planned.path)
        });
        if let Some(planned) = planned {
            planned.times -= 1;
            let fate = planned.fate();
            self.next.retain(|planned| planned.times > 0);
            return fate;
        }
        let plan = self.api.clone();
        let applies = plan.only.as_ref().is_none_or(|only| path.contains(only.as_str()));
        if !applies || plan.count == Some(0) {
            return Fate::Spared;
        }
        let fate = if self.happens(plan.drop_connection) {
            Fate::DropBefore
        } else if self.happens(plan.error_429) {
            Fate::TooMany
        } else if self.happens(plan.error_500) {
            Fate::Broken { saved: false }
        } else if self.happens(plan.timeout_after_work) {
            Fate::SilentAfterWork
        } else {
            return Fate::Spared;
        };
        if let Some(left) = &mut self.api.count {
            *left -= 1;
        }
        fate
    }
}

impl Planned {
    fn fate(&self) -> Fate {
        match self.kind {
            FaultKind::Error429 => Fate::TooMany,
            FaultKind::Error500 => Fate::Broken { saved: self.saved },
            FaultKind::TimeoutAfterWork => Fate::SilentAfterWork,
            FaultKind::DropBefore => Fate::DropBefore,
            FaultKind::DropAfterWork => Fate::DropAfterWork,
            FaultKind::Slow => Fate::Slow(Duration::from_millis(self.delay_ms)),
        }
    }
}
