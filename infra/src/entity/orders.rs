//! Rows of `orders`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub status: String,
    pub review_reason: Option<String>,
    pub buyer_id: Option<Uuid>,
    pub email: Option<String>,
    pub seller_id: Option<Uuid>,
    pub charge_model: String,
    pub capture: String,
    pub provider_codes: bool,
    pub promotion_id: Option<Uuid>,
    pub promotion_code: Option<String>,
    pub currency: String,
    pub subtotal: i64,
    pub discount: i64,
    pub total: i64,
    pub application_fee: i64,
    pub refunded: i64,
    pub hold_expires_at: DateTimeUtc,
    pub paid_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
