//! `/v1/account_sessions`: client secrets for embedded components. Nothing here renders a component.

use serde_json::{Map, Value, json};

use super::Route;
use super::accounts::reachable;
use crate::error::{Answer, StripeError};
use crate::http::Call;
use crate::object::Fields;

pub(super) const ROUTES: &[Route] = &[Route::new("POST /v1/account_sessions", create)];

const BANK: &[&str] = &["disable_stripe_user_authentication", "external_account_collection"];
const PAYMENTS: &[&str] = &[
    "capture_payments",
    "destination_on_behalf_of_charge_management",
    "dispute_management",
    "refund_management",
    "smart_disputes_management",
];
const PAYOUTS: &[&str] = &[
    "disable_stripe_user_authentication",
    "edit_payout_schedule",
    "external_account_collection",
    "instant_payouts",
    "standard_payouts",
];
const CARDS: &[&str] = &[
    "card_management",
    "card_spend_dispute_management",
    "cardholder_management",
    "disable_stripe_user_authentication",
    "spend_control_management",
];

/// Every component with the features it may have.
const COMPONENTS: &[(&str, &[&str])] = &[
    ("account_management", BANK),
    ("account_onboarding", BANK),
    ("balance_report", &[]),
    ("balances", PAYOUTS),
    ("disputes_list", PAYMENTS),
    ("documents", &[]),
    (
        "financial_account",
        &[
            "disable_stripe_user_authentication",
            "external_account_collection",
            "send_money",
            "transfer_balance",
        ],
    ),
    ("financial_account_transactions", &["card_spend_dispute_management"]),
    (
        "instant_payouts_promotion",
        &["disable_stripe_user_authentication", "external_account_collection", "instant_payouts"],
    ),
    (
        "issuing_card",
        &[
            "card_management",
            "card_spend_dispute_management",
            "cardholder_management",
            "spend_control_management",
        ],
    ),
    ("issuing_cards_list", CARDS),
    ("notification_banner", BANK),
    ("payment_details", PAYMENTS),
    (
        "payment_disputes",
        &[
            "destination_on_behalf_of_charge_management",
            "dispute_management",
            "refund_management",
            "smart_disputes_management",
        ],
    ),
    ("payment_method_settings", &["disable_stripe_user_authentication"]),
    ("payments", PAYMENTS),
    ("payout_details", &[]),
    ("payout_reconciliation_report", &[]),
    ("payouts", PAYOUTS),
    ("payouts_list", &[]),
    ("tax_registrations", &[]),
    ("tax_settings", &[]),
];

fn create(call: &mut Call<'_>) -> Answer {
    let id = call.params.text("account").to_owned();
    reachable(call, &id)?;
    let wanted = call.params["components"].as_object().cloned().unwrap_or_default();
    if let Some(name) = wanted.keys().find(|name| COMPONENTS.iter().all(|(known, _)| known != name)) {
        let path = format!("components[{name}]");
        return Err(StripeError::parameter(
            "parameter_unknown",
            &path,
            format!("Received unknown parameter: {path}"),
        ));
    }
    let yes = |value: Option<&Value>| value.and_then(Value::as_str) == Some("true");
    if !wanted.values().any(|component| yes(component.get("enabled"))) {
        return Err(StripeError::invalid("You must enable at least one component.").param("components"));
    }
    let components: Map<String, Value> = COMPONENTS
        .iter()
        .map(|(name, features)| {
            let asked = wanted.get(*name).cloned().unwrap_or_default();
            let features: Map<String, Value> = features
                .iter()
                .map(|feature| ((*feature).to_owned(), json!(yes(asked["features"].get(*feature)))))
                .collect();
            ((*name).to_owned(), json!({ "enabled": yes(asked.get("enabled")), "features": features }))
        })
        .collect();
    let client_secret = call.state.ids.make("accs_secret__", 48);
    Ok(json!({
        "object": "account_session", "account": id, "client_secret": client_secret, "components": components,
        "expires_at": call.state.now() + 3_600, "livemode": call.live(),
    }))
}
