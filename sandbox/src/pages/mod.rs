//! The hosted pages: plain forms that work without JavaScript. They call the same functions as the controls
//! and decide nothing themselves.

mod checkout;
mod onboarding;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::form::{self, Node};
use crate::http::Shared;

/// All pages.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/", get(front)).merge(checkout::router()).merge(onboarding::router())
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    heading: &'a str,
    text: &'a str,
    link: &'a str,
}

async fn front() -> Response {
    message(
        StatusCode::OK,
        "stripe-sandbox",
        "A simulator of Stripe Connect. Use this address instead of https://api.stripe.com with any sk_test_ key; the controls are under /_sandbox.",
        "",
    )
}

fn message(status: StatusCode, heading: &str, text: &str, link: &str) -> Response {
    page(status, &Message { heading, text, link })
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    match template.render() {
        Ok(html) => (status, headers, html).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// 303: what a form's answer sends the browser to.
fn redirect(address: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, address.to_owned())]).into_response()
}

/// The top-level fields of a submitted form.
fn fields(body: &str) -> HashMap<String, String> {
    match form::parse(body) {
        Ok(Node::Branch(children)) => children
            .into_iter()
            .filter_map(|(name, node)| match node {
                Node::Text(text) => Some((name, text)),
                Node::Branch(_) => None,
            })
            .collect(),
        _ => HashMap::new(),
    }
}
