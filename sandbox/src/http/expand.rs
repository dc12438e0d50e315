//! `expand`: ids replaced by the objects behind them, up to four levels. Only reads.

use serde_json::Value;

use crate::error::StripeError;
use crate::object::{Fields, list_of, public};
use crate::state::State;
use crate::state::vault::Kind;

/// Fields that hold an id which may be shown as an object, or a list that is left out unless asked for.
const EXPANDABLE: &[&str] = &[
    "account",
    "application",
    "application_fee",
    "applies_to",
    "balance_transaction",
    "balance_transactions",
    "charge",
    "charges",
    "coupon",
    "customer",
    "data",
    "destination",
    "destination_payment",
    "destination_payment_refund",
    "discounts",
    "failure_balance_transaction",
    "fee",
    "invoice",
    "latest_charge",
    "line_items",
    "on_behalf_of",
    "originating_transaction",
    "payment_intent",
    "payment_link",
    "payment_method",
    "price",
    "product",
    "promotion",
    "promotion_code",
    "refunds",
    "reversals",
    "review",
    "setup_intent",
    "source",
    "source_refund",
    "source_transaction",
    "source_transfer",
    "source_transfer_reversal",
    "subscription",
    "transfer",
    "transfer_data",
    "transfer_reversal",
    "total_details",
    "breakdown",
    "last_payment_error",
    "capabilities",
    "default_price",
    "failure",
    "original_payout",
    "reversed_by",
];

/// Refuses a path that no object has, before the endpoint runs.
pub(crate) fn check(params: &Value) -> Result<(), StripeError> {
    for path in params.list("expand").iter().filter_map(Value::as_str) {
        let segments: Vec<&str> = path.split('.').collect();
        let message = if segments.len() > 4 {
            format!("You cannot expand more than 4 levels of a property ({path}).")
        } else if segments.iter().any(|segment| !EXPANDABLE.contains(segment)) {
            format!("This property cannot be expanded ({path}).")
        } else {
            continue;
        };
        return Err(StripeError::parameter("", "expand", message).without_code());
    }
    Ok(())
}

/// Expands an answer in place, as the acting account sees it.
pub(crate) fn apply(state: &State, account: &str, answer: &mut Value, params: &Value) {
    for path in params.list("expand").iter().filter_map(Value::as_str) {
        let segments: Vec<&str> = path.split('.').collect();
        walk(state, account, answer, &segments);
    }
}

fn walk(state: &State, account: &str, value: &mut Value, path: &[&str]) {
    let Some((field, rest)) = path.split_first() else { return };
    if let Value::Array(items) = value {
        for item in items {
            walk(state, account, item, path);
        }
        return;
    }
    if !value.is_object() {
        return;
    }
    if let Some(extra) = left_out(state, account, value, field) {
        value.put(field, extra);
    }
    let Some(slot) = value.get_mut(*field) else { return };
    match slot {
        Value::String(id) => {
            if let Some(found) = resolve(state, account, field, id) {
                *slot = public(&found);
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Some(found) = item.as_str().and_then(|id| resolve(state, account, field, id)) {
                    *item = public(&found);
                }
            }
        }
        _ => {}
    }
    walk(state, account, slot, rest);
}

/// Parts that an object has but does not show by itself.
fn left_out(state: &State, account: &str, object: &Value, field: &str) -> Option<Value> {
    match (object.text("object"), field) {
        ("checkout.session", "line_items") => {
            let url = format!("/v1/checkout/sessions/{}/line_items", object.text("id"));
            let session = state.peek(account)?.get(Kind::Session, object.text("id"))?;
            Some(list_of(&url, session.list("_line_items").iter().map(public).collect()))
        }
        ("charge", "refunds") => {
            let id = object.text("id");
            let refunds = state.peek(account)?.all(Kind::Refund).filter(|refund| refund.text("charge") == id);
            Some(list_of(&format!("/v1/charges/{id}/refunds"), refunds.map(public).collect()))
        }
        ("coupon", "applies_to") => {
            let coupon = state.peek(account)?.get(Kind::Coupon, object.text("id"))?;
            coupon.get("_applies_to").cloned()
        }
        _ => None,
    }
}

fn resolve(state: &State, account: &str, field: &str, id: &str) -> Option<Value> {
    if field == "coupon" {
        return state.peek(account)?.get(Kind::Coupon, id).cloned();
    }
    let kind = Kind::of_id(id)?;
    if kind == Kind::Account {
        return state.account_object(id).cloned();
    }
    // A transfer's counterpart lives on the other account; ids are unique, so looking there is harmless.
    let platform = state.platform_of(account).unwrap_or(account).to_owned();
    let related = |other: &String| *other == platform || state.platform_of(other) == Some(platform.as_str());
    if let Some(own) = state.peek(account).and_then(|vault| vault.get(kind, id)) {
        return Some(own.clone());
    }
    let owner = state.owner_of(kind, id).ok().filter(related)?;
    state.get(&owner, kind, id).ok()
}
