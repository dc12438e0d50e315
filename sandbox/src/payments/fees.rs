//! Application fees and their refunds.

use serde_json::{Value, json};

use crate::object::{Fields, list_of};
use crate::routes::webhook_endpoints::application_id;
use crate::state::State;
use crate::state::books::{Fee, Posting};
use crate::state::vault::Kind;

/// A fee about to be earned.
pub(crate) struct NewFee<'a> {
    pub(crate) platform: &'a str,
    pub(crate) connected: &'a str,
    /// On the connected account.
    pub(crate) charge: &'a str,
    /// On the platform, for destination charges.
    pub(crate) originating: Option<&'a str>,
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) available_on: i64,
}

/// Credits the platform. The debit is part of the connected account's own transaction. Gives back the id.
pub(crate) fn create(state: &mut State, fee: &NewFee<'_>) -> String {
    let id = state.ids.object("fee_1");
    let posting = Posting {
        kind: "application_fee",
        category: "platform_earning",
        source: &id,
        currency: fee.currency,
        amount: fee.amount,
        fees: Vec::new(),
        description: Value::Null,
        available_on: fee.available_on,
        internal: true,
    };
    let transaction = state.post(fee.platform, posting);
    let object = json!({
        "id": id, "object": "application_fee", "account": fee.connected, "amount": fee.amount,
        "amount_refunded": 0, "application": application_id(fee.platform), "balance_transaction": transaction,
        "charge": fee.charge, "created": state.now(), "currency": fee.currency,
        "fee_source": { "charge": fee.charge, "type": "charge" }, "livemode": state.is_live(fee.platform),
        "originating_transaction": fee.originating, "refunded": false,
        "refunds": list_of(&format!("/v1/application_fees/{id}/refunds"), Vec::new()), "_flagged": 0,
    });
    state.vault(fee.platform).insert(Kind::ApplicationFee, object.clone());
    state.emit(fee.platform, "application_fee.created", &object, None);
    id
}

/// Gives `amount` of a fee back. The caller has checked that so much is left. `credited` says that the
/// connected account's credit is already part of another transaction of its own.
pub(crate) fn refund(
    state: &mut State,
    platform: &str,
    id: &str,
    amount: i64,
    metadata: Value,
    credited: bool,
) -> Value {
    let fee = state.get(platform, Kind::ApplicationFee, id).unwrap_or_default();
    let currency = fee.text("currency").to_owned();
    let available_on = state
        .get(platform, Kind::BalanceTransaction, fee.text("balance_transaction"))
        .map_or(0, |txn| txn.int("available_on"));
    let posting = Posting {
        kind: "application_fee_refund",
        category: "platform_earning_refund",
        source: id,
        currency: &currency,
        amount: -amount,
        fees: Vec::new(),
        description: json!("REFUND FOR APPLICATION FEE"),
        available_on,
        internal: true,
    };
    let transaction = state.post(platform, posting);
    if !credited {
        let posting = Posting {
            kind: "application_fee_refund",
            category: "fee",
            source: id,
            currency: &currency,
            amount: 0,
            fees: vec![Fee::application(-amount, application_id(platform))],
            description: json!("Application fee refund"),
            available_on,
            internal: false,
        };
        state.post(fee.text("account"), posting);
    }
    let object = json!({
        "id": state.ids.object("fr_1"), "object": "fee_refund", "amount": amount,
        "balance_transaction": transaction, "created": state.now(), "currency": currency, "fee": id,
        "metadata": metadata,
    });
    state.vault(platform).insert(Kind::FeeRefund, object.clone());
    let fee = state.update(platform, Kind::ApplicationFee, id, |fee| {
        let refunded = fee.int("amount_refunded") + amount;
        fee.put("amount_refunded", refunded);
        fee.put("refunded", refunded >= fee.int("amount"));
        if let Some(refunds) = fee["refunds"]["data"].as_array_mut() {
            refunds.insert(0, object.clone());
        }
    });
    state.emit(platform, "application_fee.refunded", &fee, None);
    object
}
