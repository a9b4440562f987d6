//! HTTP of identity.

mod acceptance_form;
mod api_keys;
mod browser_sessions;
mod caller;
mod cookies;
mod groups;
mod invitations;
mod login_form;
pub mod login_pages;
mod logins;
mod me;
mod members;
mod names;
mod operator;
mod platform_tenants;
mod tenant;
mod visitor;
mod widget_tokens;

pub use acceptance_form::{ACCEPTANCE_PATH, show_acceptance_form, submit_acceptance_form};
pub use api_keys::ApiKeysApi;
pub use browser_sessions::BrowserSessionsApi;
pub use caller::{Caller, Standing};
pub use groups::GroupsApi;
pub use invitations::InvitationsApi;
pub use login_form::{show_login_form, submit_login_form};
pub use logins::LoginsApi;
pub use me::MeApi;
pub use members::MembersApi;
pub use operator::OperatorCaller;
pub use platform_tenants::PlatformTenantsApi;
pub use tenant::TenantApi;
pub use widget_tokens::WidgetTokensApi;
