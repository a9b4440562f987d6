//! What an organisation needs to trust the service: its audit log, read, exported and verified.

pub mod api;
mod export_audit;
mod note_reading;
mod store;
mod verify_audit;

pub use note_reading::note_reading;
pub use store::audit_events::{AuditEvent, AuditFilter, AuditHead};
pub use store::models::{ModelPrice, PricedModel};
pub use verify_audit::{Anchor, AuditVerdict, VerifyError, verify_audit};
