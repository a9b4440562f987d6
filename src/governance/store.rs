//! Rows of governance: each file adds its SQL to the transactions of `db`.

pub mod audit_events;
pub mod flags;
pub mod models;
pub mod quota_amounts;
pub mod quota_enrichment;
pub mod quota_settlement;
pub mod quota_use;
pub mod quotas;
