//! The pages: plain HTML made here, forms that work without scripts, and a redirect after each one that changed
//! something.
//!
//! Pages call the same functions as the API's routes and decide nothing themselves. They never answer in
//! problem+json, and they never believe what a browser says about money: what a page shows was read from the database.

mod account;
mod admin;
mod assets;
mod checkout;
mod errors;
mod format;
mod listing;
mod local;
mod login;
mod order;
mod refund;
mod renew;
mod seller;
mod store;
mod trouble;
mod visitor;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::auth::same_origin;
use crate::error::{ApiError, Result};
use crate::state::AppState;
use crate::tenancy;

pub(crate) use self::errors::in_html as errors_in_html;
pub(crate) use self::renew::Renewals;

/// Every page, and what they are made of.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let pages = Router::new()
        .merge(store::routes())
        .merge(listing::routes())
        .merge(checkout::routes())
        .merge(order::routes())
        .merge(refund::routes())
        .merge(login::routes())
        .merge(account::routes())
        .merge(seller::routes())
        .merge(admin::routes())
        .route_layer(from_fn_with_state(state.clone(), renew::renew))
        .route_layer(axum::middleware::from_fn(same_origin))
        .route_layer(from_fn_with_state(state.clone(), tenancy::resolve));
    Router::new().merge(assets::routes()).merge(pages)
}

/// A page with this status.
fn page(status: StatusCode, template: &impl Template) -> Result<Response> {
    let html = template.render().map_err(|error| {
        ApiError(souk_infra::Error::Internal(format!("a page can't be rendered: {error}")))
    })?;
    Ok((status, Html(html)).into_response())
}

/// 303: a form was taken, and the browser goes on to `address` with GET.
fn see_other(address: &str) -> Response {
    // Nothing that can't be in a header can be in an address, except by mistake of a provider.
    if address.bytes().any(|b| b.is_ascii_control() || !b.is_ascii()) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Redirect::to(address).into_response()
}

/// Where a list goes on, if it does: the same address from the last row on.
fn older(path: &str, filter: Option<&str>, has_more: bool, last: Option<impl ToString>) -> Option<String> {
    let last = last.filter(|_| has_more)?.to_string();
    let filter = filter.map_or_else(String::new, |status| format!("status={status}&"));
    Some(format!("{path}?{filter}starting_after={last}"))
}

/// A key that makes a form count once, however often it is sent.
fn fresh_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}
