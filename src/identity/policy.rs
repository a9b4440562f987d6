//! The one policy table: what each action needs. Rendered into the handbook's page on roles; a test compares them.

use std::fmt;
use std::str::FromStr;

/// A name that is not one of a closed set.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not one of the names")]
pub struct UnknownName(String);

/// Roles; each may give roles up to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
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

/// What a credential is narrowed to. People have the scopes that come with their role: [`Role::own_scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Search, ask, and read conversations.
    Ask,
    /// Read collections and documents.
    DocumentsRead,
    /// Change collections and documents.
    DocumentsWrite,
    /// Manage API keys.
    KeysManage,
    /// Manage members, invitations and groups.
    MembersManage,
    /// Change the tenant's settings.
    TenantManage,
    /// Read the audit log.
    AuditRead,
    /// Make tokens for end users of a widget.
    WidgetsSign,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See who one is.
    MeRead,
    /// Change one's own password, and list and end one's own browser sessions.
    MeWrite,
    /// Read the tenant's settings.
    TenantRead,
    /// Change the tenant's settings.
    TenantWrite,
    /// List and read members.
    MemberRead,
    /// Change and remove members.
    MemberWrite,
    /// List and read invitations.
    InvitationRead,
    /// Invite, and take invitations back.
    InvitationWrite,
    /// List and read groups and who is in them.
    GroupRead,
    /// Create, change and delete groups.
    GroupWrite,
    /// List and read API keys.
    ApiKeyRead,
    /// Create, rotate and revoke API keys.
    ApiKeyWrite,
    /// Make a token for an end user of a widget.
    WidgetTokenWrite,
    /// Read the audit log.
    AuditRead,
    /// List and read quotas, and what anybody used.
    QuotaRead,
    /// Set, change and delete quotas.
    QuotaWrite,
    /// Read what one used oneself.
    UsageRead,
    /// List and read webhooks and their deliveries.
    WebhookRead,
    /// Create, change, try and delete webhooks.
    WebhookWrite,
    /// List and read collections.
    CollectionRead,
    /// Create, change and delete collections.
    CollectionWrite,
    /// List and read changes of the embedding model of a collection.
    ReembeddingRead,
    /// Begin, switch, roll back and cancel changes of the embedding model of a collection.
    ReembeddingWrite,
    /// List and read documents and their versions.
    DocumentRead,
    /// Upload, change and delete documents.
    DocumentWrite,
    /// Read uploads of large files.
    UploadRead,
    /// Begin, complete and delete uploads of large files.
    UploadWrite,
    /// List, read and download dumps of collections, and read restores.
    DumpRead,
    /// Have collections dumped, dumps brought in, and delete dumps.
    DumpWrite,
    /// List, read and follow jobs of ingestion.
    IngestionJobRead,
    /// Cancel and retry jobs of ingestion, and read documents once more.
    IngestionJobWrite,
    /// List and read sources of documents and their runs.
    SourceRead,
    /// Create, change, read anew and delete sources of documents.
    SourceWrite,
    /// List and read assistants.
    AssistantRead,
    /// Create, change, try, publish and delete assistants.
    AssistantWrite,
    /// Search.
    Search,
    /// Read questions that documents answer.
    SuggestionRead,
    /// List and read conversations.
    ConversationRead,
    /// Read how an answer came about.
    TraceRead,
    /// Ask a single question.
    Ask,
    /// Open, change and delete conversations, and ask in them.
    Converse,
    /// Attach files to conversations, and delete them.
    AttachmentWrite,
    /// Rate answers and citations that one may read.
    FeedbackWrite,
    /// List what everybody said of answers and citations.
    FeedbackRead,
}

/// What an action needs.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Roles that may.
    pub roles: &'static [Role],
    /// Scope that the credential must have.
    pub scope: Option<Scope>,
}

const EVERYBODY: &[Role] = &Role::ALL;
const ASKERS: &[Role] = &[Role::Member, Role::Editor, Role::Admin, Role::Owner];
const EDITORS: &[Role] = &[Role::Editor, Role::Admin, Role::Owner];
/// Who looks after documentation and answers.
const KEEPERS: &[Role] = &[Role::Analyst, Role::Editor, Role::Admin, Role::Owner];
const ADMINS: &[Role] = &[Role::Admin, Role::Owner];
/// Those who see conversations of others.
const OVERSEERS: &[Role] = &[Role::Analyst, Role::Admin, Role::Owner];

/// The table.
pub fn rule(action: Action) -> Rule {
    let (roles, scope) = match action {
        Action::MeRead | Action::MeWrite | Action::UsageRead => (EVERYBODY, None),
        Action::TenantRead
        | Action::TenantWrite
        | Action::QuotaRead
        | Action::QuotaWrite
        | Action::WebhookRead
        | Action::WebhookWrite => (ADMINS, Some(Scope::TenantManage)),
        Action::MemberRead
        | Action::MemberWrite
        | Action::InvitationRead
        | Action::InvitationWrite
        | Action::GroupRead
        | Action::GroupWrite => (ADMINS, Some(Scope::MembersManage)),
        Action::ApiKeyRead | Action::ApiKeyWrite => (ADMINS, Some(Scope::KeysManage)),
        Action::WidgetTokenWrite => (ASKERS, Some(Scope::WidgetsSign)),
        Action::AuditRead => (ADMINS, Some(Scope::AuditRead)),
        Action::CollectionRead | Action::DocumentRead => (EVERYBODY, Some(Scope::DocumentsRead)),
        Action::CollectionWrite | Action::DocumentWrite => (EDITORS, Some(Scope::DocumentsWrite)),
        // What searches of everybody are like, and what it costs.
        Action::ReembeddingRead | Action::ReembeddingWrite => (ADMINS, Some(Scope::DocumentsWrite)),
        // A dump is every document of a collection at once: who may only write may not take them away.
        Action::DumpRead => (EDITORS, Some(Scope::DocumentsRead)),
        Action::UploadRead
        | Action::UploadWrite
        | Action::DumpWrite
        | Action::IngestionJobRead
        | Action::IngestionJobWrite
        | Action::SourceRead
        | Action::SourceWrite
        | Action::AssistantWrite => (EDITORS, Some(Scope::DocumentsWrite)),
        Action::AssistantRead
        | Action::Search
        | Action::SuggestionRead
        | Action::ConversationRead => (EVERYBODY, Some(Scope::Ask)),
        Action::TraceRead => (KEEPERS, Some(Scope::Ask)),
        Action::Ask | Action::Converse | Action::AttachmentWrite | Action::FeedbackWrite => {
            (ASKERS, Some(Scope::Ask))
        }
        Action::FeedbackRead => (OVERSEERS, Some(Scope::Ask)),
    };
    Rule { roles, scope }
}

impl Role {
    /// Each role, from the least to the most.
    pub const ALL: [Self; 5] =
        [Self::Analyst, Self::Member, Self::Editor, Self::Admin, Self::Owner];

    /// Scopes that the role can use at all.
    pub fn scopes(self) -> Vec<Scope> {
        let usable = |scope: &Scope| {
            let mut rules = Action::ALL.into_iter().map(rule);
            rules.any(|rule| rule.scope == Some(*scope) && rule.roles.contains(&self))
        };
        Scope::ALL.into_iter().filter(usable).collect()
    }

    /// Scopes that come with the role: those of its people, and of its keys that name none. Vouching for end users is
    /// speaking in their name, so below the admins it is left to keys that were given it by name.
    pub fn own_scopes(self) -> Vec<Scope> {
        let comes = |scope: &Scope| *scope != Scope::WidgetsSign || ADMINS.contains(&self);
        self.scopes().into_iter().filter(comes).collect()
    }
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 8] = [
        Self::Ask,
        Self::DocumentsRead,
        Self::DocumentsWrite,
        Self::KeysManage,
        Self::MembersManage,
        Self::TenantManage,
        Self::AuditRead,
        Self::WidgetsSign,
    ];
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 44] = [
        Self::MeRead,
        Self::MeWrite,
        Self::TenantRead,
        Self::TenantWrite,
        Self::MemberRead,
        Self::MemberWrite,
        Self::InvitationRead,
        Self::InvitationWrite,
        Self::GroupRead,
        Self::GroupWrite,
        Self::ApiKeyRead,
        Self::ApiKeyWrite,
        Self::WidgetTokenWrite,
        Self::AuditRead,
        Self::QuotaRead,
        Self::QuotaWrite,
        Self::UsageRead,
        Self::WebhookRead,
        Self::WebhookWrite,
        Self::CollectionRead,
        Self::CollectionWrite,
        Self::ReembeddingRead,
        Self::ReembeddingWrite,
        Self::DocumentRead,
        Self::DocumentWrite,
        Self::UploadRead,
        Self::UploadWrite,
        Self::DumpRead,
        Self::DumpWrite,
        Self::IngestionJobRead,
        Self::IngestionJobWrite,
        Self::SourceRead,
        Self::SourceWrite,
        Self::AssistantRead,
        Self::AssistantWrite,
        Self::Search,
        Self::SuggestionRead,
        Self::ConversationRead,
        Self::TraceRead,
        Self::Ask,
        Self::Converse,
        Self::AttachmentWrite,
        Self::FeedbackWrite,
        Self::FeedbackRead,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Analyst => "analyst",
            Self::Member => "member",
            Self::Editor => "editor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask => "ask",
            Self::DocumentsRead => "documents:read",
            Self::DocumentsWrite => "documents:write",
            Self::KeysManage => "keys:manage",
            Self::MembersManage => "members:manage",
            Self::TenantManage => "tenant:manage",
            Self::AuditRead => "audit:read",
            Self::WidgetsSign => "widgets:sign",
        })
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|role| role.to_string() == name)
            .ok_or_else(|| UnknownName(name.to_owned()))
    }
}

impl FromStr for Scope {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.to_string() == name)
            .ok_or_else(|| UnknownName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DocumentRead` as `document_read`.
    fn snake_case(action: Action) -> String {
        let mut name = String::new();
        for character in format!("{action:?}").chars() {
            if character.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.extend(character.to_lowercase());
        }
        name
    }

    #[test]
    fn the_handbook_shows_this_very_table() {
        let page = include_str!("../../seeds/handbook/roles-and-permissions.md");
        for action in Action::ALL {
            let rule = rule(action);
            let scope = rule.scope.map_or("none".to_owned(), |scope| format!("`{scope}`"));
            let roles: Vec<String> = rule.roles.iter().map(|role| format!("`{role}`")).collect();
            let row = format!("| `{}` | {} | {scope} |", snake_case(action), roles.join(", "));
            assert!(page.contains(&row), "the page lacks: {row}");
        }
    }

    #[test]
    fn below_the_admins_nobody_signs_for_end_users_unless_it_is_named() {
        for role in Role::ALL {
            let signs = role.own_scopes().contains(&Scope::WidgetsSign);
            assert_eq!(signs, ADMINS.contains(&role), "{role}");
            let mut others = role.scopes();
            others.retain(|scope| *scope != Scope::WidgetsSign || signs);
            assert_eq!(role.own_scopes(), others, "{role}");
        }
        assert!(Role::Member.scopes().contains(&Scope::WidgetsSign));
    }

    #[test]
    fn a_higher_role_has_every_scope_of_a_lower_one() {
        for roles in ASKERS.windows(2) {
            assert!(roles[0].scopes().iter().all(|scope| roles[1].scopes().contains(scope)));
        }
    }
}
