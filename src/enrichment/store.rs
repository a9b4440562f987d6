//! SQL of enrichment, as methods on the tenant's transaction.

pub mod jobs;
pub mod usage;
