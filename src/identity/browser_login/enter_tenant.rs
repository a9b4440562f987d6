//! From a person who was proven to a browser session in a tenant that lets them in.

use super::{BrowserLogins, LoginFault};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::identity::actor::RequestOrigin;
use crate::identity::store::members::{Member, Membership};
use crate::identity::{
    BrowserCookie, Identity, InvitationProof, LoginFacts, Newcomer, accept_invitation,
    begin_browser_session,
};

/// A tenant that a person may enter now.
#[derive(Clone, Debug)]
pub(super) struct OpenTenant {
    pub membership: Membership,
    /// As people know it.
    pub name: String,
}

impl BrowserLogins {
    /// Tenants that let the person in with this login; at least one.
    pub(super) async fn open_tenants(
        &self,
        identity: &Identity,
        provider: &str,
        request: &RequestOrigin,
    ) -> Result<Vec<OpenTenant>, LoginFault> {
        let memberships = self.db.system().await?.list_memberships(identity).await?;
        if memberships.is_empty() {
            return Err(LoginFault::NoMembership);
        }
        let mut open = Vec::new();
        for membership in memberships {
            open.extend(self.open_tenant(membership, provider, request).await?);
        }
        if open.is_empty() { Err(LoginFault::KeptOut) } else { Ok(open) }
    }

    /// The tenant, when neither it nor the person is suspended and it takes this login; else the audit log tells.
    async fn open_tenant(
        &self,
        membership: Membership,
        provider: &str,
        request: &RequestOrigin,
    ) -> Result<Option<OpenTenant>, LoginFault> {
        let mut tx = self.db.tenant(membership.tenant).await?;
        let tenant = tx.get_tenant().await?;
        let Some(member) = tx.find_member(membership.member_id).await? else { return Ok(None) };
        let reason = if tenant.is_suspended() {
            "the tenant is suspended"
        } else if member.is_suspended() {
            "the membership is suspended"
        } else if !tenant.admits(provider) {
            "the tenant does not take this login provider"
        } else {
            return Ok(Some(OpenTenant { membership, name: tenant.name }));
        };
        let entry = AuditEntry {
            request_id: request.request_id.clone(),
            address: request.address.map(|address| address.to_string()),
            ..AuditEntry::new(actor_of(&member), "login.refused")
        };
        let after = serde_json::json!({ "provider": provider, "reason": reason });
        tx.append_audit(entry.on("member", member.member_id).after(after)).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Makes the person a member, as the invitation promises, and begins the browser session.
    pub(super) async fn join(
        &self,
        invitation: &InvitationProof,
        newcomer: Newcomer,
        facts: &LoginFacts,
    ) -> Result<BrowserCookie, LoginFault> {
        let mut tx = self.db.tenant(invitation.tenant).await?;
        let member = accept_invitation(&mut tx, invitation.clone(), newcomer).await?;
        let cookie = begin_browser_session(&mut tx, &member, facts).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Begins the browser session.
    pub(super) async fn enter(
        &self,
        membership: Membership,
        provider: &str,
        facts: &LoginFacts,
    ) -> Result<BrowserCookie, LoginFault> {
        let mut tx = self.db.tenant(membership.tenant).await?;
        let member = tx.find_member(membership.member_id).await?.ok_or(LoginFault::NoMembership)?;
        // The provider of this login, whatever the membership was made with: the logout goes there.
        let member = Member { provider: provider.to_owned(), ..member };
        let cookie = begin_browser_session(&mut tx, &member, facts).await?;
        tx.note_member_seen(member.member_id).await?;
        tx.commit().await?;
        Ok(cookie)
    }
}

fn actor_of(member: &Member) -> AuditActor {
    AuditActor { kind: "member", id: Some(member.member_id), name: member.shown_name() }
}
