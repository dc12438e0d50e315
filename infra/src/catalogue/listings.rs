//! Listings: what a seller sells, at which price.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use souk_domain::ids::{ListingId, SellerId};
use souk_domain::money::{MAX_CHARGE, Money};
use souk_domain::payment::CaptureMode;
use souk_domain::people::Scope;
use souk_domain::seller::SellerStatus;
use souk_domain::text;

use super::{Audience, timezone};
use crate::entity::{listings, sellers};
use crate::error::{Error, Result, stored};
use crate::page::{Listed, Page};
use crate::souk::Souk;
use crate::{audit, sellers as selling};

/// Whether a listing is on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingStatus {
    /// On offer, as long as its seller is active.
    Active,
    /// Kept for its orders, no longer on offer.
    Archived,
}

impl ListingStatus {
    /// The stable text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl std::str::FromStr for ListingStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Archived].into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// A listing to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewListing {
    /// 1 to 200 characters.
    pub title: String,
    /// At most 5,000 characters.
    pub description: String,
    /// Per place; zero is free.
    pub price: Money,
    /// IANA; `UTC` where none is given.
    pub timezone: Option<String>,
    /// When the money is taken.
    pub capture: CaptureMode,
}

/// What to change of a listing; what is absent stays. Orders keep the title and price that they were made with, and
/// slots the time zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in NewListing")]
pub struct ListingPatch {
    pub title: Option<String>,
    pub description: Option<String>,
    pub price: Option<Money>,
    pub timezone: Option<String>,
    pub capture: Option<CaptureMode>,
    pub status: Option<ListingStatus>,
}

/// A listing as everyone sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListingView {
    /// Its id.
    pub id: ListingId,
    /// Whose.
    pub seller_id: SellerId,
    /// What is sold.
    pub title: String,
    /// More words; may be empty.
    pub description: String,
    /// Per place.
    pub price: Money,
    /// Where it takes place, as an IANA time zone.
    pub timezone: String,
    /// When the money is taken.
    pub capture: CaptureMode,
    /// Whether it is on offer.
    pub status: ListingStatus,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Makes a listing.
pub async fn create(souk: &Souk, scope: &Scope, seller: SellerId, new: NewListing) -> Result<ListingView> {
    let title = title(&new.title)?;
    let description = description(&new.description)?;
    let price = price(new.price)?;
    let timezone = timezone(new.timezone.as_deref().unwrap_or("UTC"))?;
    let (id, now) = (ListingId::new(), souk.clock.now());

    let tx = souk.db.begin(scope).await?;
    // Locked, so that nothing new appears beside an admin's decision to suspend.
    let owner = selling::lock(&*tx, scope, seller).await?;
    selling::require_welcome(stored("sellers.status", &owner.status)?)?;
    let row = listings::Model {
        tenant_id: scope.tenant.uuid(),
        id: id.uuid(),
        seller_id: seller.uuid(),
        title,
        description,
        price: price.minor,
        currency: price.currency.code(),
        timezone: timezone.name().to_owned(),
        capture: new.capture.to_string(),
        status: ListingStatus::Active.as_str().to_owned(),
        created_at: now,
        updated_at: now,
    };
    let insert = listings::ActiveModel::from(row.clone()).reset_all();
    listings::Entity::insert(insert).exec_without_returning(&*tx).await?;
    let detail = json!({ "seller": seller, "price": price });
    audit::record(&*tx, &souk.clock, scope, "listing.create", id.to_string(), detail).await?;
    tx.commit().await?;
    view(row)
}

/// Changes a seller's listing.
pub async fn update(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    id: ListingId,
    patch: ListingPatch,
) -> Result<ListingView> {
    use listings::Column as C;
    let mut update = listings::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::SellerId.eq(seller.uuid()))
        .filter(C::Id.eq(id.uuid()))
        .col_expr(C::UpdatedAt, Expr::value(souk.clock.now()));
    let mut changed = Map::new();
    let mut note = |name: &str, value: Value| changed.insert(name.to_owned(), value);
    if let Some(text) = patch.title {
        update = update.col_expr(C::Title, Expr::value(title(&text)?));
        note("title", true.into());
    }
    if let Some(text) = patch.description {
        update = update.col_expr(C::Description, Expr::value(description(&text)?));
        note("description", true.into());
    }
    if let Some(money) = patch.price {
        let money = price(money)?;
        update = update
            .col_expr(C::Price, Expr::value(money.minor))
            .col_expr(C::Currency, Expr::value(money.currency.code()));
        note("price", json!(money));
    }
    if let Some(text) = patch.timezone {
        let zone = timezone(&text)?;
        update = update.col_expr(C::Timezone, Expr::value(zone.name()));
        note("timezone", zone.name().into());
    }
    if let Some(capture) = patch.capture {
        update = update.col_expr(C::Capture, Expr::value(capture.as_str()));
        note("capture", capture.as_str().into());
    }
    if let Some(status) = patch.status {
        update = update.col_expr(C::Status, Expr::value(status.as_str()));
        note("status", status.as_str().into());
    }
    if changed.is_empty() {
        return get(souk, scope, Audience::Seller(seller), id).await;
    }
    let tx = souk.db.begin(scope).await?;
    if update.exec(&*tx).await?.rows_affected != 1 {
        return Err(Error::not_found("listing"));
    }
    audit::record(&*tx, &souk.clock, scope, "listing.update", id.to_string(), changed.into()).await?;
    tx.commit().await?;
    get(souk, scope, Audience::Seller(seller), id).await
}

/// One listing.
pub async fn get(souk: &Souk, scope: &Scope, audience: Audience, id: ListingId) -> Result<ListingView> {
    view(load(souk.db.read(scope), scope, audience, id).await?)
}

/// Listings, the newest first; of one seller where that is asked for.
pub async fn list(
    souk: &Souk,
    scope: &Scope,
    audience: Audience,
    of_seller: Option<SellerId>,
    page: Page,
) -> Result<Listed<ListingView>> {
    use listings::Column as C;
    let mut query = listings::Entity::find().filter(seen_by(scope, audience));
    if let Some(seller) = of_seller {
        query = query.filter(C::SellerId.eq(seller.uuid()));
    }
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let rows = Listed::cut(rows, page);
    Ok(Listed { data: rows.data.into_iter().map(view).collect::<Result<_>>()?, has_more: rows.has_more })
}

pub(super) async fn load<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    audience: Audience,
    id: ListingId,
) -> Result<listings::Model> {
    let query =
        listings::Entity::find().filter(seen_by(scope, audience)).filter(listings::Column::Id.eq(id.uuid()));
    query.one(db).await?.ok_or_else(|| Error::not_found("listing"))
}

/// What the audience may know of: everything of a seller's own, or what active sellers have on offer.
fn seen_by(scope: &Scope, audience: Audience) -> Condition {
    use listings::Column as C;
    let tenant = scope.tenant.uuid();
    let of_tenant = Condition::all().add(C::TenantId.eq(tenant));
    match audience {
        Audience::Seller(seller) => of_tenant.add(C::SellerId.eq(seller.uuid())),
        Audience::Public => {
            let active_sellers = Query::select()
                .column(sellers::Column::Id)
                .from(sellers::Entity)
                .cond_where(sellers::Column::TenantId.eq(tenant))
                .cond_where(sellers::Column::Status.eq(SellerStatus::Active.as_str()))
                .to_owned();
            of_tenant
                .add(C::Status.eq(ListingStatus::Active.as_str()))
                .add(C::SellerId.in_subquery(active_sellers))
        }
    }
}

fn title(text: &str) -> Result<String> {
    text::bounded(text, 1, 200).map_err(|error| Error::invalid("/title", error))
}

fn description(text: &str) -> Result<String> {
    text::bounded(text, 0, 5_000).map_err(|error| Error::invalid("/description", error))
}

fn price(money: Money) -> Result<Money> {
    if !(0..=MAX_CHARGE).contains(&money.minor) {
        return Err(Error::invalid("/price/amount", format!("must be between 0 and {MAX_CHARGE}")));
    }
    let step = money.currency.step();
    if money.minor % step != 0 {
        return Err(Error::invalid(
            "/price/amount",
            format!("must be a multiple of {step} in this currency"),
        ));
    }
    Ok(money)
}

fn view(row: listings::Model) -> Result<ListingView> {
    Ok(ListingView {
        id: row.id.into(),
        seller_id: row.seller_id.into(),
        price: Money::new(row.price, stored("listings.currency", &row.currency)?),
        capture: stored("listings.capture", &row.capture)?,
        status: stored("listings.status", &row.status)?,
        title: row.title,
        description: row.description,
        timezone: row.timezone,
        created_at: row.created_at,
    })
}
