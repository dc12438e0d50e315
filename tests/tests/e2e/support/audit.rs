//! What must hold whatever a test did: the provider's books and souk's tell the same story.

use std::collections::HashMap;

use reqwest::Method;
use sea_orm::EntityTrait;
use serde_json::Value;
use souk_infra::entity::{
    connected_accounts, order_lines, orders, payment_receipts, refunds, slot_holds, slots, tenants,
};
use uuid::Uuid;

use super::actors::Api;
use super::world::World;

impl World {
    /// Each captured payment at the provider has one receipt, and one paid order or one full refund; `sold` is what
    /// was paid for; only open orders hold seats.
    pub(super) async fn audit(&self) -> Result<(), String> {
        let db = self.demo.souk.db.unscoped();
        let orders: HashMap<Uuid, orders::Model> =
            orders::Entity::find().all(db).await.unwrap().into_iter().map(|row| (row.id, row)).collect();
        let refunds = refunds::Entity::find().all(db).await.unwrap();
        check_slots(
            &orders,
            &refunds,
            &order_lines::Entity::find().all(db).await.unwrap(),
            &slots::Entity::find().all(db).await.unwrap(),
        )?;
        for hold in slot_holds::Entity::find().all(db).await.unwrap() {
            let status = &orders[&hold.order_id].status;
            if !["pending", "processing", "review"].contains(&status.as_str()) {
                return Err(format!("an order that is {status} holds {} seats", hold.quantity));
            }
        }
        let receipts = payment_receipts::Entity::find().all(db).await.unwrap();
        check_receipts(&receipts, &orders, &refunds)?;
        let receipts: HashMap<String, payment_receipts::Model> =
            receipts.into_iter().map(|row| (row.receipt.clone(), row)).collect();
        for tenant in tenants::Entity::find().all(db).await.unwrap() {
            let key = self.info().tenants.iter().find(|info| info.slug == tenant.slug).unwrap();
            let stripe = self.sandbox().with_token(&key.stripe_secret_key);
            let accounts = connected_accounts::Entity::find().all(db).await.unwrap();
            let own = accounts.into_iter().filter(|row| row.tenant_id == tenant.id);
            for place in std::iter::once(None).chain(own.map(|row| Some(row.account))) {
                check_charges(&stripe, place.as_deref(), &receipts).await?;
            }
        }
        Ok(())
    }
}

fn check_slots(
    orders: &HashMap<Uuid, orders::Model>,
    refunds: &[refunds::Model],
    lines: &[order_lines::Model],
    slots: &[slots::Model],
) -> Result<(), String> {
    for slot in slots {
        let paid: i64 = lines
            .iter()
            .filter(|line| line.slot_id == slot.id && orders[&line.order_id].status == "paid")
            .filter(|line| !refunds.iter().any(|refund| refund.order_id == line.order_id && refund.released))
            .map(|line| line.quantity)
            .sum();
        if slot.sold != paid {
            return Err(format!("a slot says {} sold, {paid} places are paid for", slot.sold));
        }
        if slot.sold > slot.capacity {
            return Err(format!("{} sold of {}", slot.sold, slot.capacity));
        }
    }
    Ok(())
}

fn check_receipts(
    receipts: &[payment_receipts::Model],
    orders: &HashMap<Uuid, orders::Model>,
    refunds: &[refunds::Model],
) -> Result<(), String> {
    for order in orders.values() {
        let paying = receipts.iter().filter(|row| row.order_id == order.id && row.verdict == "paid").count();
        if (order.status == "paid") != (paying == 1) || paying > 1 {
            return Err(format!("an order that is {} has {paying} receipts that paid it", order.status));
        }
    }
    for receipt in receipts.iter().filter(|row| row.kind == "captured") {
        let own: Vec<_> = refunds.iter().filter(|row| row.payment_id == receipt.payment_id).collect();
        let goes_back = ["unfulfillable", "already_paid"].contains(&receipt.verdict.as_str());
        if goes_back && (own.len() != 1 || own[0].status != "succeeded" || own[0].amount != receipt.amount) {
            return Err(format!("a payment that is {} has these refunds: {own:?}", receipt.verdict));
        }
    }
    Ok(())
}

async fn check_charges(
    stripe: &Api,
    place: Option<&str>,
    receipts: &HashMap<String, payment_receipts::Model>,
) -> Result<(), String> {
    for charge in all_charges(stripe, place).await {
        if charge["status"] != "succeeded" || charge["captured"] != true {
            continue;
        }
        // A transfer arrives at the seller as a charge of its own, without an intent.
        let Some(intent) = charge["payment_intent"].as_str() else { continue };
        if charge["metadata"].get("souk_payment").is_none() {
            continue;
        }
        let receipt = receipts.get(intent).ok_or_else(|| format!("souk has no receipt of {charge}"))?;
        let whole = charge["amount_refunded"] == charge["amount"];
        let goes_back = ["unfulfillable", "already_paid"].contains(&receipt.verdict.as_str());
        if goes_back && !whole {
            return Err(format!("money for nothing has not come back: {charge}"));
        }
        if goes_back {
            check_parts(stripe, &charge).await?;
        }
    }
    Ok(())
}

/// With a charge that has come back, the platform's fee and the seller's transfer have come back too.
async fn check_parts(stripe: &Api, charge: &Value) -> Result<(), String> {
    for (part, path, back) in [
        ("application_fee", "application_fees", "amount_refunded"),
        ("transfer", "transfers", "amount_reversed"),
    ] {
        let Some(id) = charge[part].as_str() else { continue };
        let part = stripe.get(&format!("/v1/{path}/{id}")).await.expect(200);
        if part[back] != part["amount"] {
            return Err(format!("somebody keeps a part of what came back: {part}"));
        }
    }
    Ok(())
}

async fn all_charges(stripe: &Api, place: Option<&str>) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let after = all
            .last()
            .map_or(String::new(), |row: &Value| format!("&starting_after={}", row["id"].as_str().unwrap()));
        let request = stripe.request(Method::GET, &format!("/v1/charges?limit=100{after}"));
        let request = match place {
            Some(place) => request.header("stripe-account", place),
            None => request,
        };
        let reply = stripe.send(request).await;
        // A seller who has cut the connection can't be looked at any more.
        if matches!(reply.status.as_u16(), 401 | 403 | 404) {
            return all;
        }
        let page = reply.expect(200);
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] != true {
            return all;
        }
    }
}
