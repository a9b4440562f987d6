//! Begins a browser session for a person whose login was just proven. Every login makes a new one with a new secret, so
//! that a cookie planted before is worth nothing.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::BrowserCookie;
use super::actor::RequestOrigin;
use super::store::browser_sessions::BrowserSession;
use super::store::members::Member;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::db::{self, TenantTx};
use crate::kernel::clock;
use crate::kernel::ids::new_id;

/// Characters kept of what a browser calls itself.
const USER_AGENT_CHARS: usize = 300;

/// Where and how a person logged in.
#[derive(Clone, Debug, Default)]
pub struct LoginFacts {
    /// Request that ends the login.
    pub request: RequestOrigin,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// End of the session, from now, however much it is used.
    pub lifetime: Duration,
}

/// Stores the session and notes the login in the audit log; the cookie goes to the browser.
///
/// # Errors
/// The database refused.
pub async fn begin_browser_session(
    tx: &mut TenantTx,
    member: &Member,
    facts: &LoginFacts,
) -> db::Result<BrowserCookie> {
    let now = clock::now();
    let cookie = BrowserCookie::generate(tx.tenant(), new_id());
    let lifetime = TimeDelta::from_std(facts.lifetime).unwrap_or(TimeDelta::zero());
    let address = facts.request.address.map(|address| address.to_string());
    let user_agent = facts.user_agent.as_ref();
    let session = BrowserSession {
        browser_session_id: cookie.browser_session_id,
        member_id: member.member_id,
        provider: member.provider.clone(),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_CHARS).collect()),
        address: address.clone(),
        created_at: now,
        last_seen_at: now,
        expires_at: now + lifetime,
        ended_at: None,
    };
    tx.remove_old_browser_sessions(member.member_id).await?;
    tx.insert_browser_session(&session, &cookie.secret_sha256()).await?;
    let entry = AuditEntry {
        request_id: facts.request.request_id.clone(),
        address,
        ..AuditEntry::new(actor_of(member), "login.succeeded")
    };
    let after = json!({ "provider": member.provider });
    tx.append_audit(entry.on("browser_session", session.browser_session_id).after(after)).await?;
    Ok(cookie)
}

fn actor_of(member: &Member) -> AuditActor {
    let id: Uuid = member.member_id;
    AuditActor { kind: "member", id: Some(id), name: member.shown_name() }
}
