//! SQL of sources, as methods on the tenant's transaction.

pub mod buckets;
pub mod canonicals;
pub mod files;
pub mod items;
pub mod leases;
pub mod pages;
pub mod runs;
pub mod sources;
