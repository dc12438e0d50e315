//! Sessions: a login's chain of refresh tokens. The token rotates at each use and only the newest one is good; any
//! other token that names the session is a sign that it was copied, and ends the session for everybody.

use chrono::{DateTime, Duration, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use souk_domain::ids::{SessionId, UserId};
use souk_domain::people::Scope;
use uuid::Uuid;

use super::users::{self, User};
use super::{secret, tokens};
use crate::entity::sessions as table;
use crate::error::{Refusal, RefusalKind, Result};
use crate::souk::Souk;

/// How long a refresh token is good, in days.
pub const REFRESH_DAYS: i64 = 30;

/// What a person gets at login and at each refresh.
pub struct Issued {
    /// Who it is.
    pub user: User,
    /// The session.
    pub session: SessionId,
    /// A JWT.
    pub access_token: String,
    /// Good once.
    pub refresh_token: String,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
}

/// A refresh token: `rt_<session>_<256 random bits>`. The secret's hash alone is stored.
struct RefreshToken {
    session: SessionId,
    secret: String,
}

impl RefreshToken {
    fn new(session: SessionId) -> Self {
        Self { session, secret: secret::random() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.strip_prefix("rt_")?.split_once('_')?;
        if session.len() != 32 || secret.len() != 43 {
            return None;
        }
        Some(Self { session: Uuid::try_parse(session).ok()?.into(), secret: secret.to_owned() })
    }

    fn text(&self) -> String {
        format!("rt_{}_{}", self.session.uuid().simple(), self.secret)
    }

    fn hash(&self) -> String {
        secret::hash(&self.secret)
    }
}

/// Opens a session for a person whose password was right.
pub async fn open(souk: &Souk, scope: &Scope, user: User) -> Result<Issued> {
    let now = souk.clock.now();
    let token = RefreshToken::new(SessionId::new());
    let row = table::ActiveModel {
        tenant_id: Set(scope.tenant.uuid()),
        id: Set(token.session.uuid()),
        user_id: Set(user.id.uuid()),
        token_hash: Set(token.hash()),
        created_at: Set(now),
        rotated_at: Set(now),
        expires_at: Set(expiry(now)),
        revoked_at: Set(None),
    };
    table::Entity::insert(row).exec_without_returning(souk.db.read(scope)).await?;
    issue(souk, scope, user, &token, now)
}

/// Exchanges a refresh token for new tokens. Of two uses of one token at the same time one wins; the other revokes
/// the session, as every use of a token that is not the newest does.
pub async fn refresh(souk: &Souk, scope: &Scope, token: &str) -> Result<Issued> {
    let Some(old) = RefreshToken::parse(token) else { return Err(refused()) };
    let now = souk.clock.now();
    let next = RefreshToken::new(old.session);
    let db = souk.db.read(scope);
    let rotated = table::Entity::update_many()
        .col_expr(table::Column::TokenHash, Expr::value(next.hash()))
        .col_expr(table::Column::RotatedAt, Expr::value(now))
        .col_expr(table::Column::ExpiresAt, Expr::value(expiry(now)))
        .filter(table::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(table::Column::Id.eq(old.session.uuid()))
        .filter(table::Column::TokenHash.eq(old.hash()))
        .filter(table::Column::RevokedAt.is_null())
        .filter(table::Column::ExpiresAt.gt(now))
        .exec(db)
        .await?;
    if rotated.rows_affected != 1 {
        let reused = revoke_where(souk, scope, old.session, table::Column::TokenHash.ne(old.hash())).await?;
        if reused {
            tracing::warn!(session = %old.session, "a refresh token was used twice; its session is revoked");
        }
        return Err(refused());
    }
    let row = table::Entity::find_by_id((scope.tenant.uuid(), old.session.uuid())).one(db).await?;
    let Some(row) = row else { return Err(refused()) };
    let user = users::by_id(souk, scope, row.user_id.into()).await?.ok_or_else(refused)?;
    issue(souk, scope, user, &next, now)
}

/// Ends the session that the refresh token belongs to. A token that is no longer good ends it as well; one that never
/// was changes nothing. Repeating it is harmless.
pub async fn revoke(souk: &Souk, scope: &Scope, token: &str) -> Result<()> {
    if let Some(token) = RefreshToken::parse(token) {
        revoke_session(souk, scope, token.session).await?;
    }
    Ok(())
}

/// Ends a session.
pub async fn revoke_session(souk: &Souk, scope: &Scope, session: SessionId) -> Result<()> {
    revoke_where(souk, scope, session, table::Column::Id.eq(session.uuid())).await.map(|_| ())
}

/// Whether the session of an access token is still open and this person's: a logout counts at once, not only when
/// the access token's time is over.
pub async fn is_open(souk: &Souk, scope: &Scope, session: SessionId, user: UserId) -> Result<bool> {
    let row =
        table::Entity::find_by_id((scope.tenant.uuid(), session.uuid())).one(souk.db.read(scope)).await?;
    Ok(row.is_some_and(|row| row.user_id == user.uuid() && row.revoked_at.is_none()))
}

async fn revoke_where(
    souk: &Souk,
    scope: &Scope,
    session: SessionId,
    condition: sea_orm::sea_query::SimpleExpr,
) -> Result<bool> {
    let done = table::Entity::update_many()
        .col_expr(table::Column::RevokedAt, Expr::value(souk.clock.now()))
        .filter(table::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(table::Column::Id.eq(session.uuid()))
        .filter(table::Column::RevokedAt.is_null())
        .filter(condition)
        .exec(souk.db.read(scope))
        .await?;
    Ok(done.rows_affected > 0)
}

fn issue(souk: &Souk, scope: &Scope, user: User, token: &RefreshToken, now: DateTime<Utc>) -> Result<Issued> {
    let access = tokens::Access { tenant: scope.tenant, user: user.id, session: token.session };
    Ok(Issued {
        access_token: tokens::issue(&souk.settings.jwt_secret, access, now)?,
        refresh_token: token.text(),
        session: token.session,
        expires_in: tokens::LIFETIME,
        user,
    })
}

fn expiry(now: DateTime<Utc>) -> DateTime<Utc> {
    now + Duration::days(REFRESH_DAYS)
}

fn refused() -> crate::Error {
    Refusal::new(RefusalKind::Unauthenticated, "invalid_refresh_token", "Log in again.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_text_round_trips_and_nonsense_is_nothing() {
        let token = RefreshToken::new(SessionId::new());
        let read = RefreshToken::parse(&token.text()).unwrap();
        assert_eq!((read.session, read.secret), (token.session, token.secret));
        for bad in ["", "rt_", "rt_abc_def", "rt_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz_", &token_like_but_short()]
        {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    fn token_like_but_short() -> String {
        format!("rt_{}_{}", SessionId::new().uuid().simple(), "x".repeat(42))
    }
}
