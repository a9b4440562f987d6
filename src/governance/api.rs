//! HTTP of governance.

mod audit_events;
mod export;

pub use audit_events::AuditEventsApi;
