//! Who asks, and what they may do: credentials, actors, roles.

mod actor;
pub mod api;
mod begin_browser_session;
mod browser_cookie;
mod claim_grants;
mod create_api_key;
mod credential;
mod enter_tenant;
mod person;
mod policy;
mod store;
mod verify;

pub use actor::{Actor, Principal, RequestOrigin};
pub use begin_browser_session::{LoginFacts, begin_browser_session};
pub use browser_cookie::BrowserCookie;
pub use create_api_key::{CreateApiKeyError, CreatedApiKey, NewApiKey, create_api_key};
pub use credential::Credential;
pub use enter_tenant::{ProvenPerson, enter_tenant, list_tenants_of};
pub use person::{Identity, LOCAL};
pub use policy::{Action, Role, Scope};
pub use store::api_keys::ApiKey;
pub use store::members::{Member, Membership};
pub use verify::{Denied, Presented, Verifier, VerifierSettings};
