//! Stripe's test cards and what each of them does. Numbers are fixed test numbers; real ones are refused.

use serde_json::{Value, json};

use crate::error::StripeError;

/// What a card does besides being charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Approved,
    Declined(Decline),
    /// Asks the buyer to authenticate; then approves, or declines.
    Challenged(Option<Decline>),
    /// Charged, then disputed for this reason at once.
    Disputed(&'static str),
    RefundsArePending,
    RefundsFail,
    AvailableAtOnce,
}

/// A refusal: error code, decline code, sentence, parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decline(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

const GENERIC: Decline = Decline("card_declined", "generic_decline", "Your card was declined.", "");
const NO_FUNDS: Decline =
    Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.", "");
const LOST: Decline = Decline("card_declined", "lost_card", "Your card was declined.", "");
const STOLEN: Decline = Decline("card_declined", "stolen_card", "Your card was declined.", "");
const BLOCKED: Decline = Decline("card_declined", "fraudulent", "Your card was declined.", "");
const EXPIRED: Decline = Decline("expired_card", "expired_card", "Your card has expired.", "exp_month");
const WRONG_CVC: Decline =
    Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "cvc");
const BROKEN: Decline = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    "",
);
const WRONG_NUMBER: Decline =
    Decline("incorrect_number", "incorrect_number", "Your card number is incorrect.", "number");
const LIVE_CARD: Decline = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
    "",
);

/// Number, the names that the API has for it, behaviour.
const CARDS: &[(&str, &[&str], Behaviour)] = &[
    ("4242424242424242", &["pm_card_visa"], Behaviour::Approved),
    ("5555555555554444", &["pm_card_mastercard"], Behaviour::Approved),
    ("378282246310005", &["pm_card_amex"], Behaviour::Approved),
    ("4000056655665556", &["pm_card_visa_debit"], Behaviour::Approved),
    ("4000000000009235", &["pm_card_riskLevelElevated"], Behaviour::Approved),
    ("4000003720000278", &["pm_card_international"], Behaviour::Approved),
    ("4000003800000446", &["pm_card_authenticationRequiredSetupForOffSession"], Behaviour::Approved),
    ("4000000000005423", &["pm_card_createIssuerFraudRecord"], Behaviour::Approved),
    ("4000000000000077", &["pm_card_bypassPending"], Behaviour::AvailableAtOnce),
    (
        "4000000000000002",
        &["pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"],
        Behaviour::Declined(GENERIC),
    ),
    (
        "4000000000009995",
        &["pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa_chargeDeclinedInsufficientFunds"],
        Behaviour::Declined(NO_FUNDS),
    ),
    ("4000000000009987", &["pm_card_visa_chargeDeclinedLostCard"], Behaviour::Declined(LOST)),
    ("4000000000009979", &["pm_card_visa_chargeDeclinedStolenCard"], Behaviour::Declined(STOLEN)),
    ("4000000000000069", &["pm_card_chargeDeclinedExpiredCard"], Behaviour::Declined(EXPIRED)),
    ("4000000000000127", &["pm_card_chargeDeclinedIncorrectCvc"], Behaviour::Declined(WRONG_CVC)),
    ("4000000000000119", &["pm_card_chargeDeclinedProcessingError"], Behaviour::Declined(BROKEN)),
    ("4242424242424241", &[], Behaviour::Declined(WRONG_NUMBER)),
    ("4000000000000341", &["pm_card_chargeCustomerFail"], Behaviour::Declined(GENERIC)),
    ("4100000000000019", &["pm_card_radarBlock"], Behaviour::Declined(BLOCKED)),
    ("4000002760003184", &["pm_card_authenticationRequiredOnSetup"], Behaviour::Challenged(None)),
    ("4000002500003155", &["pm_card_authenticationRequired"], Behaviour::Challenged(None)),
    ("4000000000003220", &["pm_card_threeDSecure2Required"], Behaviour::Challenged(None)),
    (
        "4000008260003178",
        &["pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"],
        Behaviour::Challenged(Some(NO_FUNDS)),
    ),
    (
        "4000008400001629",
        &["pm_card_threeDSecureRequiredChargeDeclined"],
        Behaviour::Challenged(Some(GENERIC)),
    ),
    ("4000000000000259", &["pm_card_createDispute"], Behaviour::Disputed("fraudulent")),
    (
        "4000000000002685",
        &["pm_card_createDisputeProductNotReceived"],
        Behaviour::Disputed("product_not_received"),
    ),
    ("4000000000001976", &["pm_card_createDisputeInquiry"], Behaviour::Disputed("inquiry")),
    ("4000000404000079", &["pm_card_createMultipleDisputes"], Behaviour::Disputed("fraudulent")),
    ("4000000000007726", &["pm_card_pendingRefund"], Behaviour::RefundsArePending),
    ("4000000000005126", &["pm_card_refundFail"], Behaviour::RefundsFail),
];

/// What a buyer pays with.
#[derive(Clone, Debug)]
pub(crate) enum Instrument {
    Card {
        brand: &'static str,
        last4: String,
        behaviour: Behaviour,
    },
    /// A bank debit that is only known to have worked days later.
    BankDebit {
        fails: bool,
    },
}

impl Instrument {
    /// A card by its number; spaces are ignored.
    pub(crate) fn card(number: &str) -> Self {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let known = CARDS.iter().find(|(listed, _, _)| *listed == digits);
        let behaviour = match known {
            Some((_, _, behaviour)) => *behaviour,
            None if luhn(&digits) => Behaviour::Declined(LIVE_CARD),
            None => Behaviour::Declined(WRONG_NUMBER),
        };
        let last4 = digits.get(digits.len().saturating_sub(4)..).unwrap_or_default().to_owned();
        Self::Card { brand: brand(&digits), last4, behaviour }
    }

    /// By the name of a test payment method, as the API takes it.
    pub(crate) fn named(name: &str) -> Result<Self, StripeError> {
        match name {
            "pm_usBankAccount_success" | "pm_usBankAccount" => return Ok(Self::BankDebit { fails: false }),
            "pm_usBankAccount_insufficientFunds" | "pm_usBankAccount_debitNotAuthorized" => {
                return Ok(Self::BankDebit { fails: true });
            }
            _ => {}
        }
        let known = CARDS.iter().find(|(_, names, _)| names.contains(&name));
        known
            .map(|(number, _, _)| Self::card(number))
            .ok_or_else(|| StripeError::no_such_in("payment_method", "PaymentMethod", name))
    }

    /// `card` or `us_bank_account`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Card { .. } => "card",
            Self::BankDebit { .. } => "us_bank_account",
        }
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        match self {
            Self::Card { behaviour, .. } => *behaviour,
            Self::BankDebit { .. } => Behaviour::Approved,
        }
    }

    /// The part of a payment method that is particular to its type.
    pub(crate) fn method_details(&self) -> Value {
        match self {
            Self::Card { brand, last4, .. } => json!({
                "brand": brand,
                "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
                "country": "US", "display_brand": brand, "exp_month": 12, "exp_year": 2034,
                "fingerprint": format!("sandboxcard{last4}"), "funding": "credit", "generated_from": null,
                "last4": last4, "networks": { "available": [brand], "preferred": null },
                "regulated_status": "unregulated", "three_d_secure_usage": { "supported": true }, "wallet": null,
            }),
            Self::BankDebit { .. } => json!({
                "account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
                "financial_connections_account": null, "fingerprint": "sandboxbank0001", "last4": "6789",
                "networks": { "preferred": "ach", "supported": ["ach"] }, "routing_number": "110000000",
                "status_details": {},
            }),
        }
    }

    /// What a charge says about how it was paid.
    pub(crate) fn charge_details(&self, authenticated: bool) -> Value {
        let mut details = self.method_details();
        if let (Self::Card { .. }, Value::Object(card)) = (self, &mut details) {
            for name in ["display_brand", "networks", "generated_from", "three_d_secure_usage"] {
                card.remove(name);
            }
            let shown = card.get("brand").cloned().unwrap_or_default();
            card.insert("network".into(), shown);
            for name in [
                "amount_authorized",
                "authorization_code",
                "electronic_commerce_indicator",
                "installments",
                "mandate",
                "network_transaction_id",
                "transaction_link_id",
            ] {
                card.insert(name.into(), Value::Null);
            }
            let secure = json!({ "authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0",
                "electronic_commerce_indicator": null, "exemption_indicator": null, "result_reason": null,
                "transaction_id": null });
            card.insert("three_d_secure".into(), if authenticated { secure } else { Value::Null });
        }
        if let (Self::BankDebit { .. }, Value::Object(bank)) = (self, &mut details) {
            for name in ["financial_connections_account", "networks", "status_details"] {
                bank.remove(name);
            }
            bank.insert("payment_reference".into(), Value::Null);
        }
        json!({ "type": self.kind(), self.kind(): details })
    }
}

impl Decline {
    pub(crate) fn to_error(self) -> StripeError {
        let error = StripeError::card(self.0, self.1, self.2);
        if self.3.is_empty() { error } else { error.param(self.3) }
    }
}

fn brand(digits: &str) -> &'static str {
    match digits.as_bytes() {
        [b'5', ..] => "mastercard",
        [b'3', b'4' | b'7', ..] => "amex",
        [b'6', ..] => "discover",
        _ => "visa",
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    digits.len() >= 12 && sum.is_multiple_of(10)
}
