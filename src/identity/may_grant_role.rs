//! Whether an actor may put somebody's rights into somebody's hands: inviting, changing roles and resetting passwords ask
//! it, and whatever decides who is in which group. It stores nothing.
//!
//! A person has every scope of their role and no list of collections. A key can be narrowed in both, and must not get by
//! way of a person what it was made without.

use super::{Actor, Role, Scope};

/// What the actor lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// Nobody gives more than they have.
    #[error("this would give the role {asked}, and yours is {own}; ask somebody of that role")]
    RoleAboveOwn {
        /// Role of the actor.
        own: Role,
        /// Role that would be given.
        asked: Role,
    },
    /// The actor's credential was narrowed.
    #[error(
        "this would give the role {asked} with the scope {scope}, which the credential lacks; use one that has it"
    )]
    ScopeNotHeld {
        /// Role that would be given.
        asked: Role,
        /// Scope that the role has and the actor lacks.
        scope: Scope,
    },
    /// The actor reaches some collections only.
    #[error(
        "a credential that is limited to collections can not decide what others reach; use one without collection_ids"
    )]
    LimitedReach,
}

/// Passes when the actor has all that the role gives.
///
/// # Errors
/// See [`GrantError`].
pub fn may_grant_role(actor: &Actor, role: Role) -> Result<(), GrantError> {
    if role > actor.role {
        return Err(GrantError::RoleAboveOwn { own: actor.role, asked: role });
    }
    if let Some(scope) = role.scopes().into_iter().find(|scope| !actor.scopes.contains(scope)) {
        return Err(GrantError::ScopeNotHeld { asked: role, scope });
    }
    may_decide_reach(actor)
}

/// Passes when the actor is not limited to some collections, so that it may decide what others reach.
///
/// # Errors
/// [`GrantError::LimitedReach`].
pub fn may_decide_reach(actor: &Actor) -> Result<(), GrantError> {
    if actor.principal.collection_ids().is_empty() {
        return Ok(());
    }
    Err(GrantError::LimitedReach)
}
