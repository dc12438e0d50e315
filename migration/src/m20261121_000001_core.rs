//! The core schema: tenants, people, sellers, catalogue, orders, payments, inbox and jobs.

use sea_orm_migration::prelude::*;

/// The core schema.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261121_000001_core"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for script in [
            include_str!("core/tenants.sql"),
            include_str!("core/people.sql"),
            include_str!("core/sellers.sql"),
            include_str!("core/catalogue.sql"),
            include_str!("core/orders.sql"),
            include_str!("core/payments.sql"),
            include_str!("core/work.sql"),
        ] {
            crate::run(manager, script).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Custom("souk's migrations only go forward: they carry money records".to_owned()))
    }
}
