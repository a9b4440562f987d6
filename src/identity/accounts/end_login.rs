//! Ends the browser session of who asks.

use super::Accounts;
use crate::db;
use crate::identity::{Actor, Presented, Principal, RequestOrigin};

impl Accounts {
    /// Ends the session that the request came with; whether there was one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_login(&self, actor: &Actor) -> db::Result<bool> {
        let Principal::Member { member_id, browser_session_id: Some(session) } = actor.principal
        else {
            return Ok(false);
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        if tx.end_browser_session(session).await? {
            tx.append_audit(actor.audit("login.ended").on("browser_session", session)).await?;
        }
        tx.commit().await?;
        self.verifier.forget_member(actor.tenant, member_id, None);
        Ok(true)
    }

    /// Ends the session that a browser had before a new login, so that no cookie from before is worth anything. `cookie` is
    /// the value that the browser sent, if any.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_earlier_login(
        &self,
        cookie: Option<String>,
        request: RequestOrigin,
    ) -> db::Result<()> {
        let Some(cookie) = cookie else { return Ok(()) };
        let presented = Presented::Cookie(cookie);
        if let Ok(before) = self.verifier.verify(&presented, None, request).await {
            self.end_login(&before).await?;
        }
        Ok(())
    }
}
