//! `/v1/balance` and `/v1/balance_transactions`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Route;
use crate::error::Answer;
use crate::http::{Call, lists};
use crate::object::Fields;
use crate::state::vault::Kind;

pub(super) const ROUTES: &[Route] = &[
    Route::new("GET /v1/balance", balance),
    Route::new("GET /v1/balance_transactions", list),
    Route::new("GET /v1/balance_transactions/{id}", |call| call.named(Kind::BalanceTransaction)),
];

#[expect(clippy::unnecessary_wraps, reason = "every endpoint has this shape")]
fn balance(call: &mut Call<'_>) -> Answer {
    let mut amounts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (account, currency, balance) in call.state.books.all() {
        if account == call.account {
            amounts.insert(currency.to_owned(), (balance.available, balance.pending));
        }
    }
    amounts.entry(call.state.default_currency(&call.account)).or_default();
    let row = |amount: i64, currency: &String| json!({ "amount": amount, "currency": currency, "source_types": { "card": amount } });
    let available: Vec<Value> =
        amounts.iter().map(|(currency, (amount, _))| row(*amount, currency)).collect();
    let pending: Vec<Value> = amounts.iter().map(|(currency, (_, amount))| row(*amount, currency)).collect();
    let mut balance =
        json!({ "object": "balance", "available": available, "livemode": call.live(), "pending": pending });
    if !call.is_connected() {
        let reserved: Vec<Value> =
            amounts.keys().map(|currency| json!({ "amount": 0, "currency": currency })).collect();
        balance.put("connect_reserved", reserved);
    }
    Ok(balance)
}

fn list(call: &mut Call<'_>) -> Answer {
    lists::page(call, Kind::BalanceTransaction, "/v1/balance_transactions", |transaction| {
        let payout = call.params.opt_text("payout");
        let in_payout = payout.is_none_or(|id| transaction.text("_payout") == id);
        let filters = ["currency", "source", "type"];
        in_payout && filters.iter().all(|name| lists::matches(transaction, &call.params, name))
    })
}
