//! HTTP of identity.

mod api_keys;
mod caller;
mod me;

pub use api_keys::ApiKeysApi;
pub use caller::Caller;
pub use me::MeApi;
