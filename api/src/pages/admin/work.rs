//! Webhooks that arrived and tasks of souk's own, with why the last attempt failed and a button for another one.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use souk_domain::ids::{EventId, JobId};
use souk_infra::{inbox, jobs};

use super::{Choice, ListQuery, choices};
use crate::error::Result;
use crate::extract::{PageQuery, PathId};
use crate::pages::format::{spaced, utc};
use crate::pages::visitor::{AdminPage, Chrome};
use crate::pages::{older, page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(EVENTS, get(events))
        .route("/admin/webhooks/{id}/replay", post(replay))
        .route(JOBS, get(show_jobs))
        .route("/admin/jobs/{id}/retry", post(retry))
}

const EVENTS: &str = "/admin/webhooks";
const JOBS: &str = "/admin/jobs";

#[derive(Template)]
#[template(path = "admin/events.html")]
struct Events {
    chrome: Chrome,
    here: &'static str,
    choices: Vec<Choice>,
    rows: Vec<EventRow>,
    older: Option<String>,
    note: Option<&'static str>,
}

struct EventRow {
    id: String,
    kind: String,
    provider_event: String,
    endpoint: String,
    account: Option<String>,
    status: String,
    reason: Option<String>,
    attempts: i64,
    received: String,
}

async fn events(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Query(query): Query<ListQuery>,
    pages: PageQuery<EventId>,
) -> Result<Response> {
    let known = ["pending", "done", "ignored", "dead"];
    let status = query.one_of(&known);
    let listed = inbox::list(&state.souk, &visitor.scope, status, pages.page).await?;
    let template = Events {
        chrome: visitor.chrome(),
        here: "webhooks",
        choices: choices(EVENTS, &known, status),
        older: older(EVENTS, status, listed.has_more, listed.data.last().map(|event| event.id)),
        rows: listed.data.into_iter().map(event_row).collect(),
        note: query.done.map(|_| "It is being worked on again."),
    };
    page(StatusCode::OK, &template)
}

fn event_row(event: inbox::EventShown) -> EventRow {
    EventRow {
        id: event.id.to_string(),
        kind: event.event_type,
        provider_event: event.provider_event_id,
        endpoint: event.endpoint,
        account: event.account,
        status: event.status,
        reason: event.reason,
        attempts: event.attempts,
        received: utc(event.received_at),
    }
}

async fn replay(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    PathId(id): PathId<EventId>,
) -> Result<Response> {
    inbox::replay(&state.souk, &visitor.scope, id).await?;
    Ok(see_other("/admin/webhooks?done=replay"))
}

#[derive(Template)]
#[template(path = "admin/jobs.html")]
struct Jobs {
    chrome: Chrome,
    here: &'static str,
    choices: Vec<Choice>,
    rows: Vec<JobRow>,
    older: Option<String>,
    note: Option<&'static str>,
}

struct JobRow {
    id: String,
    kind: String,
    subject: String,
    status: String,
    error: Option<String>,
    attempts: i64,
    run_at: String,
}

async fn show_jobs(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Query(query): Query<ListQuery>,
    pages: PageQuery<JobId>,
) -> Result<Response> {
    let known = ["pending", "done", "dead"];
    let status = query.one_of(&known);
    let listed = jobs::list(&state.souk, &visitor.scope, status, pages.page).await?;
    let template = Jobs {
        chrome: visitor.chrome(),
        here: "jobs",
        choices: choices(JOBS, &known, status),
        older: older(JOBS, status, listed.has_more, listed.data.last().map(|job| job.id)),
        rows: listed.data.into_iter().map(job_row).collect(),
        note: query.done.map(|_| "It runs again now."),
    };
    page(StatusCode::OK, &template)
}

fn job_row(job: jobs::JobShown) -> JobRow {
    JobRow {
        id: job.id.to_string(),
        kind: spaced(&job.kind),
        subject: job.subject,
        status: job.status,
        error: job.last_error,
        attempts: job.attempts,
        run_at: utc(job.finished_at.unwrap_or(job.run_at)),
    }
}

async fn retry(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    match jobs::retry(&state.souk, &visitor.scope, id).await {
        // It was done between the page and the click: the list shows that.
        Err(error) if error.code() == Some("job_done") => Ok(see_other(JOBS)),
        outcome => {
            outcome?;
            Ok(see_other("/admin/jobs?done=retry"))
        }
    }
}
