//! Turns an invitation into a member, once. Called by whoever has just proven who the person is: the browser login at an
//! issuer, or the choice of a password. It proves nothing about the person itself.

use chrono::Utc;
use serde_json::json;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::store::invitations::Invitation;
use super::{Identity, InvitationLink, Member, RequestOrigin};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, OnConstraint, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::{TenantId, new_id};

/// An invitation as its link proves it. Without the secret itself, so that it can be kept while a person logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationProof {
    /// Tenant that invites.
    pub tenant: TenantId,
    /// The invitation.
    pub invitation_id: Uuid,
    /// SHA-256 of the secret part of the link.
    pub secret_sha256: Vec<u8>,
}

impl From<&InvitationLink> for InvitationProof {
    fn from(link: &InvitationLink) -> Self {
        let InvitationLink { tenant, invitation_id, .. } = *link;
        Self { tenant, invitation_id, secret_sha256: link.secret_sha256().to_vec() }
    }
}

/// A person whose identity was just proven.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Issuer and its name for the person; [`super::LOCAL`] as issuer for accounts of our own.
    pub identity: Identity,
    /// Name of the login provider.
    pub provider: String,
    /// Address that the issuer vouches for; the invitation's when absent.
    pub email: Option<String>,
    /// Name, as the issuer or the person says.
    pub display_name: Option<String>,
    /// The request, for the audit log.
    pub request: RequestOrigin,
}

/// Why an invitation did not make a member. After an error the transaction must not be committed.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Unknown, expired, taken back or used: the outside is not told which.
    #[error("the invitation is not good (any more); ask an admin for a new one")]
    Refused,
    /// The person belongs to the tenant.
    #[error("you are a member already; log in without the invitation")]
    AlreadyMember,
    /// The tenant does not let people of this provider in.
    #[error("the tenant does not admit the login provider {0}; log in with another one")]
    ProviderNotAdmitted(String),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The invitation of a link, while it can be accepted: for a page that shows it, and for the address of a local account.
///
/// # Errors
/// [`AcceptError::Refused`], or the database's.
pub async fn find_open_invitation(
    tx: &mut TenantTx,
    link: impl Into<InvitationProof>,
) -> Result<Invitation, AcceptError> {
    let link = link.into();
    if tx.tenant() != link.tenant {
        return Err(AcceptError::Refused);
    }
    // An unknown one is compared too, so that the answer takes the same time.
    let (invitation, stored) = match tx.find_invitation_secret(link.invitation_id).await? {
        Some((invitation, secret_sha256)) => (Some(invitation), secret_sha256),
        None => (None, vec![0; 32]),
    };
    let equal = bool::from(stored.as_slice().ct_eq(&link.secret_sha256));
    let invitation = invitation.filter(|_| equal).ok_or(AcceptError::Refused)?;
    let is_open = invitation.is_open(Utc::now()) && !is_of_ended_key(tx, &invitation).await?;
    if !is_open || tx.get_tenant().await?.is_suspended() {
        return Err(AcceptError::Refused);
    }
    Ok(invitation)
}

/// Whether a key made it that is over by now: one that was replaced may have ended before what it had promised.
async fn is_of_ended_key(tx: &mut TenantTx, invitation: &Invitation) -> db::Result<bool> {
    let Some(maker) = invitation.invited_by else { return Ok(false) };
    let key = tx.find_api_key(maker).await?;
    Ok(key.is_some_and(|key| key.is_over(Utc::now())))
}

/// Makes the member that an invitation promises, in its groups. `tx` is a transaction of `link.tenant`; whoever comes
/// second with the same link waits for the first and is refused.
///
/// # Errors
/// See [`AcceptError`].
pub async fn accept_invitation(
    tx: &mut TenantTx,
    link: impl Into<InvitationProof>,
    newcomer: Newcomer,
) -> Result<Member, AcceptError> {
    let invitation = find_open_invitation(tx, link).await?;
    if !tx.get_tenant().await?.admits(&newcomer.provider) {
        return Err(AcceptError::ProviderNotAdmitted(newcomer.provider));
    }
    let member_id = new_id();
    // The one statement that decides who is first.
    if !tx.use_invitation(invitation.invitation_id, member_id).await? {
        return Err(AcceptError::Refused);
    }
    let member = Member {
        member_id,
        provider: newcomer.provider,
        identity: newcomer.identity,
        email: newcomer.email.or_else(|| Some(invitation.email.clone())),
        display_name: newcomer.display_name,
        role: invitation.role,
        state: "active".to_owned(),
        created_at: clock::now(),
        last_seen_at: None,
    };
    tx.insert_member(&member)
        .await
        .on_constraint("members_identity_key", || AcceptError::AlreadyMember)?;
    tx.add_member_to_groups(member_id, &invitation.group_ids).await?;
    tx.append_audit(entry(&member, &invitation, newcomer.request)).await?;
    Ok(member)
}

fn entry(member: &Member, invitation: &Invitation, request: RequestOrigin) -> AuditEntry {
    let id: Uuid = member.member_id;
    let actor = AuditActor { kind: "member", id: Some(id), name: member.shown_name() };
    let after = json!({
        "member_id": member.member_id,
        "role": member.role.to_string(),
        "provider": member.provider,
        "email": member.email,
        "group_ids": invitation.group_ids,
    });
    AuditEntry {
        request_id: request.request_id,
        address: request.address.map(|address| address.to_string()),
        ..AuditEntry::new(actor, "invitation.accepted")
    }
    .on("invitation", invitation.invitation_id)
    .after(after)
}
