//! Which collections somebody may read. Resolved inside the transaction that does the work, never kept: a limit holds for
//! the very next request. Everything that shows documentation, or text made of it, asks here.

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::identity::{Actor, Principal, Role};
use crate::kernel::ids::{attachments_of, holds_attachments};

/// Who reads, as far as reach goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Who manages the tenant, and commands of the operator: every collection.
    Everything,
    /// A credential that names its collections: exactly these, limited or not.
    Listed(Vec<Uuid>),
    /// A person: what is open to the tenant, and what their groups may read.
    Person(Uuid),
    /// A credential without a person: what is open to the tenant.
    Program,
    /// Whoever may read this session, as was asked before: its attachments and nothing else. Nobody reaches them otherwise.
    Attachments(Uuid),
}

/// From whom limited collections are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hiding {
    /// The person, whose groups may read some of them; absent for a credential without one.
    pub member_id: Option<Uuid>,
}

impl Reader {
    /// How limited collections are hidden from the reader; not at all when absent.
    pub fn hiding(&self) -> Option<Hiding> {
        match self {
            Self::Everything | Self::Listed(_) | Self::Attachments(_) => None,
            Self::Person(id) => Some(Hiding { member_id: Some(*id) }),
            Self::Program => Some(Hiding { member_id: None }),
        }
    }
}

impl From<&Actor> for Reader {
    fn from(actor: &Actor) -> Self {
        let manages = actor.role >= Role::Admin;
        match &actor.principal {
            Principal::ApiKey { collection_ids, .. }
            | Principal::EndUser { collection_ids, .. }
                if !collection_ids.is_empty() =>
            {
                Self::Listed(collection_ids.clone())
            }
            Principal::ApiKey { .. } | Principal::Member { .. } if manages => Self::Everything,
            Principal::Member { member_id, .. } => Self::Person(*member_id),
            Principal::ApiKey { .. } | Principal::EndUser { .. } => Self::Program,
        }
    }
}

/// Collections that a reader reaches at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// These only; all when absent.
    only: Option<Vec<Uuid>>,
    /// None of these: limited to groups that the reader is not in.
    hidden: Vec<Uuid>,
    /// This one too, whatever else is within reach.
    attachments: Option<Uuid>,
}

impl Reach {
    /// Resolves the reach of a reader, in the transaction of the work.
    ///
    /// # Errors
    /// The database failed.
    pub async fn of(tx: &mut TenantTx, reader: &Reader) -> db::Result<Self> {
        let hidden = match reader.hiding() {
            Some(Hiding { member_id }) => tx.list_hidden_collections(member_id).await?,
            None => Vec::new(),
        };
        Ok(Self::resolved(reader, hidden))
    }

    /// The reach of a reader from whom these collections are hidden, as the statement of the work has told.
    pub fn resolved(reader: &Reader, hidden: Vec<Uuid>) -> Self {
        let (only, attachments) = match reader {
            // Whoever made the list, it gives nobody a part in a conversation.
            Reader::Listed(ids) => {
                (Some(ids.iter().copied().filter(|id| !holds_attachments(*id)).collect()), None)
            }
            Reader::Attachments(session_id) => {
                let own = attachments_of(*session_id);
                (Some(vec![own]), Some(own))
            }
            Reader::Everything | Reader::Person(_) | Reader::Program => (None, None),
        };
        Self { only, hidden, attachments }
    }

    /// The same with the attachments of a session, for whoever may read that session.
    #[must_use]
    pub fn with_attachments(self, session_id: Option<Uuid>) -> Self {
        Self { attachments: session_id.map(attachments_of), ..self }
    }

    /// Whether a collection is within reach.
    pub fn holds(&self, collection_id: Uuid) -> bool {
        if holds_attachments(collection_id) {
            return self.attachments == Some(collection_id);
        }
        self.only.as_ref().is_none_or(|only| only.contains(&collection_id))
            && !self.hidden.contains(&collection_id)
    }

    /// Whether each of these collections is within reach.
    pub fn holds_all(&self, collection_ids: &[Uuid]) -> bool {
        collection_ids.iter().all(|id| self.holds(*id))
    }

    /// Whether there is any collection that the reader might not reach.
    pub fn is_limited(&self) -> bool {
        self.only.is_some() || !self.hidden.is_empty()
    }

    /// The collections that a statement may show; any but those of attachments when absent.
    pub fn only(&self) -> Option<&[Uuid]> {
        self.only.as_deref()
    }

    /// The collections that a statement must not show.
    pub fn hidden(&self) -> &[Uuid] {
        &self.hidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::new_id;

    #[test]
    fn nobody_reaches_attachments_but_a_reader_of_their_session() {
        let (session, other, collection) = (new_id(), new_id(), new_id());
        let own = attachments_of(session);
        let listed = Reader::Listed(vec![collection, own]);
        for reader in [Reader::Everything, Reader::Person(other), Reader::Program, listed] {
            let reach = Reach::resolved(&reader, Vec::new());
            assert!(reach.holds(collection) && !reach.holds(own), "{reader:?}");
            assert!(reach.only().is_none_or(|only| only == [collection]), "{reader:?}");
            let within = reach.with_attachments(Some(session));
            assert!(within.holds_all(&[collection, own]), "{reader:?}");
            assert!(!within.holds(attachments_of(other)), "{reader:?}");
        }
        let reach = Reach::resolved(&Reader::Attachments(session), Vec::new());
        assert_eq!(reach.only(), Some(&[own][..]));
        assert!(reach.holds(own) && !reach.holds(collection));
        assert!(!reach.holds(attachments_of(other)));
    }
}
