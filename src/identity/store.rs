//! SQL of identity, as methods on the tenant's transaction.

pub mod api_keys;
pub mod browser_sessions;
pub mod claimed_members;
pub mod groups;
pub mod invitations;
pub mod local_accounts;
pub mod members;
pub mod operator_keys;
pub mod pending_logins;
