//! souk's database schema.
//!
//! One migration path for PostgreSQL and SQLite: the DDL is plain SQL that both understand, with the few type names
//! that differ written as `{uuid}`, `{time}` and `{json}`. A migration that has landed is never edited.

pub use sea_orm_migration::prelude::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

mod m20261121_000001_core;

/// Runs the migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261121_000001_core::Migration)]
    }
}

/// Runs a script of statements that end in `;` at the end of a line, with the type names of the database at hand.
/// Statements must be idempotent (`IF NOT EXISTS`): SQLite runs each migration outside a transaction.
async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let types = match manager.get_database_backend() {
        DbBackend::Postgres => [("{uuid}", "uuid"), ("{time}", "timestamptz"), ("{json}", "jsonb")],
        _ => [("{uuid}", "uuid_text"), ("{time}", "timestamp_with_timezone_text"), ("{json}", "jsonb_text")],
    };
    let script = types.iter().fold(script.to_owned(), |text, (name, sql)| text.replace(name, sql));
    for statement in script.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.execute_unprepared(statement).await?;
    }
    Ok(())
}
