//! Who holds which role, in the tenant or at a seller.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use souk_domain::ids::{MembershipId, UserId};
use souk_domain::people::{Membership, Scope};

use crate::entity::memberships as table;
use crate::error::{Error, Result, stored};
use crate::souk::Souk;

/// The roles of a person, the oldest first. Read anew for each request, so that a role taken away is gone at once.
pub async fn memberships(souk: &Souk, scope: &Scope, user: UserId) -> Result<Vec<Membership>> {
    let rows = table::Entity::find()
        .filter(table::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(table::Column::UserId.eq(user.uuid()))
        .order_by_asc(table::Column::Id)
        .all(souk.db.read(scope))
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Membership {
                role: stored("memberships.role", &row.role)?,
                seller_id: row.seller_id.map(Into::into),
            })
        })
        .collect()
}

/// Gives a person a role. A role held already is a conflict (`membership_exists`); a seller's role without a seller,
/// or the other way round, is refused.
pub async fn add_membership<C: ConnectionTrait>(
    db: &C,
    scope: &Scope,
    now: DateTime<Utc>,
    user: UserId,
    membership: Membership,
) -> Result<()> {
    if membership.role.is_of_seller() != membership.seller_id.is_some() {
        return Err(Error::invalid(
            "/role",
            "does not fit: a seller's role needs a seller, others have none",
        ));
    }
    let row = table::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(MembershipId::new().uuid()),
        user_id: Set(user.uuid()),
        role: Set(membership.role.to_string()),
        seller_id: Set(membership.seller_id.map(Into::into)),
        created_at: Set(now),
    };
    table::Entity::insert(row).exec_without_returning(db).await.map_err(|error| {
        let error = Error::from(error);
        if error.is_unique_violation() {
            Error::conflict("membership_exists", "This person has a role there already.")
        } else {
            error
        }
    })?;
    Ok(())
}
