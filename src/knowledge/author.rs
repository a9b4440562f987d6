//! In whose name documents come and go: somebody who asked for it, or a source that is read by itself.

use uuid::Uuid;

use super::reach::Reader;
use crate::db::audit::{AuditActor, AuditEntry};
use crate::identity::Actor;
use crate::kernel::ids::TenantId;

/// Who changes documents.
#[derive(Clone, Debug)]
pub struct Author {
    /// Tenant whose documents they are.
    pub tenant: TenantId,
    /// Which collections are within reach.
    pub reader: Reader,
    /// What each entry of the audit log begins with: who, and where the request came from.
    entry: AuditEntry,
}

impl Author {
    /// A source of documents, which reaches its own collection and no other, whoever may read that one.
    pub fn source(tenant: TenantId, source_id: Uuid, collection_id: Uuid) -> Self {
        let actor = AuditActor::system(&format!("source {source_id}"));
        let reader = Reader::Listed(vec![collection_id]);
        Self { tenant, reader, entry: AuditEntry::new(actor, "") }
    }

    /// Somebody who may ask in a session, and attach files to it.
    pub fn of_session(actor: &Actor, session_id: Uuid) -> Self {
        Self { reader: Reader::Attachments(session_id), ..actor.into() }
    }

    /// An entry of the audit log in the author's name.
    pub fn audit(&self, action: &'static str) -> AuditEntry {
        AuditEntry { action, ..self.entry.clone() }
    }
}

impl From<&Actor> for Author {
    fn from(actor: &Actor) -> Self {
        Self { tenant: actor.tenant, reader: actor.into(), entry: actor.audit("") }
    }
}
