//! SQL of identity, as methods on the tenant's transaction.

pub mod api_keys;
