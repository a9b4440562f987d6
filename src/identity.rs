//! Who asks, and what they may do: credentials, actors, roles.

mod actor;
pub mod api;
mod create_api_key;
mod credential;
mod policy;
mod store;
mod verify_credential;

pub use actor::Actor;
pub use create_api_key::{CreateApiKeyError, CreatedApiKey, NewApiKey, create_api_key};
pub use credential::Credential;
pub use policy::{Action, Role, Scope};
pub use store::api_keys::ApiKey;
pub use verify_credential::{Denied, Verifier};
