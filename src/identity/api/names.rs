//! Names of roles and scopes as the API writes them.

use poem_openapi::Enum;

use crate::identity::{KeyKind, Role, Scope};

/// What somebody may do; each may give roles up to their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Role", rename_all = "snake_case")]
pub enum RoleName {
    /// Reads documentation and everybody's conversations; asks and changes nothing.
    Analyst,
    /// Asks and reads.
    Member,
    /// Also changes documentation.
    Editor,
    /// Also manages people, keys and the tenant, and sees all conversations.
    Admin,
    /// Also makes owners.
    Owner,
}

/// What a credential is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Scope")]
pub enum ScopeName {
    /// Search, ask, and read conversations.
    #[oai(rename = "ask")]
    Ask,
    /// Read collections and documents.
    #[oai(rename = "documents:read")]
    DocumentsRead,
    /// Change collections and documents.
    #[oai(rename = "documents:write")]
    DocumentsWrite,
    /// Manage API keys.
    #[oai(rename = "keys:manage")]
    KeysManage,
    /// Manage members, invitations and groups.
    #[oai(rename = "members:manage")]
    MembersManage,
    /// Change the tenant's settings.
    #[oai(rename = "tenant:manage")]
    TenantManage,
    /// Read the audit log.
    #[oai(rename = "audit:read")]
    AuditRead,
    /// Make tokens for end users of a widget.
    #[oai(rename = "widgets:sign")]
    WidgetsSign,
}

/// Kinds of API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "KeyKind", rename_all = "snake_case")]
pub enum KeyKindName {
    /// Kept by programs (`pdm_…`).
    Secret,
    /// May stand in a web page (`pdp_…`): asks single questions, and only from its origins.
    Publishable,
}

macro_rules! same_names {
    ($inner:ident, $outer:ident, $($name:ident),+) => {
        impl From<$inner> for $outer {
            fn from(value: $inner) -> Self {
                match value { $($inner::$name => Self::$name),+ }
            }
        }
        impl From<$outer> for $inner {
            fn from(value: $outer) -> Self {
                match value { $($outer::$name => Self::$name),+ }
            }
        }
    };
}

same_names!(KeyKind, KeyKindName, Secret, Publishable);
same_names!(Role, RoleName, Analyst, Member, Editor, Admin, Owner);
same_names!(
    Scope,
    ScopeName,
    Ask,
    DocumentsRead,
    DocumentsWrite,
    KeysManage,
    MembersManage,
    TenantManage,
    AuditRead,
    WidgetsSign
);
