//! `/v1/accounts`: connected accounts, as their platform makes and sees them.

use serde_json::{Value, json};

use super::Route;
use crate::accounts::{self, Controller};
use crate::error::{Answer, StripeError};
use crate::http::{Call, lists};
use crate::object::{Fields, list_of, merge_metadata};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("POST /v1/accounts", create),
    Route::new("GET /v1/accounts", list),
    Route::new("GET /v1/account", own),
    Route::new("GET /v1/accounts/{id}", retrieve),
    Route::new("POST /v1/accounts/{id}", update),
    Route::new("DELETE /v1/accounts/{id}", delete),
    Route::new("POST /v1/accounts/{id}/reject", reject),
    Route::new("GET /v1/accounts/{id}/external_accounts", external_accounts),
    Route::new("GET /v1/accounts/{account_id}/external_accounts/{id}", external_account),
];

/// The connected account that the path or a parameter names, if this caller may reach it.
pub(super) fn reachable(call: &Call<'_>, id: &str) -> Answer {
    let refused = || {
        let message = format!(
            "The provided key does not have access to account '{id}' (or that account does not exist). Application access may have been revoked."
        );
        StripeError::invalid(message).code("account_invalid").status(403)
    };
    let visible = !call.is_connected() || call.account == id;
    if visible && call.state.is_connected(id, &call.platform) {
        return call.state.get(&call.platform, Kind::Account, id).map_err(|_| refused());
    }
    Err(refused())
}

fn create(call: &mut Call<'_>) -> Answer {
    if call.is_connected() {
        return Err(StripeError::invalid("Only platforms can create connected accounts.")
            .code("platform_account_required"));
    }
    let controller = Controller::from_params(&call.params)?;
    let id = call.state.ids.make("acct_1", 15);
    let account = accounts::new_account(&id, &controller, &call.params, call.state.now());
    call.vault().insert(Kind::Account, account.clone());
    let platform = call.platform.clone();
    call.state.open_connected(&id, &platform);
    Ok(account)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::Account, "/v1/accounts", |account| {
        call.state.is_connected(account.text("id"), &call.platform)
    })
}

fn own(call: &mut Call<'_>) -> Answer {
    if call.is_connected() {
        reachable(call, &call.account)
    } else {
        Ok(accounts::platform_object(call.state, &call.platform))
    }
}

fn retrieve(call: &mut Call<'_>) -> Answer {
    let id = call.arg(0);
    if id == call.platform { own(call) } else { reachable(call, id) }
}

fn update(call: &mut Call<'_>) -> Answer {
    let id = call.arg(0).to_owned();
    let before = reachable(call, &id)?;
    let params = call.params.clone();
    let platform = call.platform.clone();
    let now = call.state.now();
    let after = call.state.update(&platform, Kind::Account, &id, |account| {
        merge_metadata(account, &params);
        for field in ["email", "business_type", "default_currency"] {
            if let Some(value) = params.get(field) {
                account.put(field, value.clone());
            }
        }
        for field in ["business_profile", "settings"] {
            merge_hash(account, field, params.get(field));
        }
        accounts::request_capabilities(account, &params["capabilities"], now);
    });
    call.state.emit(&id, "account.updated", &after, Some(changed(&before, &after)));
    Ok(after)
}

/// Lays the given names over the hash that is there, one level deep into nested hashes.
fn merge_hash(account: &mut Value, field: &str, change: Option<&Value>) {
    let Some(Value::Object(change)) = change else { return };
    let mut merged = account.get(field).cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    for (name, value) in change {
        if value.is_object() {
            merge_hash(&mut merged, name, Some(value));
        } else {
            merged.put(name, value.clone());
        }
    }
    account.put(field, merged);
}

/// The former values of the top-level fields that differ.
pub(crate) fn changed(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else { return json!({}) };
    let fields = before.iter().filter(|(key, value)| !key.starts_with('_') && after.get(*key) != Some(value));
    Value::Object(fields.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.arg(0).to_owned();
    reachable(call, &id)?;
    if call.state.books.all().any(|(account, _, balance)| account == id && balance.total() != 0) {
        return Err(StripeError::invalid("You cannot delete an account that has a non-zero balance."));
    }
    let platform = call.platform.clone();
    call.state.vault(&platform).remove(Kind::Account, &id);
    call.state.disconnect(&id);
    Ok(json!({ "id": id, "object": "account", "deleted": true }))
}

fn reject(call: &mut Call<'_>) -> Answer {
    let id = call.arg(0).to_owned();
    reachable(call, &id)?;
    let reason = call.params.text("reason");
    let code = if reason.starts_with("fraud") { "fraud" } else { reason };
    let disabled = format!("rejected.{code}");
    Ok(accounts::restrict(call.state, &id, &disabled, &[]))
}

fn external_accounts(call: &mut Call<'_>) -> Answer {
    let account = reachable(call, call.arg(0))?;
    let url = format!("/v1/accounts/{}/external_accounts", call.arg(0));
    Ok(list_of(&url, account["external_accounts"].list("data").to_vec()))
}

fn external_account(call: &mut Call<'_>) -> Answer {
    let account = reachable(call, call.arg(0))?;
    let wanted = call.arg(1);
    let found = account["external_accounts"].list("data").iter().find(|bank| bank.text("id") == wanted);
    found.cloned().ok_or_else(|| StripeError::no_such("external account", wanted))
}
