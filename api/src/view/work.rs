//! Webhook events and jobs as admins see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_infra::inbox::EventShown;
use souk_infra::jobs::JobShown;
use utoipa::ToSchema;

/// A received webhook. Its payload is not shown: it holds a buyer's name and address.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEventView {
    /// `evt_…`, souk's own.
    pub id: String,
    /// Who sent it.
    pub provider: String,
    /// `platform` or `connect`.
    pub endpoint: String,
    /// The provider's id.
    pub provider_event_id: String,
    /// The provider's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The connected account that it is of.
    pub account: Option<String>,
    /// Whether it is of live mode.
    pub livemode: bool,
    /// The API version that it was rendered in.
    pub api_version: Option<String>,
    /// `pending`, `done`, `ignored` or `dead`.
    pub status: String,
    /// Why it was ignored, or why its last attempt failed.
    pub reason: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// When it was done with.
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<EventShown> for WebhookEventView {
    fn from(event: EventShown) -> Self {
        Self {
            id: event.id.to_string(),
            provider: event.provider,
            endpoint: event.endpoint,
            provider_event_id: event.provider_event_id,
            event_type: event.event_type,
            account: event.account,
            livemode: event.livemode,
            api_version: event.api_version,
            status: event.status,
            reason: event.reason,
            attempts: event.attempts,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            finished_at: event.finished_at,
        }
    }
}

/// A durable task of souk's.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// `job_…`
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// To what.
    pub subject: String,
    /// `pending`, `done` or `dead`.
    pub status: String,
    /// How often it was begun.
    pub attempts: i64,
    /// Why its last attempt failed.
    pub last_error: Option<String>,
    /// When it runs next.
    pub run_at: DateTime<Utc>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<JobShown> for JobView {
    fn from(job: JobShown) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            subject: job.subject,
            status: job.status,
            attempts: job.attempts,
            last_error: job.last_error,
            run_at: job.run_at,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    }
}
