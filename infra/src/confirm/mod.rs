//! Confirmation: the one way in which a payment becomes seats.
//!
//! The webhook worker, the buyer's verify, the sweeper and gap-fill all end here. A batch costs as many statements
//! as one payment does, and is decided by `souk_domain::confirm` under lock. What the transaction writes: receipts,
//! orders, slots, holds, payments, refunds owed, jobs, and the inbox events that led here. It never calls a provider.

mod load;
mod write;

pub(crate) use self::load::lock_slots;

use chrono::{DateTime, Utc};
use souk_domain::confirm::{Verdict, decide};
use souk_domain::ids::EventId;
use souk_domain::payment::Evidence;
use souk_domain::people::Scope;

use crate::db::Tx;
use crate::error::{Error, Result};
use crate::pause;
use crate::souk::Souk;

/// One piece of evidence and the webhook that brought it, where one did.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What the provider says.
    pub evidence: Evidence,
    /// The inbox event to be finished in the same transaction.
    pub event: Option<EventId>,
}

impl From<Evidence> for Fact {
    fn from(evidence: Evidence) -> Self {
        Self { evidence, event: None }
    }
}

/// What became of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// It was new, and this is what it made of its order.
    Now(Verdict),
    /// It had been confirmed before; nothing more has happened.
    Before,
    /// souk has no such payment, or it lives elsewhere: somebody else's.
    Unknown,
}

/// Confirms a batch. When it cannot be done as one, each member is done by itself, so that a poisoned one holds up
/// nobody; the answers are in the order of the facts.
pub async fn confirm(souk: &Souk, scope: &Scope, facts: &[Fact]) -> Vec<Result<Confirmed>> {
    match confirm_together(souk, scope, facts).await {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(error) if facts.len() > 1 => {
            tracing::warn!(%error, size = facts.len(), "a batch was rolled back; taking its members one by one");
            let mut outcomes = Vec::with_capacity(facts.len());
            for fact in facts {
                outcomes.push(confirm_one(souk, scope, fact.clone()).await);
            }
            outcomes
        }
        Err(error) => vec![Err(error)],
    }
}

/// Confirms one fact.
pub async fn confirm_one(souk: &Souk, scope: &Scope, fact: Fact) -> Result<Confirmed> {
    let outcomes = confirm_together(souk, scope, &[fact]).await?;
    outcomes.into_iter().next().ok_or_else(|| Error::Internal("confirm answered nothing".to_owned()))
}

async fn confirm_together(souk: &Souk, scope: &Scope, facts: &[Fact]) -> Result<Vec<Confirmed>> {
    let now = souk.clock.now();
    let tx = souk.db.begin(scope).await?;
    let outcomes = confirm_in(&tx, scope, facts, now).await?;
    pause::at("confirm.written").await;
    tx.commit().await?;
    pause::at("confirm.committed").await;
    announce(souk, facts, &outcomes);
    Ok(outcomes)
}

async fn confirm_in(tx: &Tx, scope: &Scope, facts: &[Fact], now: DateTime<Utc>) -> Result<Vec<Confirmed>> {
    // 1. Only payments of ours, at the place where they live; then the receipts, whose uniqueness decides.
    let known = load::payments(tx, scope, facts).await?;
    let fresh = load::insert_receipts(tx, scope, facts, &known, now).await?;
    // 2. Lock orders and slots, each in the order of their ids.
    let evidence: Vec<Evidence> = fresh.iter().map(|index| facts[*index].evidence.clone()).collect();
    let mut world = load::world(tx, scope, &evidence).await?;
    let before = world.slots.clone();
    // 3. Decide; `world` is afterwards as it is to be.
    let verdicts = decide(&mut world.orders, &mut world.slots, &evidence);
    // 4. and 5. Write, set by set; row counts must be what was decided.
    let decided: Vec<_> = evidence.iter().zip(&verdicts).collect();
    write::all(tx, scope, &decided, &known, &world, &before, now).await?;
    write::finish_events(tx, scope, facts.iter().filter_map(|fact| fact.event), now).await?;

    let mut outcomes: Vec<Confirmed> =
        facts
            .iter()
            .map(|fact| {
                if known.contains_key(&fact.evidence.payment) {
                    Confirmed::Before
                } else {
                    Confirmed::Unknown
                }
            })
            .collect();
    for (index, verdict) in fresh.into_iter().zip(verdicts) {
        outcomes[index] = Confirmed::Now(verdict);
    }
    Ok(outcomes)
}

fn announce(souk: &Souk, facts: &[Fact], outcomes: &[Confirmed]) {
    for (fact, outcome) in facts.iter().zip(outcomes) {
        let Confirmed::Now(verdict) = outcome else { continue };
        let Evidence { order, payment, source, .. } = &fact.evidence;
        tracing::info!(%order, %payment, verdict = verdict.as_str(), source = source.as_str(), "payment confirmed");
        souk.live.order_changed(*order);
    }
    souk.live.work_arrived();
}
