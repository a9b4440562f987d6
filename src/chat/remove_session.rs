//! Removes a session with everything of it: its messages, the run that goes on, and its attachments with their originals.

use serde_json::json;

use crate::chat::store::sessions::Session;
use crate::db::{self, Db};
use crate::identity::Actor;
use crate::knowledge::{Author, Receiver, remove_last_attachments};

/// Removes a session; false when somebody else did so meanwhile. Its attachments go first, each by itself: one that fails leaves
/// the session with those that are left.
///
/// # Errors
/// The database failed.
pub async fn remove_session(
    db: &Db,
    receiver: &Receiver,
    actor: &Actor,
    session: &Session,
) -> db::Result<bool> {
    let id = session.session_id;
    receiver.remove_attachments(&Author::of_session(actor, id), id).await?;
    let mut removed = try_remove(db, actor, session).await;
    // A file that is attached at this moment, or read, wants document and collection too: one of both has to begin again.
    for _ in 0..db::RETRIES {
        if !matches!(&removed, Err(error) if error.met_another()) {
            break;
        }
        removed = try_remove(db, actor, session).await;
    }
    receiver.wake_worker();
    removed
}

async fn try_remove(db: &Db, actor: &Actor, session: &Session) -> db::Result<bool> {
    let session_id = session.session_id;
    let mut tx = db.tenant(actor.tenant).await?;
    // The session before anything of it, as who asks in it or attaches a file locks them.
    if !tx.lock_session(session_id).await? {
        return Ok(false);
    }
    remove_last_attachments(&mut tx, session_id).await?;
    tx.delete_session(session_id).await?;
    let entry = actor.audit("session.deleted").on("session", session_id);
    let before = json!({ "created_by": session.created_by, "created_at": session.created_at });
    tx.append_audit(entry.before(before)).await?;
    tx.commit().await?;
    Ok(true)
}
