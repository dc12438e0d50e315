//! Disputes: opened by test cards or by a control, fought with evidence, won or lost. An inquiry moves no
//! money.

use serde_json::{Value, json};

use crate::error::{Answer, StripeError};
use crate::object::{Fields, merge_metadata};
use crate::state::State;
use crate::state::books::{Fee, Posting};
use crate::state::vault::Kind;

/// What Stripe takes for a dispute, in minor units.
const FEE: i64 = 1_500;

const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// Opens a dispute about a charge; `reason` is `inquiry` for one that only asks. Gives back the dispute, or
/// null if there is nothing to dispute.
pub(crate) fn open(
    state: &mut State,
    account: &str,
    charge_id: &str,
    reason: &str,
    amount: Option<i64>,
) -> Value {
    let Ok(charge) = state.get(account, Kind::Charge, charge_id) else { return Value::Null };
    let left = charge.int("amount_captured") - charge.int("amount_refunded") + charge.int("_uncaptured");
    let amount = amount.unwrap_or(left).min(left);
    if amount < 1 || charge.flag("disputed") {
        return Value::Null;
    }
    let inquiry = reason == "inquiry";
    let now = state.now();
    let mut evidence: Value = EVIDENCE.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    evidence.put("enhanced_evidence", json!({}));
    let brand = charge["payment_method_details"]["card"].opt_text("brand").unwrap_or("visa");
    let id = state.ids.object("dp_1");
    let dispute = json!({
        "id": id, "object": "dispute", "amount": amount, "balance_transactions": [], "charge": charge_id,
        "created": now, "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {
            "due_by": now + 8 * 86_400, "enhanced_eligibility": {}, "has_evidence": false, "past_due": false,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry, "livemode": charge["livemode"], "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand, "case_type": if inquiry { "inquiry" } else { "chargeback" }, "network": brand,
                "network_reason_code": if reason == "product_not_received" { "13.1" } else { "10.4" },
            },
            "type": "card",
        },
        "reason": if inquiry { "general" } else { reason },
        "status": if inquiry { "warning_needs_response" } else { "needs_response" },
    });
    state.vault(account).insert(Kind::Dispute, dispute);
    state.update(account, Kind::Charge, charge_id, |charge| {
        charge.put("disputed", true);
        charge.put("_still_refundable", inquiry);
    });
    if !inquiry {
        move_money(state, account, &id, -amount, FEE, "dispute", "Chargeback withdrawal");
    }
    state.emit_about(account, "charge.dispute.created", Kind::Dispute, &id);
    if !inquiry {
        state.emit_about(account, "charge.dispute.funds_withdrawn", Kind::Dispute, &id);
    }
    state.get(account, Kind::Dispute, &id).unwrap_or_default()
}

/// Posts an adjustment and shows it on the dispute. The fee goes where processing fees go.
fn move_money(
    state: &mut State,
    account: &str,
    id: &str,
    amount: i64,
    fee: i64,
    category: &str,
    words: &str,
) {
    let dispute = state.get(account, Kind::Dispute, id).unwrap_or_default();
    let currency = dispute.text("currency").to_owned();
    let platform = state.platform_of(account).map(str::to_owned);
    let payer = platform.filter(|_| super::settle::pays_processing(state, account));
    let mut posting = Posting {
        kind: "adjustment",
        category,
        source: id,
        currency: &currency,
        amount,
        fees: if payer.is_none() { vec![Fee::stripe(fee)] } else { Vec::new() },
        description: json!(format!("{words} for {}", dispute.text("charge"))),
        available_on: 0,
        internal: false,
    };
    let transaction = state.post(account, posting.clone());
    if let (Some(platform), true) = (payer, fee != 0) {
        posting.kind = "stripe_fee";
        posting.category = "fee";
        posting.amount = -fee;
        posting.fees = Vec::new();
        state.post(&platform, posting);
    }
    let transaction = state.get(account, Kind::BalanceTransaction, &transaction).unwrap_or_default();
    state.update(account, Kind::Dispute, id, |dispute| {
        if let Some(list) = dispute["balance_transactions"].as_array_mut() {
            list.push(crate::object::public(&transaction));
        }
    });
}

/// `POST /v1/disputes/{id}`: adds evidence; with `submit` (the default) it is sent to the bank, whose answer
/// the test texts decide.
pub(crate) fn submit(state: &mut State, account: &str, id: &str, params: &Value) -> Answer {
    let dispute = state.get(account, Kind::Dispute, id)?;
    if !dispute.text("status").ends_with("needs_response") {
        return Err(StripeError::invalid("This dispute is already closed or under review."));
    }
    let given = params["evidence"].as_object().cloned().unwrap_or_default();
    if let Some(name) =
        given.keys().find(|name| !EVIDENCE.contains(&name.as_str()) && *name != "enhanced_evidence")
    {
        let path = format!("evidence[{name}]");
        return Err(StripeError::parameter(
            "parameter_unknown",
            &path,
            format!("Received unknown parameter: {path}"),
        ));
    }
    let submits = params.has("evidence") && params.get("submit") != Some(&Value::Bool(false));
    let dispute = state.update(account, Kind::Dispute, id, |dispute| {
        merge_metadata(dispute, params);
        for (name, value) in given {
            dispute["evidence"].put(&name, value);
            dispute["evidence_details"].put("has_evidence", true);
        }
        if submits {
            let inquiry = dispute.text("status").starts_with("warning");
            dispute.put("status", if inquiry { "warning_under_review" } else { "under_review" });
            dispute["evidence_details"].put("submission_count", 1);
        }
    });
    state.emit(account, "charge.dispute.updated", &dispute, None);
    if submits {
        match dispute["evidence"].text("uncategorized_text") {
            "winning_evidence" => return Ok(resolve(state, account, id, true)),
            "losing_evidence" => return Ok(resolve(state, account, id, false)),
            _ => {}
        }
    }
    Ok(dispute)
}

/// Ends a dispute. Won money comes back; whether the fee does is a setting.
pub(crate) fn resolve(state: &mut State, account: &str, id: &str, won: bool) -> Value {
    let Ok(dispute) = state.get(account, Kind::Dispute, id) else { return Value::Null };
    let inquiry = dispute.text("status").starts_with("warning");
    if matches!(dispute.text("status"), "won" | "lost" | "warning_closed") {
        return dispute;
    }
    let status = match (inquiry, won) {
        (true, _) => "warning_closed",
        (false, true) => "won",
        (false, false) => "lost",
    };
    state.update(account, Kind::Dispute, id, |dispute| dispute.put("status", status));
    if won && !inquiry {
        let fee = if state.settings.dispute_won_returns_fee { -FEE } else { 0 };
        move_money(state, account, id, dispute.int("amount"), fee, "dispute_reversal", "Chargeback reversal");
        state.emit_about(account, "charge.dispute.funds_reinstated", Kind::Dispute, id);
    }
    if won || inquiry {
        let charge = dispute.text("charge").to_owned();
        state.update(account, Kind::Charge, &charge, |charge| charge.put("_still_refundable", true));
    }
    state.emit_about(account, "charge.dispute.closed", Kind::Dispute, id);
    state.get(account, Kind::Dispute, id).unwrap_or_default()
}
