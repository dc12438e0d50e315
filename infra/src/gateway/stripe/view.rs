//! Reading Stripe's checkout sessions and payment intents leniently: only the fields that souk needs, from a webhook
//! or an API answer alike, so that an unknown or missing other field never loses a payment.

use chrono::{DateTime, Utc};
use serde_json::Value;
use souk_domain::gateway::GatewayError;
use souk_domain::ids::{OrderId, PaymentId};
use souk_domain::money::{Currency, Money};
use souk_domain::payment::{CaptureMode, Evidence, EvidenceKind, EvidenceSource, PaymentState, Provider};

/// What souk needs of a checkout session.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// `cs_…`
    pub id: String,
    /// Our payment and order, from the session's metadata; `None` for sessions that souk did not make.
    pub reference: Option<(PaymentId, OrderId)>,
    /// When the provider stops taking money.
    pub expires_at: DateTime<Utc>,
    /// Where to send the buyer.
    pub url: Option<String>,
    /// What the buyer's browser needs.
    pub client_secret: Option<String>,
    pub(crate) status: String,
    payment_status: String,
    mode: String,
    amount: Option<Money>,
    discount: i64,
    created: DateTime<Utc>,
    intent: Option<IntentView>,
}

/// What souk needs of a payment intent; all but the id only where it was expanded.
#[derive(Debug, Clone)]
struct IntentView {
    id: String,
    status: Option<String>,
    paid_at: Option<DateTime<Utc>>,
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(value.as_i64()?, 0)
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

impl IntentView {
    /// Reads an id or an expanded intent.
    fn read(value: &Value) -> Option<Self> {
        if let Some(id) = value.as_str() {
            return Some(Self { id: id.to_owned(), status: None, paid_at: None });
        }
        let paid_at = time(&value["latest_charge"]["created"]).or_else(|| time(&value["created"]));
        Some(Self { id: string(&value["id"])?, status: string(&value["status"]), paid_at })
    }
}

impl SessionView {
    /// Reads a session; an error names the first field that souk cannot do without.
    pub fn read(value: &Value) -> Result<Self, GatewayError> {
        let missing = |field: &str| GatewayError::Unreadable(format!("a checkout session without {field}"));
        let currency = value["currency"].as_str().and_then(|code| code.parse::<Currency>().ok());
        let amount =
            value["amount_total"].as_i64().zip(currency).map(|(minor, currency)| Money::new(minor, currency));
        let metadata = &value["metadata"];
        let reference = metadata["souk_payment"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .zip(metadata["souk_order"].as_str().and_then(|id| id.parse().ok()));
        Ok(Self {
            id: string(&value["id"]).ok_or_else(|| missing("id"))?,
            reference,
            expires_at: time(&value["expires_at"]).ok_or_else(|| missing("expires_at"))?,
            url: string(&value["url"]),
            client_secret: string(&value["client_secret"]),
            status: string(&value["status"]).unwrap_or_default(),
            payment_status: string(&value["payment_status"]).ok_or_else(|| missing("payment_status"))?,
            mode: string(&value["mode"]).unwrap_or_default(),
            amount,
            discount: value["total_details"]["amount_discount"].as_i64().unwrap_or(0),
            created: time(&value["created"]).ok_or_else(|| missing("created"))?,
            intent: IntentView::read(&value["payment_intent"]),
        })
    }

    /// Where the payment stands. `capture` is how the order is captured; `own_discount` what souk itself took off,
    /// so that what is left of the session's discount is the provider's; `at` the time of the event that carried
    /// the session, where one did.
    pub fn state(
        &self,
        capture: CaptureMode,
        own_discount: i64,
        at: Option<DateTime<Utc>>,
        source: EvidenceSource,
    ) -> PaymentState {
        match self.status.as_str() {
            "open" => return PaymentState::Open,
            "expired" => return PaymentState::Ended,
            _ => {}
        }
        let Some(amount) = self.amount.filter(|_| self.mode == "payment") else {
            return PaymentState::Failed("the session is not a payment".to_owned());
        };
        let intent_status = self.intent.as_ref().and_then(|intent| intent.status.as_deref());
        let kind = match (self.payment_status.as_str(), &self.intent) {
            ("paid" | "no_payment_required", None) if amount.minor == 0 => EvidenceKind::Free,
            ("paid", Some(_)) => EvidenceKind::Captured,
            ("unpaid", Some(_)) => match intent_status {
                Some("requires_capture") => EvidenceKind::Authorised,
                Some("processing") => return PaymentState::Processing,
                Some(status @ ("canceled" | "requires_payment_method")) => {
                    return PaymentState::Failed(format!("the payment is {status}"));
                }
                // A session completes unpaid for two reasons: a card that waits for capture, or a slow method.
                None if capture == CaptureMode::OnConfirmation => EvidenceKind::Authorised,
                _ => return PaymentState::Processing,
            },
            (status, _) => return PaymentState::Failed(format!("complete, but {status}, without a payment")),
        };
        let Some((payment, order)) = self.reference else {
            return PaymentState::Failed("the session is not souk's".to_owned());
        };
        let intent_id = self.intent.as_ref().map(|intent| intent.id.clone());
        let paid_at = self.intent.as_ref().and_then(|intent| intent.paid_at);
        PaymentState::Evidence(Box::new(Evidence {
            provider: Provider::Stripe,
            payment,
            order,
            receipt: receipt(kind, intent_id.as_deref(), &self.id),
            session: Some(self.id.clone()),
            provider_payment: intent_id,
            kind,
            amount,
            provider_discount: (self.discount - own_discount).max(0),
            occurred_at: at.or(paid_at).unwrap_or(self.created),
            source,
        }))
    }
}

/// What makes evidence of one payment the same however often it is told. An authorisation and its capture are two
/// facts of one payment intent.
fn receipt(kind: EvidenceKind, intent: Option<&str>, session: &str) -> String {
    match (kind, intent) {
        (EvidenceKind::Captured, Some(intent)) => intent.to_owned(),
        (EvidenceKind::Authorised, Some(intent)) => format!("{intent}/authorised"),
        _ => session.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn session(changes: Value) -> SessionView {
        let (payment, order) = (PaymentId::new(), OrderId::new());
        let mut value = json!({
            "id": "cs_1", "status": "complete", "payment_status": "paid", "mode": "payment", "amount_total": 2500,
            "currency": "usd", "created": 1_700_000_000, "expires_at": 1_700_003_600, "payment_intent": "pi_1",
            "metadata": {"souk_payment": payment.to_string(), "souk_order": order.to_string()},
        });
        for (name, change) in changes.as_object().unwrap() {
            value[name] = change.clone();
        }
        SessionView::read(&value).unwrap()
    }

    fn kind(changes: Value, capture: CaptureMode) -> Option<(EvidenceKind, String)> {
        match session(changes).state(capture, 0, None, EvidenceSource::Webhook) {
            PaymentState::Evidence(fact) => Some((fact.kind, fact.receipt)),
            _ => None,
        }
    }

    #[test]
    fn what_proves_what() {
        use CaptureMode::{Automatic, OnConfirmation};
        let captured = Some((EvidenceKind::Captured, "pi_1".to_owned()));
        assert_eq!(kind(json!({}), Automatic), captured);
        let free = Some((EvidenceKind::Free, "cs_1".to_owned()));
        for status in ["paid", "no_payment_required"] {
            let nothing_due = json!({"payment_status": status, "amount_total": 0, "payment_intent": null});
            assert_eq!(kind(nothing_due, Automatic), free, "{status}");
        }
        let authorised = Some((EvidenceKind::Authorised, "pi_1/authorised".to_owned()));
        assert_eq!(kind(json!({"payment_status": "unpaid"}), OnConfirmation), authorised);
        // None of these may ever confirm anything.
        for nothing in [
            json!({"payment_status": "unpaid"}),
            json!({"payment_status": "no_payment_required"}),
            json!({"payment_status": "no_payment_required", "payment_intent": null}),
            json!({"payment_status": "no_payment_required", "payment_intent": null, "amount_total": 0, "mode": "setup"}),
            json!({"payment_status": "paid", "payment_intent": null}),
            json!({"status": "open"}),
            json!({"status": "expired"}),
            json!({"metadata": {}}),
            json!({"currency": null}),
            json!({"payment_status": "something_new"}),
        ] {
            assert_eq!(kind(nothing.clone(), Automatic), None, "{nothing}");
        }
    }

    #[test]
    fn the_providers_discount_is_what_souk_did_not_take_off() {
        let view = session(json!({"total_details": {"amount_discount": 300}}));
        let PaymentState::Evidence(fact) =
            view.state(CaptureMode::Automatic, 250, None, EvidenceSource::Verify)
        else {
            panic!("paid")
        };
        assert_eq!(fact.provider_discount, 50);
    }
}
