//! From a person who was proven to a browser session in a tenant that lets them in.

use serde_json::json;
use uuid::Uuid;

use super::{BrowserLogins, LoginFault};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::identity::actor::RequestOrigin;
use crate::identity::store::members::Member;
use crate::identity::{
    BrowserCookie, Denied, Identity, InvitationProof, LoginFacts, Newcomer, ProvenPerson,
    accept_invitation, begin_browser_session, enter_tenant, list_tenants_of,
};
use crate::kernel::ids::TenantId;

/// A tenant that a person may enter now.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenTenant {
    pub tenant: TenantId,
    pub member_id: Uuid,
}

impl BrowserLogins {
    /// Tenants that let the person in with this login; at least one. Memberships that claims of the person give are made.
    pub(super) async fn open_tenants(
        &self,
        person: &ProvenPerson,
        provider: &str,
        request: &RequestOrigin,
    ) -> Result<Vec<OpenTenant>, LoginFault> {
        let tenants = list_tenants_of(&self.db, person).await?;
        if tenants.is_empty() {
            return Err(LoginFault::NoMembership);
        }
        let mut open = Vec::new();
        for tenant in tenants {
            match enter_tenant(&self.db, person, Some(tenant)).await {
                Ok((tenant, member)) => {
                    open.push(OpenTenant { tenant, member_id: member.member_id });
                }
                Err(Denied::Database(error)) => return Err(error.into()),
                Err(denied) => self.note_refusal(tenant, provider, &denied, request).await?,
            }
        }
        if open.is_empty() { Err(LoginFault::KeptOut) } else { Ok(open) }
    }

    /// The tenant that the person chose, when it is theirs and lets them in now.
    pub(super) async fn chosen_tenant(
        &self,
        identity: &Identity,
        chosen: TenantId,
        provider: &str,
    ) -> Result<OpenTenant, LoginFault> {
        let memberships = self.db.system().await?.list_memberships(identity).await?;
        let found = memberships.into_iter().find(|membership| membership.tenant == chosen);
        let found = found.ok_or(LoginFault::NotTheirs(chosen))?;
        let mut tx = self.db.tenant(found.tenant).await?;
        let tenant = tx.get_tenant().await?;
        let member = tx.find_member(found.member_id).await?;
        let member = member.ok_or(LoginFault::NotTheirs(chosen))?;
        if tenant.is_suspended() || member.is_suspended() || !tenant.admits(provider) {
            return Err(LoginFault::KeptOut);
        }
        Ok(OpenTenant { tenant: found.tenant, member_id: found.member_id })
    }

    /// Names of tenants, as people know them.
    pub(super) async fn names_of(
        &self,
        open: &[OpenTenant],
    ) -> Result<Vec<(TenantId, String)>, LoginFault> {
        let mut names = Vec::new();
        for OpenTenant { tenant, .. } in open {
            let name = self.db.tenant(*tenant).await?.get_tenant().await?.name;
            names.push((*tenant, name));
        }
        Ok(names)
    }

    async fn note_refusal(
        &self,
        tenant: TenantId,
        provider: &str,
        denied: &Denied,
        request: &RequestOrigin,
    ) -> Result<(), LoginFault> {
        let mut tx = self.db.tenant(tenant).await?;
        let actor = AuditActor::system(&format!("login provider {provider}"));
        let entry = AuditEntry {
            request_id: request.request_id.clone(),
            address: request.address.map(|address| address.to_string()),
            ..AuditEntry::new(actor, "login.refused")
        };
        tx.append_audit(entry.after(json!({ "reason": denied.to_string() }))).await?;
        Ok(tx.commit().await?)
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
        open: OpenTenant,
        provider: &str,
        facts: &LoginFacts,
    ) -> Result<BrowserCookie, LoginFault> {
        let mut tx = self.db.tenant(open.tenant).await?;
        let member = tx.find_member(open.member_id).await?.ok_or(LoginFault::NoMembership)?;
        // The provider of this login, whatever the membership was made with: the logout goes there.
        let member = Member { provider: provider.to_owned(), ..member };
        let cookie = begin_browser_session(&mut tx, &member, facts).await?;
        tx.note_member_seen(member.member_id).await?;
        tx.commit().await?;
        Ok(cookie)
    }
}
