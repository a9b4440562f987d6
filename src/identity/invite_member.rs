//! Makes invitations: within the inviter's own role, into groups that there are, for a time.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::key_rights::end_within;
use super::store::invitations::Invitation;
use super::{Actor, GrantError, InvitationLink, Role, may_grant_role};
use crate::db::audit::AuditEntry;
use crate::db::{self, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Days that an invitation is good when its maker does not say.
pub const DEFAULT_DAYS: i64 = 7;
/// Days that an invitation is good at most.
pub const MAX_DAYS: i64 = 30;

/// An invitation to be made. The address has been checked.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Address that the link is for.
    pub email: String,
    /// Role of who accepts.
    pub role: Role,
    /// Groups that who accepts is put in.
    pub group_ids: Vec<Uuid>,
    /// End; [`DEFAULT_DAYS`] from now when absent.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An invitation that was made, with the text that is shown once.
#[derive(Debug)]
pub struct CreatedInvitation {
    /// As stored.
    pub invitation: Invitation,
    /// The text of the link.
    pub link: InvitationLink,
}

/// Why an invitation was not made.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Nobody gives more than they have.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// A group that the tenant does not have.
    #[error("there is no such group")]
    UnknownGroup,
    /// Not within the days allowed.
    #[error("must be in the future and at most {MAX_DAYS} days from now")]
    Expiry,
    /// Too many are open.
    #[error(
        "{limit} invitations are open, which is the most; take some back or wait until they expire"
    )]
    TooManyOpen {
        /// The setting.
        limit: u32,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes an invitation within the transaction. One that a key makes ends with the key at the latest. On an error the transaction must not be committed.
///
/// # Errors
/// See [`InviteError`].
pub async fn invite_member(
    tx: &mut TenantTx,
    actor: &Actor,
    new: NewInvitation,
    max_open: u32,
) -> Result<CreatedInvitation, InviteError> {
    let now = clock::now();
    may_grant_role(actor, new.role)?;
    let expires_at = new.expires_at.map_or(now + TimeDelta::days(DEFAULT_DAYS), clock::stored);
    if expires_at <= now || expires_at > now + TimeDelta::days(MAX_DAYS) {
        return Err(InviteError::Expiry);
    }
    let expires_at = end_within(tx, actor, expires_at).await?;
    let mut group_ids = new.group_ids;
    group_ids.sort_unstable();
    group_ids.dedup();
    if !tx.has_groups(&group_ids).await? {
        return Err(InviteError::UnknownGroup);
    }
    let link = InvitationLink::generate(tx.tenant(), new_id());
    let invitation = Invitation {
        invitation_id: link.invitation_id,
        email: new.email,
        role: new.role,
        group_ids,
        invited_by: Some(actor.id()),
        created_at: now,
        expires_at,
        accepted_at: None,
        accepted_by: None,
        revoked_at: None,
    };
    tx.insert_invitation(&invitation, &link.secret_sha256()).await?;
    let after = json!({
        "email": invitation.email,
        "role": invitation.role.to_string(),
        "group_ids": invitation.group_ids,
        "expires_at": invitation.expires_at,
    });
    let entry = actor.audit("invitation.created").on("invitation", invitation.invitation_id);
    tx.append_audit(entry.after(after)).await?;
    // Counted after the audit log was written: until commit nobody else of the tenant gets past that, so that two who
    // invite at once do not both find the last place free.
    if tx.count_open_invitations().await? > i64::from(max_open) {
        return Err(InviteError::TooManyOpen { limit: max_open });
    }
    Ok(CreatedInvitation { invitation, link })
}

/// Takes back what somebody has invited to these roles: a link made with rights that its maker has lost must not give
/// them any more. `entry` says who does it, `maker` whether a `member` or an `api_key` has lost them.
pub(super) async fn revoke_invitations_by(
    tx: &mut TenantTx,
    entry: &AuditEntry,
    (maker, maker_id): (&str, Uuid),
    roles: &[Role],
) -> db::Result<()> {
    for invitation_id in tx.revoke_invitations_by(maker_id, roles).await? {
        let because = format!("because_of_{maker}");
        let entry = entry.clone().on("invitation", invitation_id);
        tx.append_audit(entry.after(json!({ because: maker_id }))).await?;
    }
    Ok(())
}

/// Roles whose invitations a member who has come down to a role does not keep: all, once they can not invite at all.
pub(super) fn roles_not_invited_by(role: Role) -> Vec<Role> {
    let lost = |other: &Role| role < Role::Admin || *other > role;
    Role::ALL.into_iter().filter(lost).collect()
}

/// Takes an invitation back; false when there is none. One that was used or taken back before stays as it is.
///
/// # Errors
/// The database refused.
pub async fn revoke_invitation(
    tx: &mut TenantTx,
    actor: &Actor,
    invitation_id: Uuid,
) -> db::Result<bool> {
    if tx.find_invitation(invitation_id).await?.is_none() {
        return Ok(false);
    }
    if tx.revoke_invitation(invitation_id).await? {
        tx.append_audit(actor.audit("invitation.revoked").on("invitation", invitation_id)).await?;
    }
    Ok(true)
}
