//! Fee schedules: what the platform earns on an order, by tenant and by seller.
//!
//! A schedule is never changed, only followed by a newer one, so that an order's fee can be explained years later.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde::Serialize;
use serde_json::json;
use souk_domain::fee::FeeSchedule;
use souk_domain::ids::{FeeScheduleId, SellerId};
use souk_domain::money::{Currency, Money};
use souk_domain::people::Scope;

use crate::audit;
use crate::entity::fee_schedules;
use crate::error::{Error, Result, stored};
use crate::sellers;
use crate::souk::Souk;
use crate::tenants;

/// A schedule to put into effect now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewFeeSchedule {
    /// The rate in basis points, 0 to 10,000.
    pub fee_bps: i64,
    /// Added to the rate's share, in the tenant's currency.
    pub fixed: Option<Money>,
    /// The fee is at least this, in the tenant's currency.
    pub min: Option<Money>,
    /// The fee is at most this, in the tenant's currency.
    pub max: Option<Money>,
}

/// A schedule as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeeScheduleView {
    /// The seller that it is for; `null` for the tenant's default.
    pub seller_id: Option<SellerId>,
    /// The rate in basis points.
    pub fee_bps: i64,
    /// Added to the rate's share.
    pub fixed: Money,
    /// The fee is at least this.
    pub min: Option<Money>,
    /// The fee is at most this.
    pub max: Option<Money>,
    /// From when it holds; `null` where nothing was ever set.
    pub effective_from: Option<DateTime<Utc>>,
}

/// The tenant's default.
pub async fn get_default(souk: &Souk, scope: &Scope) -> Result<FeeScheduleView> {
    let row = newest(souk.db.read(scope), scope, None, souk.clock.now()).await?;
    show(souk, scope, row).await
}

/// What holds for a seller: its own schedule, or else the tenant's default (whose `seller_id` is `null`).
pub async fn get_for_seller(souk: &Souk, scope: &Scope, seller: SellerId) -> Result<FeeScheduleView> {
    let db = souk.db.read(scope);
    sellers::load(db, scope, seller).await?;
    let row = newest(db, scope, Some(seller), souk.clock.now()).await?;
    show(souk, scope, row).await
}

/// Puts a new default into effect, for orders made from now on.
pub async fn set_default(souk: &Souk, scope: &Scope, new: NewFeeSchedule) -> Result<FeeScheduleView> {
    set(souk, scope, None, new).await
}

/// Puts a seller's own schedule into effect, for orders made from now on.
pub async fn set_for_seller(
    souk: &Souk,
    scope: &Scope,
    seller: SellerId,
    new: NewFeeSchedule,
) -> Result<FeeScheduleView> {
    sellers::load(souk.db.read(scope), scope, seller).await?;
    set(souk, scope, Some(seller), new).await
}

/// The schedule for an order in `currency` made at `at`: the seller's own, or else the tenant's default, or else no
/// fee. Without a seller (an order of several) it is the default. The fixed parts are amounts of one currency; on an
/// order in another only the rate applies.
pub async fn in_effect<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    seller: Option<SellerId>,
    currency: Currency,
    at: DateTime<Utc>,
) -> Result<FeeSchedule> {
    let Some(row) = newest(db, scope, seller, at).await? else { return Ok(FeeSchedule::NONE) };
    if stored::<Currency>("fee_schedules.currency", &row.currency)? == currency {
        Ok(FeeSchedule { fee_bps: row.fee_bps, fixed: row.fixed, min: row.min, max: row.max })
    } else {
        Ok(FeeSchedule { fee_bps: row.fee_bps, ..FeeSchedule::NONE })
    }
}

async fn newest<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    seller: Option<SellerId>,
    at: DateTime<Utc>,
) -> Result<Option<fee_schedules::Model>> {
    use fee_schedules::Column as C;
    let mut whose = Condition::any().add(C::SellerId.is_null());
    if let Some(seller) = seller {
        whose = whose.add(C::SellerId.eq(seller.uuid()));
    }
    let row = fee_schedules::Entity::find()
        .filter(C::TenantId.eq(scope.tenant.uuid()))
        .filter(whose)
        .filter(C::EffectiveFrom.lte(at))
        // False sorts before true: the seller's own come first.
        .order_by(Expr::col(C::SellerId).is_null(), Order::Asc)
        .order_by_desc(C::EffectiveFrom)
        .order_by_desc(C::Id)
        .one(db)
        .await?;
    Ok(row)
}

async fn set(
    souk: &Souk,
    scope: &Scope,
    seller: Option<SellerId>,
    new: NewFeeSchedule,
) -> Result<FeeScheduleView> {
    let currency = tenants::by_id(souk, scope.tenant).await?.currency;
    let schedule = FeeSchedule {
        fee_bps: new.fee_bps,
        fixed: amount("/fixed", new.fixed, currency)?.unwrap_or(0),
        min: amount("/min", new.min, currency)?,
        max: amount("/max", new.max, currency)?,
    };
    schedule.validate().map_err(|error| {
        use souk_domain::fee::InvalidFeeSchedule as Why;
        let pointer = match error {
            Why::Rate => "/fee_bps",
            Why::Negative => "/fixed",
            Why::MinAboveMax => "/min",
        };
        Error::invalid(pointer, error)
    })?;
    let now = souk.clock.now();
    let row = fee_schedules::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(FeeScheduleId::new().uuid()),
        seller_id: Set(seller.map(SellerId::uuid)),
        fee_bps: Set(schedule.fee_bps),
        fixed: Set(schedule.fixed),
        min: Set(schedule.min),
        max: Set(schedule.max),
        currency: Set(currency.code()),
        effective_from: Set(now),
        created_by: Set(scope.actor.parts().1),
        created_at: Set(now),
    };
    let tx = souk.db.begin(scope).await?;
    fee_schedules::Entity::insert(row).exec_without_returning(&*tx).await?;
    let subject = seller.map_or_else(|| scope.tenant.to_string(), |seller| seller.to_string());
    let detail = json!({ "schedule": schedule, "currency": currency });
    audit::record(&*tx, &souk.clock, scope, "fee_schedule.set", subject, detail).await?;
    tx.commit().await?;
    let money = |minor| Money::new(minor, currency);
    Ok(FeeScheduleView {
        seller_id: seller,
        fee_bps: schedule.fee_bps,
        fixed: money(schedule.fixed),
        min: schedule.min.map(money),
        max: schedule.max.map(money),
        effective_from: Some(now),
    })
}

fn amount(pointer: &str, money: Option<Money>, currency: Currency) -> Result<Option<i64>> {
    let Some(money) = money else { return Ok(None) };
    if money.currency != currency {
        return Err(Error::invalid(pointer, format!("must be in {currency}, the marketplace's currency")));
    }
    if money.minor < 0 || money.minor % currency.step() != 0 {
        let step = currency.step();
        return Err(Error::invalid(pointer, format!("must not be negative, and a multiple of {step}")));
    }
    Ok(Some(money.minor))
}

async fn show(souk: &Souk, scope: &Scope, row: Option<fee_schedules::Model>) -> Result<FeeScheduleView> {
    let Some(row) = row else {
        let currency = tenants::by_id(souk, scope.tenant).await?.currency;
        let fixed = Money::zero(currency);
        return Ok(FeeScheduleView {
            seller_id: None,
            fee_bps: 0,
            fixed,
            min: None,
            max: None,
            effective_from: None,
        });
    };
    let currency = stored("fee_schedules.currency", &row.currency)?;
    let money = |minor| Money::new(minor, currency);
    Ok(FeeScheduleView {
        seller_id: row.seller_id.map(SellerId::from),
        fee_bps: row.fee_bps,
        fixed: money(row.fixed),
        min: row.min.map(money),
        max: row.max.map(money),
        effective_from: Some(row.effective_from),
    })
}
