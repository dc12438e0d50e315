//! Connected accounts (Accounts v1) and the links that lead a seller through onboarding.

use chrono::{DateTime, SubsecRound, Utc};
use souk_domain::gateway::{AccountRequest, GatewayError, Link};
use souk_domain::payment::ChargeModel;
use souk_domain::seller::{AccountSnapshot, Requirements};
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_connect::account::{
    CreateAccount, CreateAccountCapabilities, CreateAccountCapabilitiesCardPayments,
    CreateAccountCapabilitiesTransfers, CreateAccountController, CreateAccountControllerFees,
    CreateAccountControllerFeesPayer, CreateAccountControllerLosses, CreateAccountControllerLossesPayments,
    CreateAccountControllerRequirementCollection, CreateAccountControllerStripeDashboard,
    CreateAccountControllerStripeDashboardType, RetrieveAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::account_session::{
    AccountConfigParam, CreateAccountSession, CreateAccountSessionComponents,
};
use stripe_connect::login_link::CreateAccountLoginLink;

use super::transport::Transport;

pub(super) async fn create(
    transport: &Transport,
    request: &AccountRequest,
) -> Result<AccountSnapshot, GatewayError> {
    let as_of = Utc::now().trunc_subsecs(6);
    let mut capabilities = CreateAccountCapabilities::new();
    capabilities.card_payments = Some(CreateAccountCapabilitiesCardPayments { requested: Some(true) });
    capabilities.transfers = Some(CreateAccountCapabilitiesTransfers { requested: Some(true) });
    let metadata = [("souk_seller".to_owned(), request.reference.clone())]
        .into_iter()
        .collect::<std::collections::HashMap<_, _>>();
    let typed = CreateAccount::new()
        .country(&request.country)
        .email(&request.email)
        .capabilities(capabilities)
        .controller(controller(request.charge_model))
        .metadata(metadata);
    let account = typed
        .customize()
        .request_strategy(RequestStrategy::Idempotent(key(&request.key)?))
        .send(transport)
        .await?;
    Ok(snapshot(account, as_of))
}

/// Who pays Stripe's fees and bears losses. It can never be changed on an account
/// (docs.stripe.com/connect/direct-charges-fee-payer-behavior), so the charge model at onboarding decides: sellers
/// with direct charges pay Stripe themselves and have its full dashboard, others have the Express one, which
/// requires the platform to be responsible for both.
fn controller(charge_model: ChargeModel) -> CreateAccountController {
    let direct = charge_model == ChargeModel::Direct;
    let mut fees = CreateAccountControllerFees::new();
    let mut losses = CreateAccountControllerLosses::new();
    let mut dashboard = CreateAccountControllerStripeDashboard::new();
    if direct {
        fees.payer = Some(CreateAccountControllerFeesPayer::Account);
        losses.payments = Some(CreateAccountControllerLossesPayments::Stripe);
        dashboard.type_ = Some(CreateAccountControllerStripeDashboardType::Full);
    } else {
        fees.payer = Some(CreateAccountControllerFeesPayer::Application);
        losses.payments = Some(CreateAccountControllerLossesPayments::Application);
        dashboard.type_ = Some(CreateAccountControllerStripeDashboardType::Express);
    }
    let mut controller = CreateAccountController::new();
    controller.fees = Some(fees);
    controller.losses = Some(losses);
    controller.requirement_collection = Some(CreateAccountControllerRequirementCollection::Stripe);
    controller.stripe_dashboard = Some(dashboard);
    controller
}

pub(super) async fn fetch(transport: &Transport, account: &str) -> Result<AccountSnapshot, GatewayError> {
    // Taken before the call: what the answer says was true at this time or later.
    let as_of = Utc::now().trunc_subsecs(6);
    let account = RetrieveAccount::new(account).customize().send(transport).await?;
    Ok(snapshot(account, as_of))
}

fn snapshot(account: stripe_shared::Account, as_of: DateTime<Utc>) -> AccountSnapshot {
    let requirements = account.requirements.map(|told| Requirements {
        currently_due: told.currently_due.unwrap_or_default(),
        past_due: told.past_due.unwrap_or_default(),
        disabled_reason: told.disabled_reason.map(|reason| reason.as_str().to_owned()),
    });
    let transfers = account.capabilities.and_then(|capabilities| capabilities.transfers);
    AccountSnapshot {
        id: account.id.as_str().to_owned(),
        charges_enabled: account.charges_enabled.unwrap_or(false),
        payouts_enabled: account.payouts_enabled.unwrap_or(false),
        details_submitted: account.details_submitted.unwrap_or(false),
        transfers_active: transfers.is_some_and(|status| status.as_str() == "active"),
        requirements: requirements.unwrap_or_default(),
        country: account.country,
        default_currency: account.default_currency.map(|currency| currency.to_string()),
        as_of,
    }
}

pub(super) async fn onboarding_link(
    transport: &Transport,
    account: &str,
    return_url: &str,
    refresh_url: &str,
) -> Result<Link, GatewayError> {
    let typed = CreateAccountLink::new(account, CreateAccountLinkType::AccountOnboarding)
        .return_url(return_url)
        .refresh_url(refresh_url);
    let link = typed.customize().send(transport).await?;
    Ok(Link { url: link.url, expires_at: DateTime::from_timestamp(link.expires_at, 0) })
}

pub(super) async fn dashboard_link(transport: &Transport, account: &str) -> Result<Link, GatewayError> {
    let answer =
        CreateAccountLoginLink::new(account).customize().send(transport).await.map_err(GatewayError::from);
    match answer {
        Ok(link) => Ok(Link { url: link.url, expires_at: None }),
        // Login links exist for Express accounts only; the others log in to Stripe's own dashboard.
        Err(GatewayError::Refused { .. }) => {
            Ok(Link { url: "https://dashboard.stripe.com/".to_owned(), expires_at: None })
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn session(transport: &Transport, account: &str) -> Result<String, GatewayError> {
    let mut components = CreateAccountSessionComponents::new();
    components.account_onboarding = Some(AccountConfigParam::new(true));
    components.account_management = Some(AccountConfigParam::new(true));
    components.notification_banner = Some(AccountConfigParam::new(true));
    // Only the secret counts, and Stripe adds components to the answer more often than the library learns of them.
    let request = CreateAccountSession::new(account, components);
    let session = transport.json(request.build(), None, None).await?;
    let secret = session["client_secret"].as_str().map(str::to_owned);
    secret.ok_or_else(|| GatewayError::Unreadable("an account session without a secret".to_owned()))
}

pub(super) fn key(text: &str) -> Result<IdempotencyKey, GatewayError> {
    IdempotencyKey::new(text)
        .map_err(|_| GatewayError::Unreadable("an idempotency key out of bounds".to_owned()))
}
