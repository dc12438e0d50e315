//! The kinds of durable task.

use serde::{Deserialize, Serialize};

text_enum! {
    /// What a job does; its subject says to what.
    JobKind {
        /// Ends an order's hold once its time is over: first at the provider, then here. Subject: the order.
        ReleaseHold = "release_hold",
        /// Finishes setting a payment up after a crash. Subject: the payment.
        ResumeCheckout = "resume_checkout",
        /// Captures an authorised payment whose seats are held. Subject: the payment.
        CapturePayment = "capture_payment",
        /// Gives an authorised payment up. Subject: the payment.
        CancelAuthorisation = "cancel_authorisation",
        /// Sends a refund to the provider. Subject: the refund.
        SendRefund = "send_refund",
        /// Tells the buyer that the order is paid or cannot be fulfilled. Subject: the order.
        OrderMail = "order_mail",
        /// Reads a seller's connected account from the provider. Subject: the seller.
        RefreshAccount = "refresh_account",
    }
}
