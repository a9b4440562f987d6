//! SQL of tenancy.

pub mod tenants;
