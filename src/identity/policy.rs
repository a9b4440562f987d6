//! The one policy table: what each action needs. Rendered into the handbook's page on roles; a test compares them.

use std::fmt;
use std::str::FromStr;

/// A name that is not one of a closed set.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not one of the names")]
pub struct UnknownName(String);

/// Roles, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Asks and reads.
    Member,
    /// Also changes documentation.
    Editor,
    /// Also manages keys and sees all conversations.
    Admin,
    /// Also makes keys of the role owner.
    Owner,
}

/// What a key is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Search, ask, and read one's own conversations.
    Ask,
    /// Read collections and documents.
    DocumentsRead,
    /// Change collections and documents.
    DocumentsWrite,
    /// Manage API keys.
    KeysManage,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See who one is.
    MeRead,
    /// List and read API keys.
    ApiKeyRead,
    /// Create and revoke API keys.
    ApiKeyWrite,
    /// List and read collections.
    CollectionRead,
    /// Create, change and delete collections.
    CollectionWrite,
    /// List and read documents and their versions.
    DocumentRead,
    /// Upload, change and delete documents.
    DocumentWrite,
    /// Search.
    Search,
    /// Ask, and open, read and delete conversations.
    Ask,
}

/// What an action needs.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Least role.
    pub least_role: Role,
    /// Scope that the key must have.
    pub scope: Option<Scope>,
}

/// The table.
pub fn rule(action: Action) -> Rule {
    let (least_role, scope) = match action {
        Action::MeRead => (Role::Member, None),
        Action::ApiKeyRead | Action::ApiKeyWrite => (Role::Admin, Some(Scope::KeysManage)),
        Action::CollectionRead | Action::DocumentRead => (Role::Member, Some(Scope::DocumentsRead)),
        Action::CollectionWrite | Action::DocumentWrite => {
            (Role::Editor, Some(Scope::DocumentsWrite))
        }
        Action::Search | Action::Ask => (Role::Member, Some(Scope::Ask)),
    };
    Rule { least_role, scope }
}

impl Role {
    /// From the least to the most.
    pub const ALL: [Self; 4] = [Self::Member, Self::Editor, Self::Admin, Self::Owner];

    /// Scopes that the role can use at all.
    pub fn scopes(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| scope.least_role() <= self).collect()
    }
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] =
        [Self::Ask, Self::DocumentsRead, Self::DocumentsWrite, Self::KeysManage];

    fn least_role(self) -> Role {
        match self {
            Self::Ask | Self::DocumentsRead => Role::Member,
            Self::DocumentsWrite => Role::Editor,
            Self::KeysManage => Role::Admin,
        }
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::MeRead,
        Self::ApiKeyRead,
        Self::ApiKeyWrite,
        Self::CollectionRead,
        Self::CollectionWrite,
        Self::DocumentRead,
        Self::DocumentWrite,
        Self::Search,
        Self::Ask,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
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
            let row = format!("| `{}` | `{}` | {scope} |", snake_case(action), rule.least_role);
            assert!(page.contains(&row), "the page lacks: {row}");
        }
    }

    #[test]
    fn a_higher_role_has_every_scope_of_a_lower_one() {
        for roles in Role::ALL.windows(2) {
            assert!(roles[0].scopes().iter().all(|scope| roles[1].scopes().contains(scope)));
        }
    }
}
