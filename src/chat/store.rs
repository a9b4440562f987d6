//! SQL of chat, as methods on the tenant's transaction.

pub mod assistants;
pub mod citations;
pub mod feedback;
pub mod messages;
pub mod retrievals;
pub mod run_events;
pub mod run_leases;
pub mod runs;
pub mod sessions;
pub mod summaries;
pub mod traces;
