//! The hosted checkout page and the bank's challenge behind it.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::{fields, message, page, redirect};
use crate::checkout::complete::{self, Buyer};
use crate::http::Shared;
use crate::money;
use crate::object::Fields;
use crate::payments::attempts::{self, Challenge};
use crate::payments::cards::Instrument;
use crate::state::State;
use crate::state::vault::Kind;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/c/pay/{id}", get(show).post(submit))
        .route("/c/pay/{id}/challenge", get(show_challenge).post(answer_challenge))
        .route("/3ds/{id}", get(show_intent_challenge).post(answer_intent_challenge))
}

struct Line {
    description: String,
    quantity: i64,
    amount: String,
}

struct TestCard {
    name: &'static str,
    value: &'static str,
}

const CARDS: &[TestCard] = &[
    TestCard { name: "Succeeds", value: "4242424242424242" },
    TestCard { name: "Declined", value: "4000000000000002" },
    TestCard { name: "Insufficient funds", value: "4000000000009995" },
    TestCard { name: "Expired card", value: "4000000000000069" },
    TestCard { name: "Asks for 3D Secure", value: "4000000000003220" },
    TestCard { name: "Disputed afterwards", value: "4000000000000259" },
];
const DEBITS: &[TestCard] = &[
    TestCard { name: "Bank debit, succeeds later", value: "bank_success" },
    TestCard { name: "Bank debit, fails later", value: "bank_failure" },
];

#[derive(Template)]
#[template(path = "checkout.html")]
struct Checkout {
    id: String,
    lines: Vec<Line>,
    discount: String,
    code: String,
    total: String,
    takes_codes: bool,
    free: bool,
    email: String,
    tests: Vec<&'static TestCard>,
    cancel_url: String,
    error: String,
}

#[derive(Template)]
#[template(path = "challenge.html")]
struct ChallengePage {
    card: String,
    email: String,
}

async fn show(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let mut state = shared.lock();
    state.run_due();
    render(&state, &id, StatusCode::OK, "")
}

/// The page in the session's present state.
fn render(state: &State, id: &str, status: StatusCode, error: &str) -> Response {
    let session = state.owner_of(Kind::Session, id).and_then(|account| {
        let session = state.get(&account, Kind::Session, id)?;
        Ok((account, session))
    });
    let Ok((account, session)) = session else {
        return message(
            StatusCode::NOT_FOUND,
            "No such checkout",
            "This address belongs to no checkout session.",
            "",
        );
    };
    match session.text("status") {
        "open" => page(status, &checkout_page(state, &account, &session, error)),
        "complete" => {
            let link = complete::destination(&session).unwrap_or_default();
            message(StatusCode::OK, "Already paid", "This checkout is complete.", &link)
        }
        _ => message(
            StatusCode::GONE,
            "This checkout has expired",
            "Nothing was charged.",
            session.text("cancel_url"),
        ),
    }
}

fn checkout_page(state: &State, account: &str, session: &Value, error: &str) -> Checkout {
    let currency = session.text("currency");
    let discount = session["total_details"].int("amount_discount");
    let lines = session
        .list("_line_items")
        .iter()
        .map(|line| Line {
            description: line.text("description").to_owned(),
            quantity: line.int("quantity"),
            amount: money::display(line.int("amount_subtotal"), currency),
        })
        .collect();
    let code = session
        .list("discounts")
        .iter()
        .filter_map(|discount| discount.opt_text("promotion_code"))
        .find_map(|id| state.get(account, Kind::PromotionCode, id).ok())
        .map(|code| code.text("code").to_owned());
    let debits = session.list("payment_method_types").iter().any(|name| name == "us_bank_account");
    Checkout {
        id: session.text("id").to_owned(),
        lines,
        discount: if discount > 0 { money::display(discount, currency) } else { String::new() },
        code: code.unwrap_or_default(),
        total: money::display(session.int("amount_total"), currency),
        takes_codes: session.flag("allow_promotion_codes"),
        free: session.int("amount_total") == 0,
        email: session.opt_text("customer_email").unwrap_or("buyer@example.com").to_owned(),
        tests: CARDS.iter().chain(if debits { DEBITS } else { &[] }).collect(),
        cancel_url: session.text("cancel_url").to_owned(),
        error: error.to_owned(),
    }
}

async fn submit(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>, body: String) -> Response {
    let form = fields(&body);
    let mut state = shared.lock();
    let Ok(account) = state.owner_of(Kind::Session, &id) else {
        return render(&state, &id, StatusCode::NOT_FOUND, "");
    };
    if form.get("action").is_some_and(|action| action == "code") {
        let code = form.get("code").map_or("", String::as_str).trim();
        let error = complete::apply_code(&mut state, &account, &id, code).err();
        return render(&state, &id, StatusCode::OK, &error.map(|error| error.message).unwrap_or_default());
    }
    let chosen = form.get("test").or_else(|| form.get("card")).map_or("", String::as_str);
    pay(&mut state, &account, &id, chosen, Challenge::Shown, &form)
}

/// Submits the session and sends the buyer where the outcome leads.
fn pay(
    state: &mut State,
    account: &str,
    id: &str,
    chosen: &str,
    challenge: Challenge,
    form: &HashMap<String, String>,
) -> Response {
    let instrument = match chosen {
        "bank_success" => Instrument::BankDebit { fails: false },
        "bank_failure" => Instrument::BankDebit { fails: true },
        number => Instrument::card(number),
    };
    let email = form.get("email").filter(|email| !email.is_empty()).cloned();
    let buyer = Buyer { instrument, challenge, email: email.clone(), name: None };
    match complete::submit(state, account, id, &buyer) {
        Ok(session) if session.text("status") == "open" => {
            let card: String = chosen.chars().filter(char::is_ascii_digit).collect();
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("card", &card).append_pair("email", &email.unwrap_or_default());
            redirect(&format!("/c/pay/{id}/challenge?{}", query.finish()))
        }
        Ok(session) => match complete::destination(&session) {
            Some(address) => redirect(&address),
            None => message(StatusCode::OK, "Thank you", "This checkout is complete.", ""),
        },
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            render(state, id, status, &error.message)
        }
    }
}

async fn show_challenge(Query(query): Query<HashMap<String, String>>) -> Response {
    let field = |name: &str| query.get(name).cloned().unwrap_or_default();
    page(StatusCode::OK, &ChallengePage { card: field("card"), email: field("email") })
}

async fn answer_challenge(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let form = fields(&body);
    let mut state = shared.lock();
    let Ok(account) = state.owner_of(Kind::Session, &id) else {
        return render(&state, &id, StatusCode::NOT_FOUND, "");
    };
    let card = form.get("card").map_or("", String::as_str).to_owned();
    pay(&mut state, &account, &id, &card, outcome(&form), &form)
}

fn outcome(form: &HashMap<String, String>) -> Challenge {
    if form.get("outcome").is_some_and(|outcome| outcome == "pass") {
        Challenge::Passed
    } else {
        Challenge::Failed
    }
}

/// The challenge of an intent that was confirmed through the API, not by a checkout session.
async fn show_intent_challenge(Extract(shared): Extract<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let state = shared.lock();
    match state.owner_of(Kind::PaymentIntent, &id) {
        Ok(_) => page(StatusCode::OK, &ChallengePage { card: String::new(), email: String::new() }),
        Err(error) => message(StatusCode::NOT_FOUND, "Nothing to authenticate", &error.message, ""),
    }
}

async fn answer_intent_challenge(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    match attempts::authenticate(&mut shared.lock(), &id, outcome(&fields(&body))) {
        Ok(intent) => {
            let link = intent["_return_url"].as_str().unwrap_or_default();
            message(StatusCode::OK, "Authenticated", "You can go back to the shop.", link)
        }
        Err(error) => message(StatusCode::OK, "Authentication failed", &error.message, ""),
    }
}
