//! `/v1/accounts/{id}/capabilities`: what an account has asked for, and whether it may.

use serde_json::{Value, json};

use super::Route;
use super::accounts::reachable;
use crate::accounts;
use crate::error::{Answer, StripeError};
use crate::http::Call;
use crate::object::{Fields, list_of};
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET /v1/accounts/{id}/capabilities", list),
    Route::new("GET /v1/accounts/{account_id}/capabilities/{id}", retrieve),
    Route::new("POST /v1/accounts/{account_id}/capabilities/{id}", update),
];

fn list(call: &mut Call<'_>) -> Answer {
    let account = reachable(call, call.arg(0))?;
    let names = account["capabilities"].as_object().into_iter().flat_map(|all| all.keys());
    let data = names.map(|name| accounts::capability(&account, name)).collect();
    Ok(list_of(&format!("/v1/accounts/{}/capabilities", call.arg(0)), data))
}

fn retrieve(call: &mut Call<'_>) -> Answer {
    let account = reachable(call, call.arg(0))?;
    let name = call.arg(1);
    if account["capabilities"].get(name).is_none() {
        return Err(StripeError::no_such("capability", name));
    }
    Ok(accounts::capability(&account, name))
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, name) = (call.arg(0).to_owned(), call.arg(1).to_owned());
    reachable(call, &id)?;
    let wanted: Value = json!({ name.clone(): { "requested": call.params.flag("requested") } });
    let (platform, now) = (call.platform.clone(), call.state.now());
    let account = call.state.update(&platform, Kind::Account, &id, |account| {
        accounts::request_capabilities(account, &wanted, now);
    });
    let capability = accounts::capability(&account, &name);
    call.state.emit(&id, "capability.updated", &capability, None);
    Ok(capability)
}
