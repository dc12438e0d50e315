//! Balances and balance transactions: the only place where money moves. Integer minor units throughout;
//! every movement is a balance transaction, and a balance is nothing but their sum.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::State;
use super::vault::Kind;
use crate::object::Fields;

/// What an account holds in one currency, in minor units. Both may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) available: i64,
    pub(crate) pending: i64,
}

impl Balance {
    pub(crate) fn total(self) -> i64 {
        self.available + self.pending
    }
}

/// Money that becomes available at a known time.
#[derive(Clone, Debug)]
struct Waiting {
    account: String,
    currency: String,
    net: i64,
    id: String,
}

/// Running totals. They are never recomputed from the transactions, so that tampering with the latter shows.
#[derive(Debug, Default)]
pub(crate) struct Books {
    balances: BTreeMap<(String, String), Balance>,
    waiting: BTreeMap<(i64, u64), Waiting>,
    ready: Vec<(String, String)>,
    sequence: u64,
}

impl Books {
    pub(crate) fn balance(&self, account: &str, currency: &str) -> Balance {
        self.balances.get(&(account.to_owned(), currency.to_owned())).copied().unwrap_or_default()
    }

    /// Every balance, by account and currency.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, Balance)> {
        self.balances
            .iter()
            .map(|((account, currency), balance)| (account.as_str(), currency.as_str(), *balance))
    }

    /// Turns pending money whose time has come into available money.
    pub(crate) fn settle_until(&mut self, now: i64) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let due = entry.remove();
            let balance = self.balances.entry((due.account.clone(), due.currency)).or_default();
            balance.pending -= due.net;
            balance.available += due.net;
            self.ready.push((due.account, due.id));
        }
    }

    fn add(&mut self, account: &str, currency: &str, net: i64, id: &str, available_on: i64, now: i64) {
        let balance = self.balances.entry((account.to_owned(), currency.to_owned())).or_default();
        if available_on <= now {
            balance.available += net;
            return;
        }
        balance.pending += net;
        self.sequence += 1;
        let waiting =
            Waiting { account: account.to_owned(), currency: currency.to_owned(), net, id: id.to_owned() };
        self.waiting.insert((available_on, self.sequence), waiting);
    }
}

/// Part of a balance transaction's fee.
#[derive(Clone, Debug)]
pub(crate) struct Fee {
    pub(crate) amount: i64,
    /// `stripe_fee` or `application_fee`.
    pub(crate) kind: &'static str,
    pub(crate) application: Option<String>,
}

impl Fee {
    pub(crate) fn stripe(amount: i64) -> Self {
        Self { amount, kind: "stripe_fee", application: None }
    }

    pub(crate) fn application(amount: i64, application: String) -> Self {
        Self { amount, kind: "application_fee", application: Some(application) }
    }
}

/// One movement to be written. `net = amount - fees`.
#[derive(Clone, Debug)]
pub(crate) struct Posting<'a> {
    pub(crate) kind: &'a str,
    pub(crate) category: &'a str,
    pub(crate) source: &'a str,
    pub(crate) currency: &'a str,
    pub(crate) amount: i64,
    pub(crate) fees: Vec<Fee>,
    pub(crate) description: Value,
    /// When the money becomes available; in the past for money that is taken from what is there.
    pub(crate) available_on: i64,
    /// Money that only moves between accounts of this world: all of these together are zero.
    pub(crate) internal: bool,
}

impl State {
    /// When money earned now becomes available.
    pub(crate) fn settles_at(&self) -> i64 {
        self.now() + self.config.settlement_seconds
    }

    /// Writes a balance transaction and moves the balance by its net. Gives back its id.
    pub(crate) fn post(&mut self, account: &str, posting: Posting<'_>) -> String {
        let id = self.ids.object("txn_");
        let now = self.now();
        let fees: Vec<&Fee> = posting.fees.iter().filter(|fee| fee.amount != 0).collect();
        let sequence = self.next_sequence();
        let fee: i64 = fees.iter().map(|fee| fee.amount).sum();
        let net = posting.amount - fee;
        let details: Vec<Value> = fees
            .iter()
            .map(|fee| {
                let description =
                    if fee.kind == "stripe_fee" { "Stripe processing fees" } else { "Application fee" };
                json!({ "amount": fee.amount, "application": fee.application, "currency": posting.currency,
                        "description": description, "type": fee.kind })
            })
            .collect();
        let object = json!({
            "id": id, "object": "balance_transaction", "amount": posting.amount,
            "available_on": posting.available_on.max(now), "balance_type": "payments", "created": now,
            "currency": posting.currency, "description": posting.description, "exchange_rate": null,
            "fee": fee, "fee_details": details, "net": net, "reporting_category": posting.category,
            "source": posting.source, "type": posting.kind,
            "status": if posting.available_on > now { "pending" } else { "available" },
            "_internal": posting.internal, "_payout": null, "_sequence": sequence,
        });
        self.vault(account).insert(Kind::BalanceTransaction, object);
        self.books.add(account, posting.currency, net, &id, posting.available_on, now);
        id
    }

    /// Lets balance transactions show that their money has become available.
    pub(crate) fn mark_settled(&mut self) {
        for (account, id) in std::mem::take(&mut self.books.ready) {
            self.update(&account, Kind::BalanceTransaction, &id, |object| object.put("status", "available"));
        }
    }

    /// `{accounts: […], balanced}`: every account's running balance beside the sum of its transactions, and
    /// whether all of them agree and the money between accounts sums to zero.
    pub(crate) fn books_report(&self) -> Value {
        let mut sums: HashMap<(String, String), (i64, usize)> = HashMap::new();
        let mut internal: HashMap<String, i64> = HashMap::new();
        for account in self.accounts() {
            for txn in self.peek(&account).into_iter().flat_map(|vault| vault.all(Kind::BalanceTransaction)) {
                let currency = txn.text("currency").to_owned();
                let sum = sums.entry((account.clone(), currency.clone())).or_default();
                sum.0 += txn.int("net");
                sum.1 += 1;
                let shared = internal.entry(currency).or_default();
                if txn.flag("_internal") {
                    *shared += txn.int("amount");
                }
                let application_fees: i64 = txn
                    .list("fee_details")
                    .iter()
                    .filter(|fee| fee.text("type") == "application_fee")
                    .map(|fee| fee.int("amount"))
                    .sum();
                *shared -= application_fees;
            }
        }
        let mut balanced = internal.values().all(|sum| *sum == 0);
        let mut rows = Vec::new();
        for (account, currency, balance) in self.books.all() {
            let (sum, count) = sums.remove(&(account.to_owned(), currency.to_owned())).unwrap_or_default();
            balanced &= sum == balance.total();
            rows.push(json!({
                "account": account, "currency": currency, "available": balance.available,
                "pending": balance.pending, "balance_transactions": sum,
                "balance_transaction_count": count,
            }));
        }
        balanced &= sums.is_empty();
        json!({ "accounts": rows, "balanced": balanced })
    }
}
