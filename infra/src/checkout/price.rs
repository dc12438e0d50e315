//! What a basket is and costs, read under the slots' lock.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use souk_domain::checkout::{Quote, QuoteError, QuoteLine, quote, subtotal};
use souk_domain::confirm::SlotView;
use souk_domain::gateway::{Capabilities, CheckoutLine, CheckoutRequest};
use souk_domain::ids::{OrderId, PaymentId, PromotionId, SellerId, SlotId};
use souk_domain::money::Money;
use souk_domain::payment::{CaptureMode, ChargeModel, UiMode};
use souk_domain::people::Scope;
use uuid::Uuid;

use super::{Basket, buyer, order_page};
use crate::db::Tx;
use crate::entity::{connected_accounts, listings, sellers, slots, users};
use crate::error::{Error, Refusal, RefusalKind, Result, stored};
use crate::people::order_token;
use crate::souk::Souk;
use crate::tenants::Tenant;
use crate::{fees, promotions};

pub(super) struct PricedLine {
    pub(super) quote: QuoteLine,
    pub(super) title: String,
    pub(super) starts_at: DateTime<Utc>,
    pub(super) timezone: String,
}

/// A basket with everything that is frozen on its order.
pub(super) struct Priced {
    pub(super) lines: Vec<PricedLine>,
    pub(super) quote: Quote,
    pub(super) seller: SellerId,
    pub(super) account: String,
    pub(super) charge_model: ChargeModel,
    pub(super) capture: CaptureMode,
    pub(super) promotion: Option<(PromotionId, String)>,
    pub(super) email: Option<String>,
    pub(super) hold_expires_at: DateTime<Utc>,
    session_expires_at: DateTime<Utc>,
    provider_codes: bool,
    tenant: Tenant,
}

pub(super) async fn price(
    tx: &Tx,
    scope: &Scope,
    tenant: &Tenant,
    basket: &Basket,
    locked: &BTreeMap<SlotId, SlotView>,
    can: &Capabilities,
    now: DateTime<Utc>,
) -> Result<Priced> {
    let (lines, capture) = load_lines(tx, scope, basket, locked, now).await?;
    let seller = only_seller(&lines)?;
    let (charge_model, account) = selling_account(tx, scope, tenant, seller).await?;
    if !can.charge_models.contains(&charge_model) {
        return Err(Error::unprocessable(
            "charge_model_unsupported",
            "This seller's charge model can't be used yet.",
        ));
    }
    let quotes: Vec<QuoteLine> = lines.iter().map(|line| line.quote.clone()).collect();
    let (currency, _, sum) = subtotal(&quotes).map_err(refuse)?;
    let mut discount = 0;
    let mut promotion = None;
    if let Some(code) = &basket.promo_code {
        let redeemed =
            promotions::redeem(tx.connection(), scope, code, Money::new(sum, currency), now).await?;
        discount = redeemed.discount.minor;
        promotion = Some((redeemed.id, redeemed.code));
    }
    let schedule = fees::in_effect(tx.connection(), scope, Some(seller), currency, now).await?;
    let quote = quote(&quotes, discount, &schedule).map_err(refuse)?;
    let hold_expires_at = now + Duration::seconds(tenant.hold_seconds);
    Ok(Priced {
        lines,
        quote,
        seller,
        account,
        charge_model,
        capture,
        promotion,
        email: email(tx, scope, basket).await?,
        hold_expires_at,
        session_expires_at: allowed_expiry(hold_expires_at, now, can),
        provider_codes: tenant.provider_codes && discount == 0 && can.promotion_codes_on_page,
        tenant: tenant.clone(),
    })
}

async fn load_lines(
    tx: &Tx,
    scope: &Scope,
    basket: &Basket,
    locked: &BTreeMap<SlotId, SlotView>,
    now: DateTime<Utc>,
) -> Result<(Vec<PricedLine>, CaptureMode)> {
    let tenant = scope.tenant.uuid();
    let rows = slots::Entity::find()
        .filter(slots::Column::TenantId.eq(tenant))
        .filter(slots::Column::Id.is_in(basket.items.iter().map(|(slot, _)| slot.uuid())))
        .all(tx.connection())
        .await?;
    let rows: HashMap<Uuid, slots::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let listing_rows = listings::Entity::find()
        .filter(listings::Column::TenantId.eq(tenant))
        .filter(listings::Column::Id.is_in(rows.values().map(|row| row.listing_id)))
        .all(tx.connection())
        .await?;
    let listing_rows: HashMap<Uuid, listings::Model> =
        listing_rows.into_iter().map(|row| (row.id, row)).collect();
    let mut lines: Vec<PricedLine> = Vec::new();
    let mut capture = CaptureMode::Automatic;
    for (index, (slot, quantity)) in basket.items.iter().enumerate() {
        let pointer = format!("/items/{index}/slot_id");
        let unknown =
            || Refusal::new(RefusalKind::NotFound, "slot_not_found", "There is no such slot.").at(&pointer);
        let row = rows.get(&slot.uuid()).ok_or_else(unknown)?;
        let listing = listing_rows
            .get(&row.listing_id)
            .filter(|listing| listing.status == "active")
            .ok_or_else(unknown)?;
        if !locked.get(slot).is_some_and(|view| view.open) || row.starts_at <= now {
            let refusal =
                Refusal::new(RefusalKind::Conflict, "slot_not_on_sale", "This slot is over or called off.");
            return Err(refusal.at(&pointer).with("slot_id", slot.to_string()).into());
        }
        if lines.iter().any(|line| line.quote.slot == *slot) {
            let refusal = Refusal::new(RefusalKind::Invalid, "invalid_field", "Each slot may be named once.");
            return Err(refusal.at(&pointer).into());
        }
        if listing.capture == CaptureMode::OnConfirmation.as_str() {
            capture = CaptureMode::OnConfirmation;
        }
        lines.push(PricedLine {
            quote: QuoteLine {
                slot: *slot,
                listing: row.listing_id.into(),
                seller: row.seller_id.into(),
                unit_price: Money::new(listing.price, stored("listings.currency", &listing.currency)?),
                quantity: *quantity,
            },
            title: listing.title.clone(),
            starts_at: row.starts_at,
            timezone: row.timezone.clone(),
        });
    }
    Ok((lines, capture))
}

fn only_seller(lines: &[PricedLine]) -> Result<SellerId> {
    let first = lines.first().ok_or_else(|| refuse(QuoteError::Lines))?.quote.seller;
    if lines.iter().all(|line| line.quote.seller == first) {
        Ok(first)
    } else {
        Err(Error::unprocessable("mixed_basket", "All items of one order must be of one seller."))
    }
}

/// The seller's charge model and connected account, if it may sell now.
async fn selling_account(
    tx: &Tx,
    scope: &Scope,
    tenant: &Tenant,
    seller: SellerId,
) -> Result<(ChargeModel, String)> {
    let not_selling = || Error::conflict("seller_not_active", "This seller can't sell at the moment.");
    let row = sellers::Entity::find_by_id((scope.tenant.uuid(), seller.uuid())).one(tx.connection()).await?;
    let row = row.filter(|row| row.status == "active").ok_or_else(not_selling)?;
    let charge_model = match &row.charge_model {
        Some(text) => stored("sellers.charge_model", text)?,
        None => tenant.charge_model,
    };
    let key = (scope.tenant.uuid(), seller.uuid(), "stripe".to_owned());
    let account =
        connected_accounts::Entity::find_by_id(key).one(tx.connection()).await?.ok_or_else(not_selling)?;
    Ok((charge_model, account.account))
}

async fn email(tx: &Tx, scope: &Scope, basket: &Basket) -> Result<Option<String>> {
    if let Some(email) = &basket.email {
        return Ok(Some(email.clone()));
    }
    let Some(user) = buyer(scope) else { return Ok(None) };
    let row = users::Entity::find_by_id((scope.tenant.uuid(), user.uuid())).one(tx.connection()).await?;
    Ok(row.map(|row| row.email))
}

fn refuse(error: QuoteError) -> Error {
    match error {
        QuoteError::Lines => Error::invalid("/items", error),
        QuoteError::Quantity => Error::invalid("/items", error),
        QuoteError::MixedCurrencies => Error::unprocessable("mixed_currencies", format!("{error}.")),
        QuoteError::BelowMinimum(_) => Error::unprocessable("amount_too_small", format!("{error}.")),
        QuoteError::AboveMaximum => Error::unprocessable("amount_too_large", format!("{error}.")),
    }
}

/// Keeps a checkout's end within what the provider allows, with a margin for clocks that differ. Where that is later
/// than the hold, souk's own job ends the session.
fn allowed_expiry(wanted: DateTime<Utc>, now: DateTime<Utc>, can: &Capabilities) -> DateTime<Utc> {
    let margin = Duration::minutes(2);
    let bound =
        |length: std::time::Duration| now + Duration::seconds(i64::try_from(length.as_secs()).unwrap_or(0));
    wanted.clamp(bound(can.shortest_checkout) + margin, bound(can.longest_checkout) - margin)
}

impl Priced {
    /// What will be asked of the provider.
    pub(super) fn request(
        &self,
        souk: &Souk,
        scope: &Scope,
        order: OrderId,
        payment: PaymentId,
        basket: &Basket,
    ) -> Result<CheckoutRequest> {
        let token = order_token::issue(&souk.settings.jwt_secret, scope.tenant, order);
        let page = order_page(&self.tenant, order, &token);
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let zone: chrono_tz::Tz = stored("slots.timezone", &line.timezone)?;
            let local = line.starts_at.with_timezone(&zone);
            lines.push(CheckoutLine {
                title: line.title.clone(),
                description: format!("{} ({})", local.format("%a %-d %b %Y, %H:%M"), line.timezone),
                unit_price: line.quote.unit_price.minor,
                quantity: line.quote.quantity,
            });
        }
        let code = self.promotion.as_ref().map(|(_, code)| code.clone());
        let discount = code.filter(|_| self.quote.discount > 0).map(|code| (self.quote.discount, code));
        let sum = basket
            .success_url
            .clone()
            .unwrap_or_else(|| format!("{page}&session_id={{CHECKOUT_SESSION_ID}}"));
        Ok(CheckoutRequest {
            payment,
            order,
            charge_model: self.charge_model,
            account: self.account.clone(),
            currency: self.quote.currency,
            lines,
            discount,
            total: self.quote.total,
            application_fee: self.quote.application_fee,
            capture: if self.quote.total == 0 { CaptureMode::Automatic } else { self.capture },
            ui_mode: basket.ui_mode,
            promotion_codes_on_page: self.provider_codes,
            email: self.email.clone(),
            success_url: if basket.ui_mode == UiMode::Hosted {
                sum
            } else {
                basket.success_url.clone().unwrap_or(page.clone())
            },
            cancel_url: basket.cancel_url.clone().unwrap_or(page),
            expires_at: self.session_expires_at,
        })
    }
}
