//! Rows of `webhook_events`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider: String,
    pub endpoint: String,
    pub provider_event: String,
    #[sea_orm(column_name = "type")]
    pub event_type: String,
    pub account: Option<String>,
    pub livemode: bool,
    pub api_version: Option<String>,
    pub body: String,
    pub status: String,
    pub reason: Option<String>,
    pub attempts: i64,
    pub run_at: DateTimeUtc,
    pub occurred_at: DateTimeUtc,
    pub received_at: DateTimeUtc,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
