//! SQL of chat, as methods on the tenant's transaction.

pub mod messages;
pub mod runs;
pub mod sessions;
