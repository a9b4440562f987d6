//! HTTP of identity.

mod api_keys;
mod caller;
mod groups;
mod invitations;
mod me;
mod members;
mod names;
mod tenant;

pub use api_keys::ApiKeysApi;
pub use caller::Caller;
pub use groups::GroupsApi;
pub use invitations::InvitationsApi;
pub use me::MeApi;
pub use members::MembersApi;
pub use tenant::TenantApi;
