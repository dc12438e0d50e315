//! Sellers and their way to the payment provider.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::gateway::Link;
use souk_domain::payment::ChargeModel;
use souk_infra::sellers::onboarding::{self, AccountSession, ReturnTo};
use souk_infra::sellers::{self, NewSeller};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{SellerAuth, UserAuth};
use crate::error::{Problem, Result};
use crate::extract::{Json, OptionalJson};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(show))
        .routes(routes!(onboarding_link))
        .routes(routes!(dashboard_link))
        .routes(routes!(account_session))
}

/// An application to sell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SellerRequest {
    /// 1 to 120 characters, shown to buyers.
    #[schema(min_length = 1, max_length = 120, example = "Ann's Pottery")]
    display_name: String,
    /// ISO 3166, two letters. It cannot be changed later.
    #[schema(example = "DE")]
    country: String,
    /// `direct`, `destination` or `separate`; the marketplace's own where absent.
    #[schema(value_type = Option<String>, example = "direct")]
    charge_model: Option<ChargeModel>,
}

/// Where the provider sends the seller's people back to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OnboardingRequest {
    /// After the form, filled in or not; souk's own page where absent.
    #[schema(example = "https://shop.example/done")]
    return_url: Option<String>,
    /// When the link is used up or too old; souk's own page where absent.
    refresh_url: Option<String>,
}

/// A business that sells in this marketplace.
#[derive(Debug, Serialize, ToSchema)]
pub struct SellerView {
    /// The seller's id.
    #[schema(example = "sel_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// As buyers see it.
    pub display_name: String,
    /// `direct`, `destination` or `separate`: the seller's own or the marketplace's.
    #[schema(example = "direct")]
    pub charge_model: String,
    /// `pending`, `onboarding`, `active`, `restricted`, `suspended` or `deauthorized`. Only `active` sellers sell.
    #[schema(example = "active")]
    pub status: String,
    /// What the payment provider says of it; `null` before the first onboarding link.
    pub connected_account: Option<ConnectedAccountView>,
}

/// The payment provider's record of a seller.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectedAccountView {
    /// The provider's id.
    #[schema(example = "acct_1PqXyZ")]
    pub id: String,
    /// May be charged.
    pub charges_enabled: bool,
    /// May be paid out.
    pub payouts_enabled: bool,
    /// The provider's form was filled in.
    pub details_submitted: bool,
    /// What the provider still wants to know.
    pub requirements: RequirementsView,
}

/// What the provider still wants to know.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequirementsView {
    /// Needed now.
    pub currently_due: Vec<String>,
    /// Was needed before now.
    pub past_due: Vec<String>,
    /// Why charges or payouts are off.
    pub disabled_reason: Option<String>,
}

/// An address for the seller's people to visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Open it in the seller's browser; it works once.
    pub url: String,
    /// When it stops working; ask for another one then.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An address of the provider's dashboard.
#[derive(Debug, Serialize, ToSchema)]
pub struct DashboardLinkView {
    /// Open it in the seller's browser; it works once.
    pub url: String,
}

/// What the provider's components need in a page.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountSessionView {
    /// For the seller's people only, for one page view.
    pub client_secret: String,
}

impl From<sellers::SellerView> for SellerView {
    fn from(seller: sellers::SellerView) -> Self {
        Self {
            id: seller.id.to_string(),
            display_name: seller.display_name,
            charge_model: seller.charge_model.to_string(),
            status: seller.status.to_string(),
            connected_account: seller.connected_account.map(Into::into),
        }
    }
}

impl From<sellers::AccountView> for ConnectedAccountView {
    fn from(account: sellers::AccountView) -> Self {
        Self {
            id: account.id,
            charges_enabled: account.charges_enabled,
            payouts_enabled: account.payouts_enabled,
            details_submitted: account.details_submitted,
            requirements: RequirementsView {
                currently_due: account.requirements.currently_due,
                past_due: account.requirements.past_due,
                disabled_reason: account.requirements.disabled_reason,
            },
        }
    }
}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        Self { url: link.url, expires_at: link.expires_at }
    }
}

/// Applies to sell. The caller becomes the seller's owner; `onboarding-link` comes next.
#[utoipa::path(
    post, path = "/v1/sellers", operation_id = "create_seller", tag = "sellers", security(("bearer" = [])), request_body = SellerRequest,
    responses(
        (status = 201, body = SellerView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(state): State<AppState>,
    caller: UserAuth,
    Json(body): Json<SellerRequest>,
) -> Result<(StatusCode, axum::Json<SellerView>)> {
    let new =
        NewSeller { display_name: body.display_name, country: body.country, charge_model: body.charge_model };
    let seller = sellers::create(&state.souk, &caller.scope, new).await?;
    Ok((StatusCode::CREATED, axum::Json(seller.into())))
}

/// A seller, for its own people and for admins. For everybody else there is none.
#[utoipa::path(
    get, path = "/v1/sellers/{id}", operation_id = "get_seller", tag = "sellers", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses((status = 200, body = SellerView), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
async fn show(State(state): State<AppState>, caller: SellerAuth) -> Result<axum::Json<SellerView>> {
    Ok(axum::Json(sellers::get(&state.souk, &caller.scope, caller.seller).await?.into()))
}

/// A link to the payment provider's form. The first one opens the seller's account there, once however often it is
/// asked for; each link works once and for minutes.
#[utoipa::path(
    post, path = "/v1/sellers/{id}/onboarding-link", tag = "sellers", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")), request_body = Option<OnboardingRequest>,
    responses(
        (status = 201, body = LinkView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "seller_suspended, seller_deauthorized"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "charge_model_unsupported"),
    )
)]
async fn onboarding_link(
    State(state): State<AppState>,
    caller: SellerAuth,
    OptionalJson(body): OptionalJson<OnboardingRequest>,
) -> Result<(StatusCode, axum::Json<LinkView>)> {
    let to = ReturnTo { return_url: body.return_url, refresh_url: body.refresh_url };
    let link = onboarding::onboarding_link(&state.souk, &caller.scope, caller.seller, to).await?;
    Ok((StatusCode::CREATED, axum::Json(link.into())))
}

/// A link to the payment provider's dashboard for this seller.
#[utoipa::path(
    post, path = "/v1/sellers/{id}/dashboard-link", tag = "sellers", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses(
        (status = 201, body = DashboardLinkView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "not_connected"),
    )
)]
async fn dashboard_link(
    State(state): State<AppState>,
    caller: SellerAuth,
    _nothing: OptionalJson<Nothing>,
) -> Result<(StatusCode, axum::Json<DashboardLinkView>)> {
    let link = onboarding::dashboard_link(&state.souk, &caller.scope, caller.seller).await?;
    Ok((StatusCode::CREATED, axum::Json(DashboardLinkView { url: link.url })))
}

/// A secret with which a page embeds the payment provider's components for this seller.
#[utoipa::path(
    post, path = "/v1/sellers/{id}/account-session", tag = "sellers", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")),
    responses(
        (status = 201, body = AccountSessionView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "not_connected"),
    )
)]
async fn account_session(
    State(state): State<AppState>,
    caller: SellerAuth,
    _nothing: OptionalJson<Nothing>,
) -> Result<(StatusCode, axum::Json<AccountSessionView>)> {
    let session = onboarding::account_session(&state.souk, &caller.scope, caller.seller).await?;
    let AccountSession { client_secret } = session;
    Ok((StatusCode::CREATED, axum::Json(AccountSessionView { client_secret })))
}

/// A body with nothing in it, or none.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
