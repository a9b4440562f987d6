//! Ends logins of browsers in somebody's name: one's own, or as an admin those of others. Whoever calls has decided that
//! the actor may, and makes the verifier forget them after the commit.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, BrowserSession};
use crate::db::{self, TenantTx};

/// Ends one session. One that has ended already stays as it is.
///
/// # Errors
/// The database refused.
pub async fn end_browser_session(
    tx: &mut TenantTx,
    actor: &Actor,
    session: &BrowserSession,
) -> db::Result<()> {
    let id = session.browser_session_id;
    if tx.end_browser_session(id).await? {
        let before = json!({ "member_id": session.member_id, "provider": session.provider });
        tx.append_audit(
            actor.audit("browser_session.ended").on("browser_session", id).before(before),
        )
        .await?;
    }
    Ok(())
}

/// Ends the sessions of a person, except one.
///
/// # Errors
/// The database refused.
pub async fn end_other_sessions(
    tx: &mut TenantTx,
    actor: &Actor,
    member_id: Uuid,
    kept: Option<Uuid>,
) -> db::Result<()> {
    let ended = tx.end_browser_sessions_of(member_id, kept).await?;
    if ended > 0 {
        let before = json!({ "browser_sessions": ended });
        tx.append_audit(
            actor.audit("browser_sessions.ended").on("member", member_id).before(before),
        )
        .await?;
    }
    Ok(())
}
