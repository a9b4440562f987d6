//! HTTP of governance.

mod audit_events;
mod export;
mod platform_quotas;
mod quota_names;
mod quota_views;
mod quotas;
mod usage;

pub use audit_events::AuditEventsApi;
pub use platform_quotas::PlatformQuotasApi;
pub use quotas::QuotasApi;
pub use usage::UsageApi;
