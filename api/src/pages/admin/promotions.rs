//! The marketplace's own codes.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;
use souk_domain::ids::PromotionId;
use souk_domain::money::Money;
use souk_infra::Error;
use souk_infra::page::Page;
use souk_infra::promotions::{self, NewPromotion, PromotionView};

use super::ListQuery;
use super::fees::rate;
use crate::error::Result;
use crate::extract::{PageQuery, PathId};
use crate::pages::format::{amount, percent, utc};
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{AdminPage, Chrome, Visitor};
use crate::pages::{older, page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, get(show).post(create)).route("/admin/promotions/{id}", post(switch))
}

const PATH: &str = "/admin/promotions";

/// The form as it was typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PromotionForm {
    code: String,
    rate: String,
    amount_off: String,
    min_subtotal: String,
    max_redemptions: String,
    ends_on: String,
}

#[derive(Template)]
#[template(path = "admin/promotions.html")]
struct Promotions {
    chrome: Chrome,
    here: &'static str,
    rows: Vec<Row>,
    older: Option<String>,
    form: PromotionForm,
    currency: String,
    note: Option<&'static str>,
    trouble: Trouble,
}

struct Row {
    id: String,
    code: String,
    off: String,
    used: String,
    ends: Option<String>,
    active: bool,
}

async fn show(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Query(query): Query<ListQuery>,
    pages: PageQuery<PromotionId>,
) -> Result<Response> {
    let note = query.done.map(|_| "Saved.");
    render(&state, &visitor, pages.page, PromotionForm::default(), Trouble::default(), note).await
}

async fn render(
    state: &AppState,
    visitor: &Visitor,
    wanted: Page,
    form: PromotionForm,
    trouble: Trouble,
    note: Option<&'static str>,
) -> Result<Response> {
    let listed = promotions::list(&state.souk, &visitor.scope, wanted).await?;
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = Promotions {
        chrome: visitor.chrome(),
        here: "promotions",
        older: older(PATH, None, listed.has_more, listed.data.last().map(|promotion| promotion.id)),
        rows: listed.data.into_iter().map(row).collect(),
        form,
        currency: visitor.tenant.currency.code().to_uppercase(),
        note,
        trouble,
    };
    page(status, &template)
}

fn row(promotion: PromotionView) -> Row {
    let off = match (promotion.percent_bps, promotion.amount_off) {
        (Some(bps), _) => percent(bps),
        (None, Some(money)) => money.to_string(),
        (None, None) => String::new(),
    };
    let most = promotion.max_redemptions.map_or_else(String::new, |most| format!(" of {most}"));
    Row {
        id: promotion.id.to_string(),
        code: promotion.code,
        off,
        used: format!("{}{most}", promotion.redeemed),
        ends: promotion.ends_at.map(utc),
        active: promotion.active,
    }
}

async fn create(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Form(form): Form<PromotionForm>,
) -> Result<Response> {
    let outcome = match read(&visitor, &form) {
        Ok(new) => promotions::create(&state.souk, &visitor.scope, new).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(see_other("/admin/promotions?done=made")),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            render(&state, &visitor, Page::default(), form, trouble, None).await
        }
    }
}

fn read(visitor: &Visitor, form: &PromotionForm) -> Result<NewPromotion, Error> {
    let currency = visitor.tenant.currency;
    let given = |text: &str| -> Option<String> {
        Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let money = |name: &str, text: Option<String>| -> Result<Option<Money>, Error> {
        let read = |text: String| {
            amount(&text, currency)
                .ok_or_else(|| Error::invalid(&format!("/{name}"), "must be an amount such as 5.00"))
        };
        text.map(read).transpose()
    };
    let most = given(&form.max_redemptions)
        .map(|text| text.parse().map_err(|_| Error::invalid("/max_redemptions", "must be a whole number")));
    Ok(NewPromotion {
        code: form.code.clone(),
        percent_bps: given(&form.rate).map(|text| rate(&text)).transpose()?,
        amount_off: money("amount_off", given(&form.amount_off))?,
        min_subtotal: money("min_subtotal", given(&form.min_subtotal))?.map(|money| money.minor),
        max_redemptions: most.transpose()?,
        starts_at: None,
        ends_at: given(&form.ends_on).map(|text| end_of(&text)).transpose()?,
    })
}

/// The end of a day in UTC: the date itself counts in full.
fn end_of(date: &str) -> Result<DateTime<Utc>, Error> {
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().and_then(|date| date.succ_opt());
    let next_day = date.ok_or_else(|| Error::invalid("/ends_on", "must be a date"))?;
    Ok(next_day.and_time(NaiveTime::MIN).and_utc())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    active: String,
}

async fn switch(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    PathId(id): PathId<PromotionId>,
    Form(form): Form<Switch>,
) -> Result<Response> {
    promotions::set_active(&state.souk, &visitor.scope, id, form.active == "yes").await?;
    Ok(see_other("/admin/promotions?done=switched"))
}
