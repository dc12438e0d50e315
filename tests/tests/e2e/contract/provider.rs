//! The sandbox with the description beside it: everything that is said to it and that it answers is checked.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use super::check::{self, Form};
use super::spec::Spec;
use crate::support::{Api, World};

/// How many objects of one list are asked for one by one.
const ONE_BY_ONE: usize = 12;

/// A checked client.
pub struct Provider<'a> {
    spec: &'a Spec,
    stripe: Api,
    /// Each violation once, with one place where it was seen.
    violations: BTreeMap<String, String>,
    /// The operations that were called.
    pub called: BTreeSet<String>,
    /// The kinds of objects that events were about.
    pub told: BTreeSet<String>,
}

impl<'a> Provider<'a> {
    pub fn new(world: &World, spec: &'a Spec) -> Self {
        let stripe = world.stripe();
        let (violations, called, told) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { spec, stripe, violations, called, told }
    }

    /// POST; the answer must be 200.
    pub async fn post(&mut self, account: Option<&str>, path: &str, form: &[(&str, &str)]) -> Value {
        self.call(Method::POST, account, path, form, 200).await
    }

    /// GET; the answer must be 200.
    pub async fn get(&mut self, account: Option<&str>, path: &str) -> Value {
        self.call(Method::GET, account, path, &[], 200).await
    }

    /// DELETE; the answer must be 200.
    pub async fn delete(&mut self, account: Option<&str>, path: &str) -> Value {
        self.call(Method::DELETE, account, path, &[], 200).await
    }

    /// Asks, and checks the answer, which must have this status, against the operation's description.
    pub async fn call(
        &mut self,
        method: Method,
        account: Option<&str>,
        path: &str,
        form: &[(&str, &str)],
        status: u16,
    ) -> Value {
        let mut request = self.stripe.request(method.clone(), path);
        if !form.is_empty() {
            request = request.form(form);
        }
        if let Some(account) = account {
            request = request.header("stripe-account", account);
        }
        let built = request.try_clone().unwrap().build().unwrap();
        let body = built.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let sent = std::str::from_utf8(body).unwrap();
        let query = built.url().query().unwrap_or("");
        let reply = self.stripe.send(request).await;
        assert_eq!(reply.status, status, "{method} {path} {sent}: {}", reply.body);
        let bare = path.split('?').next().unwrap();
        let Some(operation) = self.spec.operation(method.as_str(), bare) else {
            panic!("{method} {path} is not described")
        };
        // What is refused may be refused for being wrong.
        if status < 400 {
            let parameters = Form::parse(if sent.is_empty() { query } else { sent }).unwrap();
            for violation in check::form(self.spec, &operation.parameters(), &parameters) {
                self.note(&format!("what this test sends to {}", operation.name), &violation, path);
            }
        }
        for violation in check::value(self.spec, operation.answer(status), &reply.body) {
            self.note(&format!("the answer of {}", operation.name), &violation, path);
        }
        self.called.insert(operation.name);
        reply.body
    }

    fn note(&mut self, what: &str, violation: &str, path: &str) {
        // Of a list that is wrong in each row one row is enough.
        let generic: String = violation
            .split('/')
            .map(|step| if step.parse::<u32>().is_ok() { "*" } else { step })
            .collect::<Vec<_>>()
            .join("/");
        self.violations.entry(generic).or_insert_with(|| format!("{what}, {path}"));
    }

    /// Reads everything that an account (`None`: the platform) has, in lists, one by one, and expanded.
    pub async fn crawl(&mut self, account: Option<&str>) {
        for (list, parts, expand) in [
            (
                "charges",
                &[][..],
                &["balance_transaction", "payment_intent", "application_fee", "transfer"][..],
            ),
            ("payment_intents", &[], &["latest_charge", "latest_charge.balance_transaction"]),
            ("checkout/sessions", &["line_items"], &["payment_intent.latest_charge", "line_items"]),
            ("refunds", &[], &["charge", "balance_transaction", "payment_intent"]),
            ("application_fees", &["refunds"], &["account", "charge", "balance_transaction"]),
            ("transfers", &["reversals"], &["balance_transaction", "source_transaction", "destination"]),
            ("balance_transactions", &[], &["source"]),
            ("payouts", &[], &["balance_transaction"]),
            ("disputes", &[], &["charge", "payment_intent"]),
            ("customers", &[], &[]),
            ("coupons", &[], &[]),
            ("promotion_codes", &[], &[]),
            ("products", &[], &["default_price"]),
            ("prices", &[], &["product"]),
            ("webhook_endpoints", &[], &[]),
            ("accounts", &["capabilities", "external_accounts"], &[]),
            ("events", &[], &[]),
        ] {
            let rows = self.whole_list(account, list).await;
            for row in rows.iter().take(ONE_BY_ONE) {
                let path = format!("/v1/{list}/{}", row["id"].as_str().unwrap());
                let one = self.get(account, &path).await;
                assert_eq!(one["id"], row["id"]);
                for part in parts {
                    self.get(account, &format!("{path}/{part}")).await;
                }
                let expanded: Vec<String> = expand.iter().map(|field| format!("expand[]={field}")).collect();
                if !expanded.is_empty() {
                    self.get(account, &format!("{path}?{}", expanded.join("&"))).await;
                }
            }
            if list == "events" {
                self.read_events(&rows);
            }
        }
        self.get(account, "/v1/balance").await;
        self.get(account, "/v1/account").await;
    }

    async fn whole_list(&mut self, account: Option<&str>, list: &str) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let after = rows
                .last()
                .map_or(String::new(), |row| format!("&starting_after={}", row["id"].as_str().unwrap()));
            let page = self.get(account, &format!("/v1/{list}?limit=100{after}")).await;
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] == false {
                return rows;
            }
        }
    }

    /// The object in an event is one of its kind.
    fn read_events(&mut self, events: &[Value]) {
        for event in events {
            let object = &event["data"]["object"];
            let kind = object["object"].as_str().unwrap_or_default();
            let about = format!("the object of {}", event["type"].as_str().unwrap_or_default());
            match self.spec.object(kind) {
                Some(schema) => {
                    for violation in check::value(self.spec, schema, object) {
                        self.note(&about, &violation, event["id"].as_str().unwrap());
                    }
                    self.told.insert(kind.to_owned());
                }
                None => self.note(&about, &format!("/object: there is no {kind:?}"), ""),
            }
        }
    }

    /// Fails if there is any violation.
    #[track_caller]
    pub fn settle(self) {
        let list: Vec<String> =
            self.violations.iter().map(|(violation, place)| format!("{violation}  ({place})")).collect();
        assert!(list.is_empty(), "{} violations:\n{}", list.len(), list.join("\n"));
    }
}
