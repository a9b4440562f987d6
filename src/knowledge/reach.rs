//! Which collections somebody may read. Resolved inside the transaction that does the work, never kept: a limit holds for
//! the very next request. Everything that shows documentation, or text made of it, asks here.

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::identity::{Actor, Principal, Role};

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
            Self::Everything | Self::Listed(_) => None,
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
        let only = match reader {
            Reader::Listed(ids) => Some(ids.clone()),
            Reader::Everything | Reader::Person(_) | Reader::Program => None,
        };
        Self { only, hidden }
    }

    /// Whether a collection is within reach.
    pub fn holds(&self, collection_id: Uuid) -> bool {
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

    /// The collections that a statement may show; any when absent.
    pub fn only(&self) -> Option<&[Uuid]> {
        self.only.as_deref()
    }

    /// The collections that a statement must not show.
    pub fn hidden(&self) -> &[Uuid] {
        &self.hidden
    }
}
