//! Promotions: codes that take something off, as often as the tenant allows and never more often.
//!
//! A code is used up in the transaction that writes the order, by a conditional UPDATE; an order that comes to
//! nothing gives its use back.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;
use serde_json::json;
use souk_domain::fee::WHOLE;
use souk_domain::ids::PromotionId;
use souk_domain::money::Money;
use souk_domain::people::Scope;
use souk_domain::promotion::{Discount, Promotion};

use crate::audit;
use crate::entity::promotions;
use crate::error::{Error, Refusal, RefusalKind, Result, stored};
use crate::page::{Listed, Page};
use crate::souk::Souk;

/// A promotion to make: either a rate or an amount.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPromotion {
    /// 3 to 40 letters, digits, `-` and `_`; kept in upper case.
    pub code: String,
    /// Basis points of the subtotal, 1 to 10,000.
    pub percent_bps: Option<i64>,
    /// A fixed amount, for orders in its currency.
    pub amount_off: Option<Money>,
    /// The least subtotal, in minor units of the order's currency.
    pub min_subtotal: Option<i64>,
    /// How often it may be used in all; no limit where absent.
    pub max_redemptions: Option<i64>,
    /// From when it may be used.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when it may be used.
    pub ends_at: Option<DateTime<Utc>>,
}

/// A promotion as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as in NewPromotion")]
pub struct PromotionView {
    pub id: PromotionId,
    pub code: String,
    pub percent_bps: Option<i64>,
    pub amount_off: Option<Money>,
    pub min_subtotal: Option<i64>,
    pub max_redemptions: Option<i64>,
    /// How often it is in use now.
    pub redeemed: i64,
    /// Whether it may be used at all.
    pub active: bool,
    pub starts_at: Option<DateTime<Utc>>,
    pub ends_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// A code that an order has used up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// Which promotion; for [`give_back`].
    pub id: PromotionId,
    /// As it is written down.
    pub code: String,
    /// Taken off the subtotal; never more than it.
    pub discount: Money,
}

/// Makes a promotion.
pub async fn create(souk: &Souk, scope: &Scope, new: NewPromotion) -> Result<PromotionView> {
    let code = normal(&new.code).ok_or_else(|| {
        Error::invalid("/code", "must have 3 to 40 letters, digits, hyphens and underscores")
    })?;
    check(&new)?;
    let (id, now) = (PromotionId::new(), souk.clock.now());
    let row = promotions::Model {
        tenant_id: scope.tenant.uuid(),
        id: id.uuid(),
        code,
        percent_bps: new.percent_bps,
        amount_off: new.amount_off.map(|money| money.minor),
        currency: new.amount_off.map(|money| money.currency.code()),
        min_subtotal: new.min_subtotal,
        max_redemptions: new.max_redemptions,
        redeemed: 0,
        active: true,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        created_at: now,
    };
    let tx = souk.db.begin(scope).await?;
    let insert = promotions::ActiveModel::from(row.clone()).reset_all();
    promotions::Entity::insert(insert).exec_without_returning(&*tx).await.map_err(|error| {
        let error = Error::from(error);
        if error.is_unique_violation() {
            Error::conflict("promotion_exists", "There is a promotion with this code already.")
        } else {
            error
        }
    })?;
    let detail = json!({ "code": row.code });
    audit::record(&*tx, &souk.clock, scope, "promotion.create", id.to_string(), detail).await?;
    tx.commit().await?;
    view(row)
}

/// The tenant's promotions, the newest first.
pub async fn list(souk: &Souk, scope: &Scope, page: Page) -> Result<Listed<PromotionView>> {
    use promotions::Column as C;
    let mut query = promotions::Entity::find().filter(C::TenantId.eq(scope.tenant.uuid()));
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let rows = Listed::cut(rows, page);
    Ok(Listed { data: rows.data.into_iter().map(view).collect::<Result<_>>()?, has_more: rows.has_more })
}

/// Switches a promotion on or off.
pub async fn set_active(souk: &Souk, scope: &Scope, id: PromotionId, active: bool) -> Result<PromotionView> {
    use promotions::Column as C;
    let tx = souk.db.begin(scope).await?;
    let written = promotions::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(id.uuid()))
        .col_expr(C::Active, Expr::value(active))
        .exec(&*tx)
        .await?;
    if written.rows_affected != 1 {
        return Err(Error::not_found("promotion"));
    }
    let detail = json!({ "active": active });
    audit::record(&*tx, &souk.clock, scope, "promotion.update", id.to_string(), detail).await?;
    let row = promotions::Entity::find_by_id((scope.tenant.uuid(), id.uuid())).one(&*tx).await?;
    tx.commit().await?;
    view(row.ok_or_else(|| Error::not_found("promotion"))?)
}

/// Uses a code up once, in the caller's transaction: if that is rolled back, nothing was used.
pub async fn redeem<C: ConnectionTrait>(
    tx: &C,
    scope: &Scope,
    code: &str,
    subtotal: Money,
    now: DateTime<Utc>,
) -> Result<Redeemed> {
    use promotions::Column as C;
    let unknown = || refused("There is no such code.");
    let code = normal(code).ok_or_else(unknown)?;
    let row = promotions::Entity::find()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Code.eq(code.as_str()))
        .one(tx)
        .await?
        .ok_or_else(unknown)?;
    let discount = promotion(&row)?.discount_on(subtotal, now).map_err(|why| {
        let mut sentence = why.to_string();
        sentence[..1].make_ascii_uppercase();
        refused(&format!("{sentence}."))
    })?;
    let unlimited_or_left = Condition::any()
        .add(C::MaxRedemptions.is_null())
        .add(Expr::col(C::Redeemed).lt(Expr::col(C::MaxRedemptions)));
    let used = promotions::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(row.id))
        .filter(C::Active.eq(true))
        .filter(unlimited_or_left)
        .col_expr(C::Redeemed, Expr::col(C::Redeemed).add(1_i64))
        .exec(tx)
        .await?;
    if used.rows_affected != 1 {
        return Err(refused("This code has been used up."));
    }
    Ok(Redeemed { id: row.id.into(), code, discount })
}

/// Gives one use back, for an order that came to nothing. The caller sees to it that this happens once per order.
pub async fn give_back<C: ConnectionTrait>(tx: &C, scope: &Scope, id: PromotionId) -> Result<()> {
    use promotions::Column as C;
    promotions::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(id.uuid()))
        .filter(C::Redeemed.gt(0))
        .col_expr(C::Redeemed, Expr::col(C::Redeemed).sub(1_i64))
        .exec(tx)
        .await?;
    Ok(())
}

/// Counts a use that was given back and is now made after all. The buyer has paid with the discount, so a code that
/// others have used up meanwhile is no reason to refuse; the count then stays at its limit.
pub async fn use_again<C: ConnectionTrait>(tx: &C, scope: &Scope, id: PromotionId) -> Result<()> {
    use promotions::Column as C;
    let left = Condition::any()
        .add(C::MaxRedemptions.is_null())
        .add(Expr::col(C::Redeemed).lt(Expr::col(C::MaxRedemptions)));
    promotions::Entity::update_many()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(C::Id.eq(id.uuid()))
        .filter(left)
        .col_expr(C::Redeemed, Expr::col(C::Redeemed).add(1_i64))
        .exec(tx)
        .await?;
    Ok(())
}

fn refused(detail: &str) -> Error {
    Refusal::new(RefusalKind::Unprocessable, "promo_code_invalid", detail).at("/promo_code").into()
}

/// The form in which codes are kept and compared.
fn normal(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    let plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    ((3..=40).contains(&code.len()) && code.bytes().all(plain)).then_some(code)
}

fn check(new: &NewPromotion) -> Result<()> {
    match (new.percent_bps, new.amount_off) {
        (Some(bps), None) if (1..=WHOLE).contains(&bps) => {}
        (Some(_), None) => return Err(Error::invalid("/percent_bps", "must be between 1 and 10000")),
        (None, Some(money)) if money.minor > 0 && money.minor % money.currency.step() == 0 => {}
        (None, Some(_)) => {
            return Err(Error::invalid("/amount_off", "must be an amount that can be charged"));
        }
        _ => return Err(Error::invalid("/percent_bps", "or amount_off must be given, one of the two")),
    }
    if new.min_subtotal.is_some_and(|least| least < 0) {
        return Err(Error::invalid("/min_subtotal", "must not be negative"));
    }
    if new.max_redemptions.is_some_and(|most| most < 1) {
        return Err(Error::invalid("/max_redemptions", "must be at least 1"));
    }
    if let (Some(from), Some(to)) = (new.starts_at, new.ends_at)
        && to <= from
    {
        return Err(Error::invalid("/ends_at", "must be after starts_at"));
    }
    Ok(())
}

fn promotion(row: &promotions::Model) -> Result<Promotion> {
    let discount = match (row.percent_bps, amount_off(row)?) {
        (Some(bps), None) => Discount::Percent(bps),
        (None, Some(money)) => Discount::Amount(money),
        _ => return Err(Error::Corrupt(format!("promotion {} takes nothing off", row.id))),
    };
    Ok(Promotion {
        discount,
        active: row.active,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        min_subtotal: row.min_subtotal,
    })
}

fn amount_off(row: &promotions::Model) -> Result<Option<Money>> {
    match (row.amount_off, row.currency.as_deref()) {
        (Some(minor), Some(code)) => Ok(Some(Money::new(minor, stored("promotions.currency", code)?))),
        _ => Ok(None),
    }
}

fn view(row: promotions::Model) -> Result<PromotionView> {
    Ok(PromotionView {
        id: row.id.into(),
        amount_off: amount_off(&row)?,
        code: row.code,
        percent_bps: row.percent_bps,
        min_subtotal: row.min_subtotal,
        max_redemptions: row.max_redemptions,
        redeemed: row.redeemed,
        active: row.active,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        created_at: row.created_at,
    })
}
