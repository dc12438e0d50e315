//! Who gets what of a payment, and whether that may be asked for: application fee, destination, on behalf
//! of. The same rules hold for payment intents and checkout sessions. Only judges.

use serde_json::Value;

use crate::accounts::has_capability;
use crate::error::StripeError;
use crate::money;
use crate::object::Fields;
use crate::state::State;
use crate::state::vault::Kind;

/// Where a payment is being made, and how much of it there is.
pub(crate) struct Deal<'a> {
    /// The account of the secret key.
    pub(crate) platform: &'a str,
    /// The account that the charge will live on.
    pub(crate) account: &'a str,
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    /// `payment_intent_data`, or nothing for a payment intent's own parameters: where errors point.
    pub(crate) prefix: &'a str,
}

impl Deal<'_> {
    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            return name.to_owned();
        }
        match name.split_once('[') {
            Some((head, tail)) => format!("{}[{head}][{tail}", self.prefix),
            None => format!("{}[{name}]", self.prefix),
        }
    }

    fn is_direct(&self) -> bool {
        self.account != self.platform
    }

    /// Whether the money may be divided as `terms` say.
    pub(crate) fn check(&self, state: &State, terms: &Value) -> Result<(), StripeError> {
        if self.is_direct() {
            let account = state.get(self.platform, Kind::Account, self.account)?;
            if !account.flag("charges_enabled") {
                return Err(StripeError::invalid(
                    "Your account cannot currently make charges. Complete the account's requirements first.",
                ));
            }
        }
        self.check_destination(state, &terms["transfer_data"])?;
        self.check_fee(terms)?;
        if let Some(merchant) = terms.opt_text("on_behalf_of") {
            let account = self.connected(state, merchant, "on_behalf_of", "on_behalf_of account")?;
            if !has_capability(&account, "card_payments") {
                let message = "The account referenced in the 'on_behalf_of' parameter is missing the required capabilities: card_payments.";
                return Err(StripeError::invalid(message)
                    .code("capability_not_active")
                    .param(&self.path("on_behalf_of")));
            }
        }
        Ok(())
    }

    fn check_destination(&self, state: &State, transfer: &Value) -> Result<(), StripeError> {
        if !transfer.is_object() {
            return Ok(());
        }
        if self.is_direct() {
            let message = "A direct charge on a connected account cannot have transfer_data.";
            return Err(StripeError::invalid(message).param(&self.path("transfer_data")));
        }
        let destination = transfer.text("destination");
        let account = self.connected(state, destination, "transfer_data[destination]", "destination")?;
        if !has_capability(&account, "transfers") {
            return Err(missing_transfers(&self.path("transfer_data[destination]")));
        }
        match transfer.opt_int("amount") {
            Some(amount) if amount < 1 || amount > self.amount => {
                let message = "The transfer amount must be positive and not larger than the charge.";
                Err(StripeError::invalid(message).param(&self.path("transfer_data[amount]")))
            }
            _ => Ok(()),
        }
    }

    fn check_fee(&self, terms: &Value) -> Result<(), StripeError> {
        let Some(fee) = terms.opt_int("application_fee_amount") else { return Ok(()) };
        let refuse =
            |message: String| Err(StripeError::invalid(message).param(&self.path("application_fee_amount")));
        if fee < 0 {
            return refuse("This value must be greater than or equal to 0.".to_owned());
        }
        if !self.is_direct() && !terms.has("transfer_data") {
            return refuse("Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).".to_owned());
        }
        if terms["transfer_data"].has("amount") {
            return refuse(
                "You can only use one of: application_fee_amount, transfer_data[amount].".to_owned(),
            );
        }
        if fee > self.amount {
            let (fee, amount) =
                (money::display(fee, self.currency), money::display(self.amount, self.currency));
            return refuse(format!(
                "The application fee ({fee}) cannot be greater than the charge amount ({amount})."
            ));
        }
        Ok(())
    }

    fn connected(&self, state: &State, id: &str, name: &str, noun: &str) -> Result<Value, StripeError> {
        if !state.is_connected(id, self.platform) {
            return Err(StripeError::no_such_in(&self.path(name), noun, id));
        }
        state.get(self.platform, Kind::Account, id)
    }
}

/// The refusal to send money to an account that can't take it.
pub(crate) fn missing_transfers(param: &str) -> StripeError {
    let message = "Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments";
    StripeError::invalid(message).code("insufficient_capabilities_for_transfer").param(param)
}
