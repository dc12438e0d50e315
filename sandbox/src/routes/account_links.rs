//! `/v1/account_links` and login links: single-use addresses of pages that a person opens.

use serde_json::json;

use super::Route;
use super::accounts::reachable;
use crate::error::{Answer, StripeError};
use crate::http::Call;
use crate::object::Fields;
use crate::state::Link;

pub(super) const ROUTES: &[Route] =
    &[Route::new("POST /v1/account_links", create), Route::new("POST /v1/accounts/{id}/login_links", login)];

/// How long an unused onboarding address works.
const LIFETIME: i64 = 300;

fn create(call: &mut Call<'_>) -> Answer {
    let id = call.params.text("account").to_owned();
    let account = reachable(call, &id)?;
    for name in ["refresh_url", "return_url"] {
        let Some(address) = call.given(name) else { return Err(StripeError::missing(name)) };
        if url::Url::parse(address).is_err() {
            return Err(StripeError::parameter("url_invalid", name, "Not a valid URL"));
        }
    }
    let collected_by_platform = account["controller"].text("requirement_collection") == "application";
    if call.params.text("type") == "account_update" && !collected_by_platform {
        let message = "You cannot create `account_update` type Account Links for this account. Valid types are: account_onboarding.";
        return Err(StripeError::invalid(message).param("type"));
    }
    let token = call.state.ids.make("", 20);
    let now = call.state.now();
    let link = Link {
        account: id.clone(),
        return_url: call.params.text("return_url").to_owned(),
        refresh_url: call.params.text("refresh_url").to_owned(),
        expires_at: now + LIFETIME,
        used: false,
    };
    let expires_at = link.expires_at;
    call.state.links.insert(token.clone(), link);
    let url = format!("{}/setup/{id}/{token}", call.state.base_url);
    Ok(json!({ "object": "account_link", "created": now, "expires_at": expires_at, "url": url }))
}

fn login(call: &mut Call<'_>) -> Answer {
    let id = call.arg(0).to_owned();
    let account = reachable(call, &id)?;
    if account["controller"]["stripe_dashboard"].text("type") != "express" {
        let message = format!(
            "Account {id} is not an Express account. Login links can only be created for accounts with access to the Express Dashboard."
        );
        return Err(StripeError::invalid(message));
    }
    if !account.flag("details_submitted") {
        let message = "Cannot create a login link for an account that has not completed onboarding.";
        return Err(StripeError::invalid(message));
    }
    let token = call.state.ids.make("", 20);
    let url = format!("{}/express/{id}/{token}", call.state.base_url);
    Ok(json!({ "object": "login_link", "created": call.state.now(), "url": url }))
}
