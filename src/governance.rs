//! What an organisation needs to trust the service: its audit log, read, exported and verified, its quotas, and the flags by
//! which the operator switches things off.

pub mod api;
mod export_audit;
mod flags;
mod note_reading;
mod quotas;
mod store;
mod verify_audit;

pub use flags::{Flag, FlagError, Flags};
pub use note_reading::note_reading;
pub use quotas::{
    Charged, Estimate, ExceededQuota, Measure, Period, QuotaLimits, QuotaWarning, Reservation,
    ReserveError, Subject, count_late_enrichment, estimated_tokens, reserve_enrichment,
    reserve_quota,
};
pub use store::audit_events::{AuditEvent, AuditFilter, AuditHead};
pub use store::models::{ModelPrice, PricedModel};
pub use store::quota_amounts::Observed;
pub use verify_audit::{Anchor, AuditVerdict, VerifyError, verify_audit};
