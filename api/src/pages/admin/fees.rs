//! The marketplace's fee schedule. People write rates in per cent and amounts in whole units.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use souk_domain::money::{Currency, Money};
use souk_infra::Error;
use souk_infra::fees::{self, FeeScheduleView, NewFeeSchedule};

use super::ListQuery;
use crate::error::Result;
use crate::pages::format::{amount, percent, typed, utc};
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{AdminPage, Chrome, Visitor};
use crate::pages::{page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/admin/fees", get(show).post(set))
}

/// The form as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct FeeForm {
    pub(super) rate: String,
    pub(super) fixed: String,
    pub(super) min: String,
    pub(super) max: String,
}

impl FeeForm {
    /// Filled in with what holds now.
    pub(super) fn of(schedule: &FeeScheduleView) -> Self {
        let optional = |money: Option<Money>| money.map(typed).unwrap_or_default();
        Self {
            rate: percent(schedule.fee_bps).trim_end_matches(" %").to_owned(),
            fixed: if schedule.fixed.minor == 0 { String::new() } else { typed(schedule.fixed) },
            min: optional(schedule.min),
            max: optional(schedule.max),
        }
    }

    /// What was typed, in the marketplace's currency.
    pub(super) fn read(&self, currency: Currency) -> Result<NewFeeSchedule, Error> {
        let optional = |name: &str, text: &str| -> Result<Option<Money>, Error> {
            if text.trim().is_empty() {
                return Ok(None);
            }
            let money = amount(text, currency);
            money
                .map(Some)
                .ok_or_else(|| Error::invalid(&format!("/{name}"), "must be an amount such as 0.30"))
        };
        Ok(NewFeeSchedule {
            fee_bps: rate(&self.rate)?,
            fixed: optional("fixed", &self.fixed)?,
            min: optional("min", &self.min)?,
            max: optional("max", &self.max)?,
        })
    }
}

/// Per cent with two decimals are basis points, as dollars with two decimals are cents.
pub(super) fn rate(text: &str) -> Result<i64, Error> {
    let bps = amount(text.trim_end_matches(['%', ' ']), Currency::USD).map(|points| points.minor);
    bps.ok_or_else(|| Error::invalid("/rate", "must be a percentage such as 7.5"))
}

/// A schedule in one line.
pub(super) fn in_words(schedule: &FeeScheduleView) -> String {
    let mut text = percent(schedule.fee_bps);
    if schedule.fixed.minor > 0 {
        text = format!("{text} + {}", schedule.fixed);
    }
    if let Some(min) = schedule.min {
        text = format!("{text}, at least {min}");
    }
    if let Some(max) = schedule.max {
        text = format!("{text}, at most {max}");
    }
    text
}

#[derive(Template)]
#[template(path = "admin/fees.html")]
struct Fees {
    chrome: Chrome,
    here: &'static str,
    now: String,
    since: Option<String>,
    form: FeeForm,
    currency: String,
    note: Option<&'static str>,
    trouble: Trouble,
}

async fn show(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
    let note = (query.done.as_deref() == Some("fee")).then_some("It holds for orders made from now on.");
    render(&state, &visitor, None, Trouble::default(), note).await
}

async fn render(
    state: &AppState,
    visitor: &Visitor,
    form: Option<FeeForm>,
    trouble: Trouble,
    note: Option<&'static str>,
) -> Result<Response> {
    let schedule = fees::get_default(&state.souk, &visitor.scope).await?;
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = Fees {
        chrome: visitor.chrome(),
        here: "fees",
        now: in_words(&schedule),
        since: schedule.effective_from.map(utc),
        form: form.unwrap_or_else(|| FeeForm::of(&schedule)),
        currency: visitor.tenant.currency.code().to_uppercase(),
        note,
        trouble,
    };
    page(status, &template)
}

async fn set(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Form(form): Form<FeeForm>,
) -> Result<Response> {
    let outcome = match form.read(visitor.tenant.currency) {
        Ok(new) => fees::set_default(&state.souk, &visitor.scope, new).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(see_other("/admin/fees?done=fee")),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(&state, &visitor, Some(form), trouble, None).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_exactly() {
        assert_eq!(rate("7.5").unwrap(), 750);
        assert_eq!(rate(" 10 %").unwrap(), 1_000);
        assert_eq!(rate("0.29").unwrap(), 29);
        assert!(rate("7.555").is_err() && rate("ten").is_err() && rate("").is_err());
    }
}
