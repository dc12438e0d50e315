//! Refunds at Stripe.

use souk_domain::gateway::{GatewayError, Place, RefundRequest, RefundState};
use souk_domain::refund::RefundStatus;
use stripe_client_core::{CustomizableStripeRequest, RequestStrategy, StripeRequest};
use stripe_core::refund::{CreateRefund, RetrieveRefund};

use super::accounts::key;
use super::transport::Transport;

pub(super) async fn create(
    transport: &Transport,
    request: &RefundRequest,
) -> Result<RefundState, GatewayError> {
    let mut typed =
        CreateRefund::new().payment_intent(&request.provider_payment).amount(request.amount.minor);
    // Both flags only where they say something: Stripe refuses a fee refund where there was no fee.
    if request.refund_application_fee {
        typed = typed.refund_application_fee(true);
    }
    if request.reverse_transfer {
        typed = typed.reverse_transfer(true);
    }
    let call = typed.customize().request_strategy(RequestStrategy::Idempotent(key(&request.key)?));
    read(at(call, &request.place).send(transport).await?)
}

pub(super) async fn fetch(
    transport: &Transport,
    place: &Place,
    refund: &str,
) -> Result<RefundState, GatewayError> {
    read(at(RetrieveRefund::new(refund).customize(), place).send(transport).await?)
}

fn at<T>(call: CustomizableStripeRequest<T>, place: &Place) -> CustomizableStripeRequest<T> {
    match place.account() {
        Some(account) => call.account_id(account.into()),
        None => call,
    }
}

fn read(refund: stripe_shared::Refund) -> Result<RefundState, GatewayError> {
    let status = match refund.status.as_deref() {
        Some("pending") => RefundStatus::Pending,
        Some("requires_action") => RefundStatus::RequiresAction,
        Some("succeeded") => RefundStatus::Succeeded,
        Some("failed") => RefundStatus::Failed,
        Some("canceled") => RefundStatus::Cancelled,
        other => return Err(GatewayError::Unreadable(format!("a refund that is {other:?}"))),
    };
    Ok(RefundState { id: refund.id.as_str().to_owned(), status, failure_reason: refund.failure_reason })
}
