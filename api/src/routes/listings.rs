//! What sellers sell.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use souk_domain::ids::{ListingId, SellerId};
use souk_domain::payment::CaptureMode;
use souk_infra::catalogue::Audience;
use souk_infra::catalogue::listings::{self, ListingPatch, ListingStatus, NewListing};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::SellerAuth;
use crate::error::{Problem, Result};
use crate::extract::{Json, PageQuery, PathId, Query};
use crate::state::AppState;
use crate::tenancy::Tenancy;
use crate::view::{ListView, MoneyInput, MoneyView};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(browse))
        .routes(routes!(show))
        .routes(routes!(list_own, create))
        .routes(routes!(show_own, change))
}

/// A listing to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListingRequest {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Evening pottery class")]
    title: String,
    /// At most 5,000 characters.
    #[schema(max_length = 5000)]
    description: Option<String>,
    /// Per place; zero is free.
    price: MoneyInput,
    /// IANA; `UTC` where absent. Slots keep the one that they were made with.
    #[schema(example = "Europe/Berlin")]
    timezone: Option<String>,
    /// `automatic` (the default) takes the money at once; `on_confirmation` reserves it, claims the place, then takes it.
    #[schema(value_type = Option<String>, example = "automatic")]
    capture: Option<CaptureMode>,
}

/// What to change; what is absent stays. Orders keep the title and price that they were made with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ListingChange {
    /// 1 to 200 characters.
    title: Option<String>,
    /// At most 5,000 characters.
    description: Option<String>,
    /// Per place; zero is free.
    price: Option<MoneyInput>,
    /// IANA; for slots made from now on.
    timezone: Option<String>,
    /// `automatic` or `on_confirmation`.
    #[schema(value_type = Option<String>)]
    capture: Option<CaptureMode>,
    /// `active` or `archived`: no longer on offer.
    #[schema(value_type = Option<String>)]
    status: Option<ListingStatus>,
}

/// What is sold.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListingView {
    /// The listing's id.
    #[schema(example = "lst_0192f0c1a2b37c4d8e5f60718293a4b5")]
    pub id: String,
    /// Whose.
    pub seller_id: String,
    /// What it is.
    pub title: String,
    /// More words; may be empty.
    pub description: String,
    /// Per place.
    pub price: MoneyView,
    /// Where it takes place, as an IANA time zone.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// `automatic` or `on_confirmation`.
    pub capture: String,
    /// `active` or `archived`.
    pub status: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<listings::ListingView> for ListingView {
    fn from(listing: listings::ListingView) -> Self {
        Self {
            id: listing.id.to_string(),
            seller_id: listing.seller_id.to_string(),
            title: listing.title,
            description: listing.description,
            price: listing.price.into(),
            timezone: listing.timezone,
            capture: listing.capture.to_string(),
            status: listing.status.as_str().to_owned(),
            created_at: listing.created_at,
        }
    }
}

/// Which listings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BrowseQuery {
    /// Only this seller's.
    #[param(value_type = Option<String>)]
    seller_id: Option<SellerId>,
    /// How many to return.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(rename = "limit")]
    _limit: Option<u64>,
    /// The id of the last one of the page before.
    #[serde(rename = "starting_after")]
    _starting_after: Option<String>,
}

/// Everything on offer: active listings of active sellers, the newest first.
#[utoipa::path(
    get, path = "/v1/listings", operation_id = "list_listings", tag = "catalogue", params(BrowseQuery),
    responses((status = 200, body = ListView<ListingView>), (status = 400, body = Problem, content_type = "application/problem+json"))
)]
async fn browse(
    State(state): State<AppState>,
    tenancy: Tenancy,
    Query(query): Query<BrowseQuery>,
    page: PageQuery<ListingId>,
) -> Result<axum::Json<ListView<ListingView>>> {
    let scope = tenancy.anonymous();
    let found = listings::list(&state.souk, &scope, Audience::Public, query.seller_id, page.page).await?;
    Ok(axum::Json(found.into()))
}

/// One listing on offer.
#[utoipa::path(
    get, path = "/v1/listings/{id}", operation_id = "get_listing", tag = "catalogue",
    params(("id" = String, Path, description = "The listing.")),
    responses((status = 200, body = ListingView), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
async fn show(
    State(state): State<AppState>,
    tenancy: Tenancy,
    PathId(id): PathId<ListingId>,
) -> Result<axum::Json<ListingView>> {
    let listing = listings::get(&state.souk, &tenancy.anonymous(), Audience::Public, id).await?;
    Ok(axum::Json(listing.into()))
}

/// A seller's own listings, archived ones included, the newest first.
#[utoipa::path(
    get, path = "/v1/sellers/{id}/listings", operation_id = "list_seller_listings", tag = "catalogue", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller."), crate::extract::PageParams),
    responses((status = 200, body = ListView<ListingView>), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
async fn list_own(
    State(state): State<AppState>,
    caller: SellerAuth,
    _nothing_else: Query<super::OnlyPage>,
    page: PageQuery<ListingId>,
) -> Result<axum::Json<ListView<ListingView>>> {
    let own = Audience::Seller(caller.seller);
    let found = listings::list(&state.souk, &caller.scope, own, None, page.page).await?;
    Ok(axum::Json(found.into()))
}

/// Makes a listing. Buyers see it once the seller is active.
#[utoipa::path(
    post, path = "/v1/sellers/{id}/listings", operation_id = "create_listing", tag = "catalogue", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller.")), request_body = ListingRequest,
    responses(
        (status = 201, body = ListingView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "seller_suspended, seller_deauthorized"),
    )
)]
async fn create(
    State(state): State<AppState>,
    caller: SellerAuth,
    Json(body): Json<ListingRequest>,
) -> Result<(StatusCode, axum::Json<ListingView>)> {
    let new = NewListing {
        title: body.title,
        description: body.description.unwrap_or_default(),
        price: body.price.into(),
        timezone: body.timezone,
        capture: body.capture.unwrap_or(CaptureMode::Automatic),
    };
    let listing = listings::create(&state.souk, &caller.scope, caller.seller, new).await?;
    Ok((StatusCode::CREATED, axum::Json(listing.into())))
}

/// One of a seller's own listings.
#[utoipa::path(
    get, path = "/v1/sellers/{id}/listings/{listing_id}", operation_id = "get_seller_listing", tag = "catalogue", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller."), ("listing_id" = String, Path, description = "The listing.")),
    responses((status = 200, body = ListingView), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
async fn show_own(
    State(state): State<AppState>,
    caller: SellerAuth,
    ids: PathId<(SellerId, ListingId)>,
) -> Result<axum::Json<ListingView>> {
    let PathId((_, listing)) = ids;
    let own = Audience::Seller(caller.seller);
    Ok(axum::Json(listings::get(&state.souk, &caller.scope, own, listing).await?.into()))
}

/// Changes a listing, field by field.
#[utoipa::path(
    patch, path = "/v1/sellers/{id}/listings/{listing_id}", operation_id = "update_listing", tag = "catalogue", security(("bearer" = [])),
    params(("id" = String, Path, description = "The seller."), ("listing_id" = String, Path, description = "The listing.")),
    request_body = ListingChange,
    responses(
        (status = 200, body = ListingView),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
async fn change(
    State(state): State<AppState>,
    caller: SellerAuth,
    ids: PathId<(SellerId, ListingId)>,
    Json(body): Json<ListingChange>,
) -> Result<axum::Json<ListingView>> {
    let PathId((_, listing)) = ids;
    let patch = ListingPatch {
        title: body.title,
        description: body.description,
        price: body.price.map(Into::into),
        timezone: body.timezone,
        capture: body.capture,
        status: body.status,
    };
    let listing = listings::update(&state.souk, &caller.scope, caller.seller, listing, patch).await?;
    Ok(axum::Json(listing.into()))
}
