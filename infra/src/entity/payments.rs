//! Rows of `payments`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    pub provider: String,
    pub status: String,
    pub charge_model: String,
    pub account: String,
    pub ui_mode: String,
    pub currency: String,
    pub amount: i64,
    pub refunded: i64,
    pub application_fee: i64,
    pub request: Json,
    pub session: Option<String>,
    pub provider_payment: Option<String>,
    pub checkout_url: Option<String>,
    pub client_secret_sealed: Option<String>,
    pub failure: Option<String>,
    pub expires_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
