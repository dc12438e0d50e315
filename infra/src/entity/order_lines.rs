//! Rows of `order_lines`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    pub slot_id: Uuid,
    pub listing_id: Uuid,
    pub seller_id: Uuid,
    pub title: String,
    pub starts_at: DateTimeUtc,
    pub timezone: String,
    pub quantity: i64,
    pub unit_price: i64,
    pub total: i64,
    pub discount: i64,
    pub application_fee: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
