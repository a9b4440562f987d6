//! Changes and removes people: nobody touches somebody above them or gives more than they have, and a tenant that has an
//! owner keeps one.

use serde_json::{Value, json};
use uuid::Uuid;

use super::invite_member::{revoke_invitations_by, roles_not_invited_by};
use super::{Actor, GrantError, Member, Role, may_grant_role};
use crate::adapters::oidc::{Provider, ProviderRegistry};
use crate::db::{self, TenantTx};

/// What to change of a person; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct MemberChange {
    /// New role.
    pub role: Option<Role>,
    /// Whether logins are let in: `active` or `suspended`.
    pub state: Option<&'static str>,
    /// New name.
    pub display_name: Option<String>,
}

/// Why a person was not changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// No such person in this tenant.
    #[error("there is no such member")]
    Unknown,
    /// The person is above the one who asks.
    #[error(
        "the role {own} can not change somebody of the role {theirs}; ask somebody of that role"
    )]
    AboveOwn {
        /// Role of the one who asks.
        own: Role,
        /// Role of the person.
        theirs: Role,
    },
    /// Nobody gives more than they have.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The next login would undo the change.
    #[error("the login provider decides this role; suspend instead")]
    RoleByProvider,
    /// Nobody would be left who can make owners.
    #[error("this is the last active owner; make somebody else an owner first")]
    LastOwner,
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Changes a person; the role only where no claims of one of the providers decide it. A suspension ends their logins, and the invitations that they can no longer make are taken back.
///
/// # Errors
/// See [`MemberError`]; the transaction must not be committed then.
pub async fn change_member(
    tx: &mut TenantTx,
    actor: &Actor,
    member_id: Uuid,
    change: MemberChange,
    providers: &ProviderRegistry,
) -> Result<Member, MemberError> {
    let owners = tx.lock_member_and_owners(member_id).await?;
    let before = find_within_reach(tx, actor, member_id).await?;
    let mut after = before.clone();
    if let Some(role) = change.role.filter(|role| *role != before.role) {
        may_grant_role(actor, role)?;
        let decides = providers.get(&before.provider).is_some_and(Provider::decides_roles);
        if decides && tx.is_held_by_claims(member_id).await? {
            return Err(MemberError::RoleByProvider);
        }
        after.role = role;
    }
    if let Some(state) = change.state {
        state.clone_into(&mut after.state);
    }
    if change.display_name.is_some() {
        after.display_name = change.display_name;
    }
    let stays_owner = after.role == Role::Owner && !after.is_suspended();
    if owners == [member_id] && !stays_owner {
        return Err(MemberError::LastOwner);
    }
    if facts(&before) == facts(&after) {
        return Ok(after);
    }
    tx.update_member(&after).await?;
    if after.is_suspended() {
        tx.end_browser_sessions_of(member_id, None).await?;
    }
    let lost = match after.is_suspended() {
        true => Role::ALL.to_vec(),
        false => roles_not_invited_by(after.role),
    };
    let entry = actor.audit("invitation.revoked");
    revoke_invitations_by(tx, &entry, ("member", member_id), &lost).await?;
    let entry = actor.audit("member.changed").on("member", member_id);
    tx.append_audit(entry.before(facts(&before)).after(facts(&after))).await?;
    Ok(after)
}

/// Removes a person with logins, password and places in groups. Their conversations stay: they are the tenant's history.
///
/// # Errors
/// See [`MemberError`]; the transaction must not be committed then.
pub async fn remove_member(
    tx: &mut TenantTx,
    actor: &Actor,
    member_id: Uuid,
) -> Result<(), MemberError> {
    let owners = tx.lock_member_and_owners(member_id).await?;
    let member = find_within_reach(tx, actor, member_id).await?;
    if owners == [member_id] {
        return Err(MemberError::LastOwner);
    }
    tx.delete_member(member_id).await?;
    let entry = actor.audit("invitation.revoked");
    revoke_invitations_by(tx, &entry, ("member", member_id), &Role::ALL).await?;
    let entry = actor.audit("member.removed").on("member", member_id);
    tx.append_audit(entry.before(facts(&member))).await?;
    Ok(())
}

async fn find_within_reach(
    tx: &mut TenantTx,
    actor: &Actor,
    member_id: Uuid,
) -> Result<Member, MemberError> {
    let member = tx.find_member(member_id).await?.ok_or(MemberError::Unknown)?;
    if member.role > actor.role {
        return Err(MemberError::AboveOwn { own: actor.role, theirs: member.role });
    }
    Ok(member)
}

fn facts(member: &Member) -> Value {
    json!({
        "role": member.role.to_string(),
        "state": member.state,
        "email": member.email,
        "display_name": member.display_name,
    })
}
