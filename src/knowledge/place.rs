//! Where a document goes: into a collection of documentation, or to the attachments of a session.

use serde_json::json;
use uuid::Uuid;

use super::attachments::AttachmentCounts;
use super::author::Author;
use super::receive_document::ReceiveError;
use crate::db::{self, OnConstraint, TenantTx};
use crate::kernel::ids::{attachments_of, new_id};

/// Collection of documents that name none.
pub(super) const DEFAULT_COLLECTION: &str = "default";

/// Where a document goes.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Into the collection named "default", which is made when needed.
    Default,
    /// Into this collection.
    Collection(Uuid),
    /// To the attachments of a session, which the author may ask in.
    Session {
        /// The session.
        session_id: Uuid,
        /// How many attachments there may be.
        most: AttachmentCounts,
    },
}

impl Place {
    /// The collection that was named, or the default one.
    pub fn named(collection_id: Option<Uuid>) -> Self {
        collection_id.map_or(Self::Default, Self::Collection)
    }

    /// What is told when it went away in this very moment.
    pub(super) fn is_gone(self) -> ReceiveError {
        match self {
            Self::Default | Self::Collection(_) => ReceiveError::UnknownCollection,
            Self::Session { .. } => ReceiveError::UnknownSession,
        }
    }

    /// Its collection; absent for the default one, whose id is found by its name.
    pub(super) fn collection_id(self) -> Option<Uuid> {
        match self {
            Self::Default => None,
            Self::Collection(id) => Some(id),
            Self::Session { session_id, .. } => Some(attachments_of(session_id)),
        }
    }
}

/// The collection of a place, made when there is none where that is for us to do.
///
/// # Errors
/// No such collection or session; the database failed.
pub(super) async fn open_place(
    tx: &mut TenantTx,
    author: &Author,
    place: Place,
) -> Result<Uuid, ReceiveError> {
    match place {
        Place::Default => {
            default_collection(tx, author).await?.ok_or(ReceiveError::UnknownCollection)
        }
        Place::Collection(id) => {
            let found = tx.find_collection(id).await?;
            Ok(found.ok_or(ReceiveError::UnknownCollection)?.collection_id)
        }
        Place::Session { session_id, .. } => {
            let id = attachments_of(session_id);
            let is_there = tx
                .ensure_attachments(id, session_id)
                .await
                .on_constraint("collections_session_id_fkey", || ReceiveError::UnknownSession)?;
            if is_there { Ok(id) } else { Err(ReceiveError::UnknownSession) }
        }
    }
}

/// The collection of documents that name none, made when there is none; absent when it was deleted at this very moment.
///
/// # Errors
/// The database failed.
pub async fn default_collection(tx: &mut TenantTx, author: &Author) -> db::Result<Option<Uuid>> {
    let id = new_id();
    let found = tx.ensure_collection(id, DEFAULT_COLLECTION).await?;
    if found == Some(id) {
        let entry = author.audit("collection.created").on("collection", id);
        tx.append_audit(entry.after(json!({ "name": DEFAULT_COLLECTION }))).await?;
    }
    Ok(found)
}
