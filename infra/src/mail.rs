//! What souk says to buyers. A mail is written once per order and kind; here it is kept in a table, from which the
//! demo shows it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_domain::ids::OrderId;
use souk_domain::people::Scope;
use uuid::Uuid;

use crate::entity::mails;
use crate::error::{Result, stored};
use crate::orders::{self, OrderShown};
use crate::page::{Listed, Page};
use crate::people::order_token;
use crate::souk::Souk;
use crate::{checkout, tenants};

/// Tells the buyer that the order is paid, or that it could not be fulfilled and the money is on its way back.
pub async fn order(souk: &Souk, scope: &Scope, order: OrderId) -> Result<()> {
    let (shown, email) = orders::with_email(souk, scope, order).await?;
    let Some(recipient) = email else { return Ok(()) };
    let tenant = tenants::by_id(souk, scope.tenant).await?;
    let (kind, subject, lead) = match shown.status.as_str() {
        "paid" => {
            ("order_paid", format!("Your booking at {}", tenant.name), "Thank you. Your places are booked.")
        }
        "unfulfillable" => (
            "order_unfulfillable",
            format!("Your order at {} could not be fulfilled", tenant.name),
            "We are sorry: the last places were gone when your payment arrived. You get all of your money back.",
        ),
        _ => return Ok(()),
    };
    let token = order_token::issue(&souk.settings.jwt_secret, scope.tenant, order);
    let body = format!(
        "{lead}\n\n{}\nYour order: {}\n",
        lines(&shown)?,
        checkout::order_page(&tenant, order, &token)
    );
    let row = mails::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(Uuid::now_v7()),
        kind: Set(kind.to_owned()),
        subject_ref: Set(order.to_string()),
        recipient: Set(recipient),
        subject: Set(subject),
        body: Set(body),
        created_at: Set(souk.clock.now()),
    };
    use mails::Column as C;
    let once = OnConflict::columns([C::TenantId, C::Kind, C::SubjectRef]).do_nothing().to_owned();
    mails::Entity::insert(row).on_conflict(once).exec_without_returning(souk.db.read(scope)).await?;
    Ok(())
}

/// A mail as admins see it.
#[derive(Debug, Clone)]
pub struct MailShown {
    /// For the next part of the list.
    pub id: Uuid,
    /// To whom.
    pub recipient: String,
    /// Its subject line.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// A tenant's mails, the newest first.
pub async fn list(souk: &Souk, scope: &Scope, page: Page) -> Result<Listed<MailShown>> {
    use mails::Column as C;
    let mut query = mails::Entity::find().filter(C::TenantId.eq(scope.tenant.uuid()));
    if let Some(after) = page.after {
        query = query.filter(C::Id.lt(after));
    }
    let rows = query.order_by_desc(C::Id).limit(page.limit + 1).all(souk.db.read(scope)).await?;
    let show = |row: mails::Model| MailShown {
        id: row.id,
        recipient: row.recipient,
        subject: row.subject,
        body: row.body,
        created_at: row.created_at,
    };
    Ok(Listed::cut(rows, page).map(show))
}

fn lines(order: &OrderShown) -> Result<String> {
    let mut text = String::new();
    for line in &order.lines {
        let zone: chrono_tz::Tz = stored("order_lines.timezone", &line.timezone)?;
        let when = line.starts_at.with_timezone(&zone).format("%A %-d %B %Y, %H:%M");
        let _ =
            writeln!(text, "{} x {}, {when} ({}), {}", line.quantity, line.title, line.timezone, line.total);
    }
    let _ = writeln!(text, "Total: {}", order.total);
    Ok(text)
}
