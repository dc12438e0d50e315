//! Connected accounts: what they look like, what they still owe in information, and how that changes.
//! The one place that enables or disables charges and payouts.

use serde_json::{Value, json};

use crate::error::StripeError;
use crate::money::currency_of_country;
use crate::object::{Fields, list_of, metadata_of};
use crate::routes::accounts::changed;
use crate::state::State;
use crate::state::vault::Kind;

/// What a new account has to fill in.
const DUE: [&str; 9] = [
    "business_profile.mcc",
    "business_profile.url",
    "business_type",
    "external_account",
    "representative.email",
    "representative.first_name",
    "representative.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
];

/// Who pays fees, who bears losses, who collects information, which dashboard there is. Fixed for life.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    fees: &'static str,
    losses: &'static str,
    collection: &'static str,
    dashboard: &'static str,
}

impl Controller {
    const STANDARD: Self =
        Self { fees: "account", losses: "stripe", collection: "stripe", dashboard: "full" };
    const EXPRESS: Self = Self {
        fees: "application_express",
        losses: "application",
        collection: "stripe",
        dashboard: "express",
    };
    const CUSTOM: Self = Self {
        fees: "application_custom",
        losses: "application",
        collection: "application",
        dashboard: "none",
    };

    /// From `controller`, or from the legacy `type`, but not from both.
    pub(crate) fn from_params(params: &Value) -> Result<Self, StripeError> {
        if params.has("type") && params.has("controller") {
            let message = "You may only specify one of these parameters: type, controller.";
            return Err(StripeError::parameter("parameters_exclusive", "controller", message));
        }
        let Some(given) = params.get("controller") else {
            return Ok(match params.text("type") {
                "express" => Self::EXPRESS,
                "custom" => Self::CUSTOM,
                _ => Self::STANDARD,
            });
        };
        let or = |value: &str, options: [&'static str; 3], default: &'static str| {
            options.into_iter().find(|option| *option == value).unwrap_or(default)
        };
        let controller = Self {
            fees: or(given["fees"].text("payer"), ["account", "application", "account"], "account"),
            losses: or(given["losses"].text("payments"), ["stripe", "application", "stripe"], "stripe"),
            collection: or(
                given.text("requirement_collection"),
                ["stripe", "application", "stripe"],
                "stripe",
            ),
            dashboard: or(given["stripe_dashboard"].text("type"), ["full", "express", "none"], "full"),
        };
        if controller.dashboard == "express"
            && (controller.fees != "application" || controller.losses != "application")
        {
            let message = "When `controller[stripe_dashboard][type]=express`, both `controller[fees][payer]` and `controller[losses][payments]` must be `application`.";
            return Err(StripeError::invalid(message).param("controller"));
        }
        Ok(controller)
    }

    /// The legacy word for these properties, where there is one.
    fn legacy_type(&self) -> &'static str {
        match (self.fees, self.losses, self.collection, self.dashboard) {
            ("account", "stripe", "stripe", "full") => "standard",
            (_, "application", "stripe", "express") => "express",
            ("application" | "application_custom", "application", "application", "none") => "custom",
            _ => "none",
        }
    }
}

/// A new account: everything still due, nothing enabled.
pub(crate) fn new_account(id: &str, controller: &Controller, params: &Value, now: i64) -> Value {
    let country = params.opt_text("country").unwrap_or("US");
    let currency = params.opt_text("default_currency").unwrap_or_else(|| currency_of_country(country));
    let profile = |name: &str| params["business_profile"].get(name).cloned().unwrap_or_default();
    let schedule = params["settings"]["payouts"]["schedule"].opt_text("interval").unwrap_or("daily");
    let mut account = json!({
        "id": id, "object": "account",
        "business_profile": {
            "annual_revenue": null, "estimated_worker_count": null, "mcc": profile("mcc"),
            "minority_owned_business_designation": null, "name": profile("name"),
            "product_description": profile("product_description"),
            "specified_commercial_transactions_act_url": null, "support_address": null,
            "support_email": profile("support_email"), "support_phone": profile("support_phone"),
            "support_url": profile("support_url"), "url": profile("url"),
        },
        "business_type": params.get("business_type"), "capabilities": {}, "charges_enabled": false,
        "controller": {
            "type": "application", "is_controller": true, "fees": { "payer": controller.fees },
            "losses": { "payments": controller.losses },
            "requirement_collection": controller.collection,
            "stripe_dashboard": { "type": controller.dashboard },
        },
        "country": country, "created": now, "default_currency": currency, "details_submitted": false,
        "email": params.get("email"),
        "external_accounts": list_of(&format!("/v1/accounts/{id}/external_accounts"), Vec::new()),
        "future_requirements": requirements(&[], &[], None),
        "metadata": metadata_of(params), "payouts_enabled": false,
        "requirements": requirements(&DUE, &[], Some("requirements.past_due")),
        "settings": settings(schedule),
        "tos_acceptance": { "date": null, "ip": null, "user_agent": null },
        "type": controller.legacy_type(), "_requested_at": {},
    });
    if controller.dashboard == "full" {
        // Such accounts belong to their owners, who have these two without being asked.
        let both = json!({ "card_payments": { "requested": true }, "transfers": { "requested": true } });
        request_capabilities(&mut account, &both, now);
    }
    request_capabilities(&mut account, &params["capabilities"], now);
    account
}

fn settings(interval: &str) -> Value {
    json!({
        "bacs_debit_payments": { "display_name": null, "service_user_number": null },
        "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
        "card_issuing": { "tos_acceptance": { "date": null, "ip": null } },
        "card_payments": {
            "decline_on": { "avs_failure": false, "cvc_failure": false }, "statement_descriptor_prefix": null,
            "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
        },
        "dashboard": { "display_name": null, "timezone": "Etc/UTC" },
        "invoices": { "default_account_tax_ids": null, "hosted_payment_method_save": null },
        "payments": {
            "statement_descriptor": null, "statement_descriptor_kana": null, "statement_descriptor_kanji": null,
            "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null,
        },
        "payouts": {
            "debit_negative_balances": true, "schedule": { "delay_days": 2, "interval": interval },
            "statement_descriptor": null,
        },
        "sepa_debit_payments": {},
    })
}

fn requirements(due: &[&str], past_due: &[String], disabled_reason: Option<&str>) -> Value {
    json!({
        "alternatives": [], "current_deadline": null, "currently_due": due, "disabled_reason": disabled_reason,
        "errors": [], "eventually_due": due, "past_due": past_due, "pending_verification": [],
    })
}

/// Takes note of `capabilities[x][requested]`. A capability becomes active with the account's details.
pub(crate) fn request_capabilities(account: &mut Value, wanted: &Value, now: i64) {
    let Some(wanted) = wanted.as_object() else { return };
    let status = if account.flag("details_submitted") { "active" } else { "inactive" };
    for (name, capability) in wanted {
        if capability.flag("requested") {
            account["_requested_at"].put(name, now);
            if account["capabilities"].text(name) != "active" {
                account["capabilities"].put(name, status);
            }
        } else if account["capabilities"].get(name).is_some() {
            account["capabilities"].put(name, "inactive");
            account["_requested_at"].put(name, Value::Null);
        }
    }
}

/// One capability as an object of its own.
pub(crate) fn capability(account: &Value, name: &str) -> Value {
    let status = account["capabilities"].text(name);
    let requested_at = account["_requested_at"].get(name).cloned().unwrap_or_default();
    let due: Vec<&str> = if status == "active" {
        Vec::new()
    } else {
        account["requirements"].list("currently_due").iter().filter_map(Value::as_str).collect()
    };
    let reason = (status != "active").then_some("requirements.fields_needed");
    json!({
        "id": name, "object": "capability", "account": account["id"],
        "future_requirements": requirements(&[], &[], None), "requested": !requested_at.is_null(),
        "requested_at": requested_at, "requirements": requirements(&due, &[], reason), "status": status,
    })
}

/// Whether an account has a capability and may use it.
pub(crate) fn has_capability(account: &Value, name: &str) -> bool {
    account["capabilities"].text(name) == "active"
}

/// What the hosted onboarding leads to. Repeating it lifts a restriction.
pub(crate) fn complete_onboarding(state: &mut State, id: &str) -> Result<Value, StripeError> {
    let platform =
        state.platform_of(id).map(str::to_owned).ok_or_else(|| StripeError::no_such("account", id))?;
    let before = state.get(&platform, Kind::Account, id)?;
    let (now, bank) = (state.now(), state.ids.object("ba_1"));
    let after = state.update(&platform, Kind::Account, id, |account| {
        for field in ["charges_enabled", "payouts_enabled", "details_submitted"] {
            account.put(field, true);
        }
        account.put("requirements", requirements(&[], &[], None));
        account.put("tos_acceptance", json!({ "date": now, "ip": "127.0.0.1", "user_agent": null }));
        if !account.has("business_type") {
            account.put("business_type", "individual");
        }
        if account["external_accounts"].list("data").is_empty() {
            let bank = bank_account(&bank, account);
            account["external_accounts"]["data"] = json!([bank]);
        }
        let requested: Vec<String> =
            account["capabilities"].as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
        for name in
            requested.iter().filter(|name| account["_requested_at"].has(name)).cloned().collect::<Vec<_>>()
        {
            account["capabilities"].put(&name, "active");
        }
    });
    announce(state, id, &before, &after);
    Ok(after)
}

/// Takes charges and payouts away, saying why and what is missing.
pub(crate) fn restrict(state: &mut State, id: &str, disabled_reason: &str, past_due: &[String]) -> Value {
    let Some(platform) = state.platform_of(id).map(str::to_owned) else { return Value::Null };
    let Ok(before) = state.get(&platform, Kind::Account, id) else { return Value::Null };
    let after = state.update(&platform, Kind::Account, id, |account| {
        account.put("charges_enabled", false);
        account.put("payouts_enabled", false);
        let due: Vec<&str> = past_due.iter().map(String::as_str).collect();
        account.put("requirements", requirements(&due, past_due, Some(disabled_reason)));
        for status in account["capabilities"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            *status = json!("inactive");
        }
    });
    announce(state, id, &before, &after);
    after
}

fn announce(state: &mut State, id: &str, before: &Value, after: &Value) {
    state.emit(id, "account.updated", after, Some(changed(before, after)));
    let names: Vec<String> =
        after["capabilities"].as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    for name in names {
        if before["capabilities"].text(&name) != after["capabilities"].text(&name) {
            let previous = json!({ "status": before["capabilities"][&name] });
            state.emit(id, "capability.updated", &capability(after, &name), Some(previous));
        }
    }
}

fn bank_account(id: &str, account: &Value) -> Value {
    json!({
        "id": id, "object": "bank_account", "account": account["id"], "account_holder_name": null,
        "account_holder_type": null, "account_type": null, "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK", "country": account["country"], "currency": account["default_currency"],
        "default_for_currency": true, "fingerprint": "sandboxbank00001", "future_requirements": null,
        "last4": "6789", "metadata": {}, "requirements": null, "routing_number": "110000000", "status": "new",
    })
}

/// Ends the platform's access. The event's object is the application, as at Stripe.
pub(crate) fn deauthorize(state: &mut State, id: &str) -> Result<Value, StripeError> {
    let platform =
        state.platform_of(id).map(str::to_owned).ok_or_else(|| StripeError::no_such("account", id))?;
    let application = json!({
        "id": crate::routes::webhook_endpoints::application_id(&platform), "object": "application",
        "name": "stripe-sandbox",
    });
    state.disconnect(id);
    state.emit(id, "account.application.deauthorized", &application, None);
    Ok(application)
}

/// The platform's own account, which is complete from the start.
pub(crate) fn platform_object(state: &State, platform: &str) -> Value {
    let params = json!({ "country": "US", "email": "platform@example.com" });
    let mut account = new_account(platform, &Controller::STANDARD, &params, state.now());
    for field in ["charges_enabled", "payouts_enabled", "details_submitted"] {
        account.put(field, true);
    }
    account.put("requirements", requirements(&[], &[], None));
    account.put("capabilities", json!({ "card_payments": "active", "transfers": "active" }));
    account.put("controller", json!({ "type": "account" }));
    account
}
