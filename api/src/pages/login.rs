//! Logging in and out with cookies, and the way back to where one was.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use souk_infra::people::users::User;
use souk_infra::people::{sessions, users};
use souk_infra::{Refusal, RefusalKind};

use super::trouble::Trouble;
use super::visitor::{Chrome, Visitor};
use super::{local, page, see_other};
use crate::auth::{MaybePageUser, clear_cookies, refresh_cookie, set_cookies};
use crate::error::Result;
use crate::limit::LoginBudget;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(show_login).post(log_in))
        .route("/register", get(show_register).post(register))
        .route("/logout", post(log_out))
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Next {
    next: Option<String>,
}

/// Both forms; the login leaves the name out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LoginForm {
    name: String,
    email: String,
    password: String,
    next: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    chrome: Chrome,
    /// Whether a login is to be made.
    new: bool,
    name: String,
    email: String,
    next: String,
    other: String,
    trouble: Trouble,
    demo_logins: Vec<DemoLogin>,
}

struct DemoLogin {
    role: &'static str,
    email: String,
    password: String,
}

async fn show_login(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Result<Response> {
    show(&state, &visitor, false, LoginForm::to(query), Trouble::default())
}

async fn show_register(
    State(state): State<AppState>,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Result<Response> {
    show(&state, &visitor, true, LoginForm::to(query), Trouble::default())
}

impl LoginForm {
    fn to(query: Next) -> Self {
        Self { next: query.next.unwrap_or_default(), ..Self::default() }
    }

    fn next(&self) -> &str {
        local::or(Some(&self.next), "/account")
    }
}

/// The page. A password that was typed is never sent back.
fn show(
    state: &AppState,
    visitor: &Visitor,
    new: bool,
    form: LoginForm,
    trouble: Trouble,
) -> Result<Response> {
    let next = local::or(Some(&form.next), "").to_owned();
    let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let template = LoginPage {
        chrome: visitor.chrome(),
        new,
        name: form.name,
        email: form.email,
        other: format!("{}?next={query}", if new { "/login" } else { "/register" }),
        next,
        demo_logins: demo_logins(state, &visitor.tenant.slug),
        trouble,
    };
    let status = if template.trouble.is_some() { template.trouble.status } else { StatusCode::OK };
    page(status, &template)
}

/// Who can log in to the demo; nobody's secret anywhere else.
fn demo_logins(state: &AppState, slug: &str) -> Vec<DemoLogin> {
    let Some(info) = &state.demo else { return Vec::new() };
    let Some(tenant) = info.tenants.iter().find(|tenant| tenant.slug == slug) else { return Vec::new() };
    let one = |role, email: &str, password: &str| DemoLogin {
        role,
        email: email.to_owned(),
        password: password.to_owned(),
    };
    let mut logins = vec![one("Admin", &tenant.admin.email, &tenant.admin.password)];
    logins.extend(tenant.sellers.iter().map(|seller| one("Seller", &seller.email, &seller.password)));
    logins.push(one("Buyer", &tenant.buyer.email, &tenant.buyer.password));
    logins
}

async fn log_in(
    State(state): State<AppState>,
    _: LoginBudget,
    visitor: Visitor,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let user = users::authenticate(&state.souk, &visitor.scope, &form.email, &form.password).await?;
    if let Some(user) = user {
        return open(&state, &visitor, user, form.next()).await;
    }
    let detail = "The e-mail address or the password is wrong.";
    let refusal = Refusal::new(RefusalKind::Unauthenticated, "invalid_credentials", detail);
    let trouble = Trouble::of(souk_infra::Error::from(refusal))?;
    show(&state, &visitor, false, form, trouble)
}

async fn register(
    State(state): State<AppState>,
    _: LoginBudget,
    visitor: Visitor,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let name = Some(form.name.trim()).filter(|name| !name.is_empty());
    match users::register(&state.souk, &visitor.scope, &form.email, &form.password, name).await {
        Ok(user) => open(&state, &visitor, user, form.next()).await,
        Err(error) => {
            let trouble = Trouble::of(error)?;
            show(&state, &visitor, true, form, trouble)
        }
    }
}

/// Opens a session, puts it into the browser, and goes on.
async fn open(state: &AppState, visitor: &Visitor, user: User, next: &str) -> Result<Response> {
    let issued = sessions::open(&state.souk, &visitor.scope, user).await?;
    let mut response = see_other(next);
    set_cookies(&mut response, &issued, state.http.https);
    Ok(response)
}

async fn log_out(
    State(state): State<AppState>,
    visitor: MaybePageUser,
    headers: HeaderMap,
) -> Result<Response> {
    if let Some(token) = refresh_cookie(&headers) {
        sessions::revoke(&state.souk, &visitor.scope, token).await?;
    }
    if let Some(user) = visitor.user {
        sessions::revoke_session(&state.souk, &visitor.scope, user.session).await?;
    }
    let mut response = see_other("/");
    clear_cookies(&mut response, state.http.https);
    Ok(response)
}
