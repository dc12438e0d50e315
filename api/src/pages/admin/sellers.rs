//! Sellers as admins see them: what the provider says, a stop and its end, a fee of their own.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use futures_util::future::try_join_all;
use serde::Deserialize;
use souk_domain::ids::SellerId;
use souk_domain::seller::SellerStatus;
use souk_infra::page::Page;
use souk_infra::sellers::{self, SellerView, moderation};
use souk_infra::{Error, fees};

use super::fees::{FeeForm, in_words};
use super::{Choice, ListQuery, choices};
use crate::error::Result;
use crate::extract::{PageQuery, PathId};
use crate::pages::format::spaced;
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{AdminPage, Chrome, Visitor};
use crate::pages::{older, page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/admin/sellers", get(show))
        .route("/admin/sellers/{id}/status", post(decide))
        .route("/admin/sellers/{id}/fee", post(set_fee))
}

const PATH: &str = "/admin/sellers";

#[derive(Template)]
#[template(path = "admin/sellers.html")]
struct Sellers {
    chrome: Chrome,
    here: &'static str,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    older: Option<String>,
    currency: String,
    note: Option<&'static str>,
    trouble: Trouble,
}

struct Row {
    id: String,
    name: String,
    status: SellerStatus,
    charge_model: String,
    account: Option<String>,
    missing: Vec<String>,
    fee: String,
    own_fee: bool,
    form: FeeForm,
}

async fn show(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    Query(query): Query<ListQuery>,
    pages: PageQuery<SellerId>,
) -> Result<Response> {
    render(&state, &visitor, &query, pages.page, Trouble::default()).await
}

async fn render(
    state: &AppState,
    visitor: &Visitor,
    query: &ListQuery,
    wanted: Page,
    trouble: Trouble,
) -> Result<Response> {
    let known: Vec<&'static str> = SellerStatus::ALL.iter().map(|status| status.as_str()).collect();
    let status = query.one_of(&known);
    let filter = status.and_then(|status| status.parse().ok());
    let listed = sellers::list(&state.souk, &visitor.scope, filter, wanted).await?;
    let older = older(PATH, status, listed.has_more, listed.data.last().map(|seller| seller.id));
    let rows = try_join_all(listed.data.into_iter().map(|seller| row(state, visitor, seller))).await?;
    let note = match query.done.as_deref() {
        Some("suspended") => Some("The seller is stopped: nothing more of it is sold."),
        Some("reinstated") => Some("The seller may go on, as far as the payment provider allows."),
        Some("fee") => Some("The fee holds for orders made from now on."),
        _ => None,
    };
    let template = Sellers {
        chrome: visitor.chrome(),
        here: "sellers",
        choices: choices(PATH, &known, status),
        rows,
        older,
        currency: visitor.tenant.currency.code().to_uppercase(),
        note,
        trouble,
    };
    let status = if template.trouble.is_some() { template.trouble.status } else { StatusCode::OK };
    page(status, &template)
}

async fn row(state: &AppState, visitor: &Visitor, seller: SellerView) -> Result<Row> {
    let fee = fees::get_for_seller(&state.souk, &visitor.scope, seller.id).await?;
    let account = seller.connected_account;
    let missing = account.as_ref().map(|account| {
        let requirements = &account.requirements;
        requirements.past_due.iter().chain(&requirements.currently_due).map(|name| spaced(name)).collect()
    });
    Ok(Row {
        id: seller.id.to_string(),
        name: seller.display_name,
        status: seller.status,
        charge_model: seller.charge_model.to_string(),
        missing: missing.unwrap_or_default(),
        account: account.map(|account| account.id),
        own_fee: fee.seller_id.is_some(),
        fee: in_words(&fee),
        form: FeeForm::of(&fee),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Decision {
    action: String,
}

async fn decide(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    PathId(seller): PathId<SellerId>,
    Form(form): Form<Decision>,
) -> Result<Response> {
    let (souk, scope) = (&state.souk, &visitor.scope);
    let (outcome, done) = match form.action.as_str() {
        "suspend" => (moderation::suspend(souk, scope, seller).await, "suspended"),
        "reinstate" => (moderation::reinstate(souk, scope, seller).await, "reinstated"),
        _ => (Err(Error::invalid("/action", "is unknown")), ""),
    };
    match outcome {
        Ok(_) => Ok(see_other(&format!("{PATH}?done={done}"))),
        Err(error) => refused(&state, &visitor, error).await,
    }
}

async fn set_fee(
    State(state): State<AppState>,
    AdminPage(visitor): AdminPage,
    PathId(seller): PathId<SellerId>,
    Form(form): Form<FeeForm>,
) -> Result<Response> {
    let outcome = match form.read(visitor.tenant.currency) {
        Ok(new) => fees::set_for_seller(&state.souk, &visitor.scope, seller, new).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(see_other(&format!("{PATH}?done=fee"))),
        Err(error) => refused(&state, &visitor, error).await,
    }
}

async fn refused(state: &AppState, visitor: &Visitor, error: Error) -> Result<Response> {
    let trouble = Trouble::of(error)?;
    render(state, visitor, &ListQuery::default(), Page::default(), trouble).await
}
