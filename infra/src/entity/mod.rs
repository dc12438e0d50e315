//! One module per table; what the columns mean is said in the migrations.
//!
//! Rows never leave `souk-infra` as they are: queries take a [`souk_domain::people::Scope`] and hand out domain
//! values or views.

#![allow(missing_docs, reason = "the columns are documented in the migrations")]

pub mod api_keys;
pub mod audit_log;
pub mod connected_accounts;
pub mod event_cursors;
pub mod fee_schedules;
pub mod idempotency_keys;
pub mod jobs;
pub mod listings;
pub mod mails;
pub mod memberships;
pub mod order_lines;
pub mod orders;
pub mod payment_receipts;
pub mod payments;
pub mod promotions;
pub mod refunds;
pub mod sellers;
pub mod sessions;
pub mod slot_holds;
pub mod slots;
pub mod tenant_gateways;
pub mod tenant_hosts;
pub mod tenants;
pub mod users;
pub mod webhook_events;
