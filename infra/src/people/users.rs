//! Logins: one per e-mail address and tenant.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use souk_domain::ids::UserId;
use souk_domain::people::Scope;
use souk_domain::text;

use super::password;
use crate::entity::users as table;
use crate::error::{Error, Result};
use crate::souk::Souk;

/// A person's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Folded: trimmed and lower case.
    pub email: String,
    /// As the person gave it.
    pub name: Option<String>,
}

/// A login about to be made: checked, and its password hashed.
pub struct NewUser {
    email: String,
    name: Option<String>,
    password_hash: String,
}

impl NewUser {
    /// Checks and hashes. Takes tens of milliseconds, so call it before a transaction is opened.
    pub async fn prepare(email: &str, password: &str, name: Option<&str>) -> Result<Self> {
        let email = text::email(email).map_err(|e| Error::invalid("/email", e))?;
        let name = name
            .map(|name| text::bounded(name, 1, 120).map_err(|e| Error::invalid("/name", e)))
            .transpose()?;
        password::check(password)?;
        Ok(Self { email, name, password_hash: password::hash(password).await? })
    }

    /// Writes the login. An address that has one already is a conflict (`email_taken`).
    pub async fn insert<C: ConnectionTrait>(self, db: &C, scope: &Scope, now: DateTime<Utc>) -> Result<User> {
        let user = User { id: UserId::new(), email: self.email, name: self.name };
        let row = table::ActiveModel {
            tenant_id: Set(scope.tenant.uuid()),
            id: Set(user.id.uuid()),
            email: Set(user.email.clone()),
            name: Set(user.name.clone()),
            password_hash: Set(self.password_hash),
            created_at: Set(now),
        };
        table::Entity::insert(row).exec_without_returning(db).await.map_err(|error| {
            let error = Error::from(error);
            if error.is_unique_violation() {
                Error::conflict("email_taken", "There is a login with this e-mail address already.")
            } else {
                error
            }
        })?;
        Ok(user)
    }
}

/// Makes a login.
pub async fn register(
    souk: &Souk,
    scope: &Scope,
    email: &str,
    password: &str,
    name: Option<&str>,
) -> Result<User> {
    let new = NewUser::prepare(email, password, name).await?;
    let tx = souk.db.begin(scope).await?;
    let user = new.insert(&*tx, scope, souk.clock.now()).await?;
    tx.commit().await?;
    Ok(user)
}

/// The person with this address and password; nobody otherwise, after the same time either way.
pub async fn authenticate(souk: &Souk, scope: &Scope, email: &str, password: &str) -> Result<Option<User>> {
    let row = match text::email(email) {
        Ok(email) => by_email_row(souk, scope, &email).await?,
        Err(_) => None,
    };
    let right = password::verify(password, row.as_ref().map(|row| row.password_hash.as_str())).await?;
    Ok(row.filter(|_| right).map(from_row))
}

/// The login with this address, if there is one.
pub async fn by_email(souk: &Souk, scope: &Scope, email: &str) -> Result<Option<User>> {
    let Ok(email) = text::email(email) else { return Ok(None) };
    Ok(by_email_row(souk, scope, &email).await?.map(from_row))
}

/// A login by its id.
pub async fn by_id(souk: &Souk, scope: &Scope, id: UserId) -> Result<Option<User>> {
    let row = table::Entity::find_by_id((scope.tenant.uuid(), id.uuid())).one(souk.db.read(scope)).await?;
    Ok(row.map(from_row))
}

async fn by_email_row(souk: &Souk, scope: &Scope, email: &str) -> Result<Option<table::Model>> {
    Ok(table::Entity::find()
        .filter(table::Column::TenantId.eq(scope.tenant.uuid()))
        .filter(table::Column::Email.eq(email))
        .one(souk.db.read(scope))
        .await?)
}

fn from_row(row: table::Model) -> User {
    User { id: row.id.into(), email: row.email, name: row.name }
}
