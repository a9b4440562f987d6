//! Who asks, and what they may do: credentials, actors, roles.

mod accept_invitation;
mod accounts;
mod actor;
pub mod api;
mod begin_browser_session;
mod browser_cookie;
mod browser_login;
mod change_api_key;
mod change_tenant;
mod claim_grants;
mod create_api_key;
mod credential;
mod email_address;
mod end_browser_session;
mod enter_tenant;
mod invitation_link;
mod invite_member;
mod issue_api_key;
mod key_rights;
mod limited_action;
mod manage_group;
mod manage_member;
mod may_grant_role;
mod operate_tenants;
mod operator_key;
mod passwords;
mod person;
mod places;
mod policy;
mod rotate_api_key;
mod secret;
mod shared_throttle;
mod store;
mod throttle;
mod verify;
mod widget_token;

pub use accept_invitation::{
    AcceptError, InvitationProof, Newcomer, accept_invitation, find_open_invitation,
};
pub use accounts::{
    AcceptWithPasswordError, Acceptance, AccountSettings, Accounts, ChangePassword,
    ChangePasswordError, CreateLocalMemberError, CreatedLocalMember, LogInError, LoginAttempt,
    NewLocalMember, ResetPasswordError, create_local_member, login_name, reset_password,
};
pub use actor::{Actor, Principal, RequestOrigin};
pub use begin_browser_session::{LoginFacts, begin_browser_session};
pub use browser_cookie::BrowserCookie;
pub use browser_login::{
    BegunLogin, BrowserLoginSettings, BrowserLogins, CALLBACK_PATH, Callback, Chosen,
    DEFAULT_RETURN_PATH, EnteredTenant, ExchangeError, FULL_RETRY_SECONDS, FinishedLogin,
    LoginFault, LoginWish, PENDING_LIFETIME, PENDING_MOST, TenantChoice, return_path,
};
pub use change_api_key::{KeyChange, change_api_key, revoke_api_key};
pub use change_tenant::{ChangeTenantError, TenantChange, change_tenant};
pub use create_api_key::{CreateApiKeyError, CreatedApiKey, KeyLimits, NewApiKey, create_api_key};
pub use credential::{Credential, KeyKind};
pub use email_address::email_address;
pub use end_browser_session::{end_browser_session, end_other_sessions};
pub use enter_tenant::{ProvenPerson, enter_tenant, list_tenants_of};
pub use invitation_link::InvitationLink;
pub use invite_member::{
    CreatedInvitation, InviteError, NewInvitation, invite_member, revoke_invitation,
};
pub use issue_api_key::issue_api_key;
pub use key_rights::KeyError;
pub use limited_action::{LimitedAction, limits_of};
pub use manage_group::{
    GroupError, add_group_member, create_group, delete_group, remove_group_member, rename_group,
};
pub use manage_member::{MemberChange, MemberError, change_member, remove_member};
pub use may_grant_role::{GrantError, may_decide_reach, may_grant_role};
pub use operator_key::{
    DEFAULT_OPERATOR_DAYS, MAX_OPERATOR_DAYS, MAX_OPERATOR_NAME, Operator, create_operator_key,
};
pub use passwords::{
    ArgonSettings, HashError, Lane, PasswordRules, PasswordSettings, Passwords, Peppers, Verdict,
};
pub use person::{Identity, LOCAL};
pub use policy::{Action, Role, Scope};
pub use rotate_api_key::rotate_api_key;
pub use store::api_keys::ApiKey;
pub use store::browser_sessions::BrowserSession;
pub use store::groups::Group;
pub use store::invitations::Invitation;
pub use store::members::{Member, MemberFilter, Membership};
pub use throttle::Rate;
pub use verify::{Denied, Presented, Verifier, VerifierSettings};
pub use widget_token::WidgetSigner;
