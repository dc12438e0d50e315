//! The admins' area: what needs a decision, and the buttons for it.

mod fees;
mod home;
mod mails;
mod orders;
mod promotions;
mod sellers;
mod work;

use axum::Router;
use serde::Deserialize;

use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .merge(home::routes())
        .merge(sellers::routes())
        .merge(fees::routes())
        .merge(orders::routes())
        .merge(work::routes())
        .merge(promotions::routes())
        .merge(mails::routes())
}

/// Which of a list, and what was just done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListQuery {
    status: Option<String>,
    done: Option<String>,
}

impl ListQuery {
    /// The status if it is one of these; a made-up one is no filter.
    fn one_of<'a>(&self, known: &[&'a str]) -> Option<&'a str> {
        let wanted = self.status.as_deref()?;
        known.iter().copied().find(|status| *status == wanted)
    }
}

/// A link of a filter.
struct Choice {
    name: &'static str,
    address: String,
    chosen: bool,
}

/// All, and each status.
fn choices(path: &str, known: &[&'static str], chosen: Option<&str>) -> Vec<Choice> {
    let all = Choice { name: "all", address: path.to_owned(), chosen: chosen.is_none() };
    let each = known.iter().map(|name| Choice {
        name,
        address: format!("{path}?status={name}"),
        chosen: chosen == Some(name),
    });
    std::iter::once(all).chain(each).collect()
}
