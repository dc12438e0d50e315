//! What a Stripe event means to souk.
//!
//! Events are hints that may come late, twice, out of order, or for somebody else. A payment's evidence is read from
//! the signed payload; where order matters (accounts, refunds) the object is read again at the provider.

use serde_json::Value;
use souk_domain::ids::{OrderId, PaymentId, SellerId};
use souk_domain::payment::{ChargeModel, Evidence, EvidenceSource, PaymentState, Provider};
use souk_domain::people::Scope;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::checkout::read_request;
use crate::entity::{payments, webhook_events};
use crate::error::{Result, stored};
use crate::gateway::stripe::SessionView;
use crate::payments::{settle, slow_failure};
use crate::souk::Souk;
use crate::{refunds, sellers, tenants};

/// What an event asks of souk.
pub(crate) enum Meaning {
    /// A payment, to be confirmed with others in one batch.
    Evidence(Box<Evidence>),
    /// Something else to do.
    Action(Action),
    /// Nothing, and why.
    Ignored(String),
}

/// What is done one by one.
pub(crate) enum Action {
    /// A payment's state short of evidence.
    Settle(PaymentId, PaymentState),
    /// A slow payment failed for good.
    SlowFailure(PaymentId),
    /// An attempt failed; the buyer may try again.
    NoteFailure(PaymentId, String),
    /// Read the account again.
    RefreshAccount(SellerId),
    /// The seller has cut the connection.
    Deauthorized(String),
    /// Read the refund again.
    RefreshRefund(String),
}

fn ignored(reason: &str) -> Result<Meaning> {
    Ok(Meaning::Ignored(reason.to_owned()))
}

/// Reads one event.
pub(crate) async fn interpret(souk: &Souk, scope: &Scope, row: &webhook_events::Model) -> Result<Meaning> {
    let Ok(event) = serde_json::from_str::<Value>(&row.body) else { return ignored("the body is not JSON") };
    let Some(keys) = tenants::keys(souk, scope.tenant, Provider::Stripe).await? else {
        return ignored("the tenant has no Stripe keys");
    };
    // Live connect endpoints receive test events by design (docs.stripe.com/connect/webhooks).
    if keys.livemode != row.livemode {
        return ignored(if row.livemode {
            "of live mode, while this tenant is in test mode"
        } else {
            "of test mode, while this tenant is live"
        });
    }
    let mut seller = None;
    match (&*row.endpoint, &row.account) {
        ("connect", None) => return ignored("an event without an account at the connect endpoint"),
        ("platform", Some(_)) => return ignored("an event of a connected account at the platform endpoint"),
        (_, Some(account)) => {
            seller = sellers::accounts::seller_of_account(souk, scope, account).await?;
            if seller.is_none() {
                return ignored("of an account that is not this tenant's");
            }
        }
        _ => {}
    }
    let object = &event["data"]["object"];
    match row.event_type.as_str() {
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed"
        | "checkout.session.expired" => session(souk, scope, row, object).await,
        "payment_intent.payment_failed" => {
            match object["metadata"]["souk_payment"].as_str().and_then(|id| id.parse().ok()) {
                Some(payment) => {
                    Ok(Meaning::Action(Action::NoteFailure(payment, failure(&object["last_payment_error"]))))
                }
                None => ignored("not a payment of souk's"),
            }
        }
        "account.updated"
        | "capability.updated"
        | "account.external_account.created"
        | "account.external_account.updated"
        | "account.external_account.deleted"
        | "person.updated" => match seller {
            Some(seller) => Ok(Meaning::Action(Action::RefreshAccount(seller))),
            None => ignored("of the platform's own account"),
        },
        "account.application.deauthorized" => match &row.account {
            Some(account) => Ok(Meaning::Action(Action::Deauthorized(account.clone()))),
            None => ignored("of the platform's own account"),
        },
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            match object["id"].as_str() {
                Some(refund) => Ok(Meaning::Action(Action::RefreshRefund(refund.to_owned()))),
                None => ignored("a refund without an id"),
            }
        }
        _ => ignored("souk does not act on this type"),
    }
}

/// The decline as the provider codes it, never its words: they may tell a thief why a card was refused.
fn failure(error: &Value) -> String {
    let code = error["decline_code"].as_str().or_else(|| error["code"].as_str());
    code.unwrap_or("declined").chars().take(64).collect()
}

async fn session(souk: &Souk, scope: &Scope, row: &webhook_events::Model, object: &Value) -> Result<Meaning> {
    let view = SessionView::read(object)?;
    let Some((payment, _)) = view.reference else { return ignored("not a session of souk's") };
    let found =
        payments::Entity::find_by_id((scope.tenant.uuid(), payment.uuid())).one(souk.db.read(scope)).await?;
    let Some(found) = found else { return ignored("souk has no such payment") };
    let model: ChargeModel = stored("payments.charge_model", &found.charge_model)?;
    let lives_on = (model == ChargeModel::Direct).then_some(&found.account);
    if lives_on != row.account.as_ref() {
        return ignored("the payment lives on another account");
    }
    if found.session.as_ref().is_some_and(|session| *session != view.id) {
        return ignored("the payment has another session");
    }
    let request = read_request(&found)?;
    let own_discount = request.discount.map_or(0, |(amount, _)| amount);
    if row.event_type == "checkout.session.async_payment_failed" {
        return match view.status.as_str() {
            "complete" => Ok(Meaning::Action(Action::SlowFailure(payment))),
            _ => ignored("the session can still be paid"),
        };
    }
    match view.state(request.capture, own_discount, Some(row.occurred_at), EvidenceSource::Webhook) {
        PaymentState::Evidence(evidence) => Ok(Meaning::Evidence(evidence)),
        PaymentState::Open => ignored("the session is still open"),
        state => Ok(Meaning::Action(Action::Settle(payment, state))),
    }
}

/// Does what an event asks.
pub(crate) async fn act(souk: &Souk, scope: &Scope, action: Action) -> Result<()> {
    match action {
        Action::Settle(payment, state) => settle(souk, scope, payment, state).await,
        Action::SlowFailure(payment) => slow_failure(souk, scope, payment).await,
        Action::NoteFailure(payment, code) => note_failure(souk, scope, payment, &code).await,
        Action::RefreshAccount(seller) => sellers::accounts::refresh_account(souk, scope, seller).await,
        Action::Deauthorized(account) => sellers::accounts::deauthorized(souk, scope, &account).await,
        Action::RefreshRefund(refund) => refunds::refresh(souk, scope, &refund).await.map(|_| ()),
    }
}

async fn note_failure(souk: &Souk, scope: &Scope, payment: PaymentId, code: &str) -> Result<()> {
    let changed = payments::Entity::update_many()
        .col_expr(payments::Column::Failure, Expr::value(code))
        .filter(payments::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(payments::Column::Id.eq(payment.uuid()))
        .filter(payments::Column::Status.is_in(["created", "open", "processing"]))
        .exec_with_returning(souk.db.read(scope))
        .await?;
    if let Some(row) = changed.first() {
        souk.live.order_changed(OrderId::from(row.order_id));
    }
    Ok(())
}
