//! Which sellers somebody works for, how to become one, and a seller's own front page.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use serde::Deserialize;
use souk_domain::ids::SellerId;
use souk_domain::payment::ChargeModel;
use souk_domain::seller::SellerStatus;
use souk_infra::Error;
use souk_infra::sellers::{self, NewSeller, SellerView};

use super::requirements;
use crate::error::Result;
use crate::pages::trouble::Trouble;
use crate::pages::visitor::{Chrome, Member, SellerPage};
use crate::pages::{page, see_other};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/seller", get(mine).post(apply)).route("/seller/{seller}", get(show))
}

#[derive(Template)]
#[template(path = "seller/mine.html")]
struct Mine {
    chrome: Chrome,
    sellers: Vec<Row>,
    form: ApplyForm,
    models: Vec<&'static str>,
    trouble: Trouble,
}

struct Row {
    id: String,
    name: String,
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ApplyForm {
    display_name: String,
    country: String,
    charge_model: String,
}

async fn mine(State(state): State<AppState>, member: Member) -> Result<Response> {
    let form = ApplyForm { country: member.visitor.tenant.country.clone(), ..ApplyForm::default() };
    show_mine(&state, &member, form, Trouble::default()).await
}

async fn show_mine(state: &AppState, member: &Member, form: ApplyForm, trouble: Trouble) -> Result<Response> {
    let mut rows = Vec::new();
    for seller in member.visitor.roles.held().iter().filter_map(|held| held.seller_id) {
        let seller = sellers::get(&state.souk, &member.visitor.scope, seller).await?;
        rows.push(Row {
            id: seller.id.to_string(),
            name: seller.display_name,
            status: seller.status.to_string(),
        });
    }
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = Mine {
        chrome: member.visitor.chrome(),
        sellers: rows,
        form,
        models: ChargeModel::ALL.iter().map(|model| model.as_str()).collect(),
        trouble,
    };
    page(status, &template)
}

async fn apply(
    State(state): State<AppState>,
    member: Member,
    Form(form): Form<ApplyForm>,
) -> Result<Response> {
    match create(&state, &member, &form).await {
        Ok(seller) => Ok(see_other(&format!("/seller/{seller}"))),
        Err(error) => {
            let trouble = Trouble::of(error)?;
            show_mine(&state, &member, form, trouble).await
        }
    }
}

async fn create(state: &AppState, member: &Member, form: &ApplyForm) -> Result<SellerId> {
    let model = match form.charge_model.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Error::invalid("/charge_model", "must be chosen"))?),
    };
    let new = NewSeller {
        display_name: form.display_name.clone(),
        country: form.country.trim().to_owned(),
        charge_model: model,
    };
    Ok(sellers::create(&state.souk, &member.visitor.scope, new).await?.id)
}

/// What was done before the page was shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    pub(super) back: Option<String>,
}

#[derive(Template)]
#[template(path = "seller/home.html")]
struct Home {
    chrome: Chrome,
    id: String,
    name: String,
    here: &'static str,
    status: SellerStatus,
    words: &'static str,
    mood: &'static str,
    charge_model: String,
    account: Option<Account>,
    can_connect: bool,
    back: bool,
    trouble: Trouble,
}

struct Account {
    id: String,
    charges: bool,
    payouts: bool,
    submitted: bool,
    missing: Vec<String>,
    overdue: Vec<String>,
    reason: Option<String>,
}

async fn show(
    State(state): State<AppState>,
    guard: SellerPage,
    Query(done): Query<Done>,
) -> Result<Response> {
    render(&state, &guard, done.back.is_some(), Trouble::default()).await
}

/// The seller as the provider last described it; never as a browser says.
pub(super) async fn render(
    state: &AppState,
    guard: &SellerPage,
    back: bool,
    trouble: Trouble,
) -> Result<Response> {
    let seller = sellers::get(&state.souk, &guard.visitor.scope, guard.seller).await?;
    let status = if trouble.is_some() { trouble.status } else { StatusCode::OK };
    let template = Home {
        chrome: guard.visitor.chrome(),
        id: seller.id.to_string(),
        here: "home",
        status: seller.status,
        words: words(seller.status),
        mood: match seller.status {
            SellerStatus::Active => "good",
            SellerStatus::Pending | SellerStatus::Onboarding => "wait",
            SellerStatus::Restricted | SellerStatus::Suspended | SellerStatus::Deauthorized => "bad",
        },
        charge_model: seller.charge_model.to_string(),
        can_connect: !matches!(seller.status, SellerStatus::Suspended | SellerStatus::Deauthorized),
        account: account(&seller),
        name: seller.display_name,
        back,
        trouble,
    };
    page(status, &template)
}

fn account(seller: &SellerView) -> Option<Account> {
    let account = seller.connected_account.as_ref()?;
    Some(Account {
        id: account.id.clone(),
        charges: account.charges_enabled,
        payouts: account.payouts_enabled,
        submitted: account.details_submitted,
        missing: requirements::in_words(&account.requirements.currently_due),
        overdue: requirements::in_words(&account.requirements.past_due),
        reason: account.requirements.disabled_reason.as_deref().map(requirements::reason),
    })
}

fn words(status: SellerStatus) -> &'static str {
    match status {
        SellerStatus::Pending => {
            "You are not connected to the payment provider yet. Nothing can be sold before."
        }
        SellerStatus::Onboarding => "The payment provider still needs to know more about you.",
        SellerStatus::Active => "You can sell. Your listings are on the storefront.",
        SellerStatus::Restricted => {
            "The payment provider has stopped your charges. Your listings are hidden until that is settled."
        }
        SellerStatus::Suspended => "The marketplace has stopped you from selling. Ask its admins why.",
        SellerStatus::Deauthorized => {
            "You have cut the connection to the marketplace. Apply again to sell here."
        }
    }
}
