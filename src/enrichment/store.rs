//! SQL of enrichment, as methods on the tenant's transaction.

pub mod calls;
pub mod jobs;
pub mod usage;
pub mod waits;
