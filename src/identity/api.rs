//! HTTP of identity.

mod api_keys;
mod caller;
mod me;
mod names;

pub use api_keys::ApiKeysApi;
pub use caller::Caller;
pub use me::MeApi;
