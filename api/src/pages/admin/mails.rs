//! What souk has written to people. In the demo no mail leaves the machine: this is where it stays.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use souk_infra::mail;
use uuid::Uuid;

use crate::error::Result;
use crate::extract::PageQuery;
use crate::pages::format::utc;
use crate::pages::visitor::{AdminPage, Chrome};
use crate::pages::{older, page};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show))
}

const PATH: &str = "/admin/mails";

#[derive(Template)]
#[template(path = "admin/mails.html")]
struct Mails {
    chrome: Chrome,
    here: &'static str,
    rows: Vec<Row>,
    older: Option<String>,
}

struct Row {
    recipient: String,
    subject: String,
    /// The text in pieces; an address in it can be followed.
    body: Vec<Piece>,
    written: String,
}

struct Piece {
    text: String,
    link: bool,
}

async fn show(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    pages: PageQuery<Uuid>,
) -> Result<Response> {
    let listed = mail::list(&state.souk, &visitor.scope, pages.page).await?;
    let template = Mails {
        chrome: visitor.chrome(),
        here: "mails",
        older: older(PATH, None, listed.has_more, listed.data.last().map(|mail| mail.id)),
        rows: listed.data.into_iter().map(row).collect(),
    };
    page(StatusCode::OK, &template)
}

fn row(mail: mail::MailShown) -> Row {
    Row {
        recipient: mail.recipient,
        subject: mail.subject,
        body: pieces(&mail.body),
        written: utc(mail.created_at),
    }
}

fn pieces(body: &str) -> Vec<Piece> {
    let is_link = |word: &str| word.starts_with("http://") || word.starts_with("https://");
    body.split_inclusive(char::is_whitespace)
        .map(|word| Piece { link: is_link(word), text: word.to_owned() })
        .collect()
}
