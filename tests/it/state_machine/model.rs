//! What a tenant should have, kept in memory, and the changes that are made to it and to the database alike.

use std::collections::{BTreeMap, VecDeque};

use pidima::db::audit::{AuditActor, AuditEntry};
use pidima::db::{Result, TenantTx};
use pidima::kernel::ids::new_id;
use rand::Rng;
use rand::rngs::StdRng;
use uuid::Uuid;

/// Things of a kind that a tenant has at most, so that reading them back stays quick.
const MOST: usize = 12;
/// Newest entries of the audit log that are read back.
const AUDIT_TAIL: usize = 3;

/// Everything that row-level security shows, without any condition of the query's own.
const EVERYTHING: &str = "
    select 'collection ' || collection_id || ' ' || name || ' ' || description from collections
    union all select 'document ' || document_id || ' ' || collection_id || ' ' || name from documents
    union all select 'session ' || session_id || ' ' || title from sessions
    union all select 'message ' || message_id || ' ' || session_id || ' ' || content from messages
    union all (select 'audit ' || sequence || ' ' || target_id from audit_events order by sequence desc limit 3)
    union all select 'head ' || sequence from audit_heads";

/// What a tenant should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    collections: BTreeMap<Uuid, (String, String)>,
    documents: BTreeMap<Uuid, (Uuid, String)>,
    sessions: BTreeMap<Uuid, String>,
    messages: BTreeMap<Uuid, (Uuid, String)>,
    audited: i64,
    last_audited: VecDeque<String>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    MakeCollection { id: Uuid, name: String },
    DescribeCollection { id: Uuid, description: String },
    DropCollection(Uuid),
    MakeDocument { id: Uuid, collection: Uuid, name: String },
    DropDocument(Uuid),
    OpenSession { id: Uuid, title: String },
    RenameSession { id: Uuid, title: String },
    DropSession(Uuid),
    Say { id: Uuid, session: Uuid, content: String },
    Audit(String),
}

impl Model {
    /// A few changes that make sense one after the other, and the model after them. Texts begin with the tenant's mark.
    pub fn plan(&self, chance: &mut StdRng, mark: &str) -> (Vec<Change>, Self) {
        let mut after = self.clone();
        let mut changes = Vec::new();
        for _ in 0..chance.random_range(1..=4) {
            let change = after.one_change(chance, mark);
            after.apply(&change);
            changes.push(change);
        }
        (changes, after)
    }

    fn one_change(&self, chance: &mut StdRng, mark: &str) -> Change {
        let text = format!("{mark} {}", chance.random::<u32>());
        let collection = any(chance, self.collections.keys());
        let document = any(chance, self.documents.keys());
        let session = any(chance, self.sessions.keys());
        let crowded = chance.random_bool(0.5);
        match (chance.random_range(0..10), collection, document, session) {
            (0 | 1, Some(id), ..) if crowded && self.collections.len() > MOST => {
                Change::DropCollection(id)
            }
            (2 | 3, _, Some(id), _) if crowded && self.documents.len() > MOST => {
                Change::DropDocument(id)
            }
            (4 | 5, .., Some(id)) if crowded && self.sessions.len() > MOST => {
                Change::DropSession(id)
            }
            (1, Some(id), ..) => Change::DescribeCollection { id, description: text },
            (2, Some(collection), ..) if self.documents.len() <= MOST => {
                Change::MakeDocument { id: new_id(), collection, name: text }
            }
            (3, _, Some(id), _) => Change::DropDocument(id),
            (5, .., Some(id)) => Change::RenameSession { id, title: text },
            (6, .., Some(session)) if self.messages.len() <= 2 * MOST => {
                Change::Say { id: new_id(), session, content: text }
            }
            (7, .., Some(id)) => Change::DropSession(id),
            (8, Some(id), ..) => Change::DropCollection(id),
            (0..=2, ..) if self.collections.len() <= MOST => {
                Change::MakeCollection { id: new_id(), name: text }
            }
            (3..=7, ..) if self.sessions.len() <= MOST => {
                Change::OpenSession { id: new_id(), title: text }
            }
            _ => Change::Audit(text),
        }
    }

    fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::MakeCollection { id, name } => {
                self.collections.insert(id, (name, String::new()));
            }
            Change::DescribeCollection { id, description } => {
                self.collections.entry(id).and_modify(|of| of.1 = description);
            }
            Change::DropCollection(id) => {
                self.collections.remove(&id);
                self.documents.retain(|_, (collection, _)| *collection != id);
            }
            Change::MakeDocument { id, collection, name } => {
                self.documents.insert(id, (collection, name));
            }
            Change::DropDocument(id) => {
                self.documents.remove(&id);
            }
            Change::OpenSession { id, title } | Change::RenameSession { id, title } => {
                self.sessions.insert(id, title);
            }
            Change::DropSession(id) => {
                self.sessions.remove(&id);
                self.messages.retain(|_, (session, _)| *session != id);
            }
            Change::Say { id, session, content } => {
                self.messages.insert(id, (session, content));
            }
            Change::Audit(target) => {
                self.audited += 1;
                self.last_audited.push_back(target);
                if self.last_audited.len() > AUDIT_TAIL {
                    self.last_audited.pop_front();
                }
            }
        }
    }

    /// The model as [`read`] shows the database.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, (name, description)) in &self.collections {
            lines.push(format!("collection {id} {name} {description}"));
        }
        for (id, (collection, name)) in &self.documents {
            lines.push(format!("document {id} {collection} {name}"));
        }
        lines.extend(self.sessions.iter().map(|(id, title)| format!("session {id} {title}")));
        for (id, (session, content)) in &self.messages {
            lines.push(format!("message {id} {session} {content}"));
        }
        for (back, target) in (0_i64..).zip(self.last_audited.iter().rev()) {
            lines.push(format!("audit {} {target}", self.audited - back));
        }
        if self.audited > 0 {
            lines.push(format!("head {}", self.audited));
        }
        lines.sort();
        lines
    }
}

impl Change {
    /// Makes the change in the database, by the stores where they have it.
    pub async fn run(&self, tx: &mut TenantTx) -> Result<()> {
        let tenant = tx.tenant().uuid();
        let statement = match self.clone() {
            Self::MakeCollection { id, name } => return tx.insert_collection(id, &name, "").await,
            Self::DescribeCollection { id, description } => {
                return tx.update_collection(id, None, Some(&description)).await.map(drop);
            }
            Self::DropCollection(id) => return tx.delete_collection(id).await.map(drop),
            Self::OpenSession { id, title } => {
                return tx.insert_session(id, Some(&title), &[], None, tenant).await;
            }
            Self::RenameSession { id, title } => return tx.update_session(id, &title).await,
            Self::DropSession(id) => return tx.delete_session(id).await,
            Self::Audit(target) => {
                let entry = AuditEntry::new(AuditActor::system("walk"), "walk.stepped");
                return tx.append_audit(entry.on("step", target)).await;
            }
            Self::MakeDocument { id, collection, name } => sqlx::query(
                "insert into documents (tenant_id, document_id, collection_id, name, title)
                values ($1, $2, $3, $4, $4)",
            )
            .bind(tenant)
            .bind(id)
            .bind(collection)
            .bind(name),
            Self::DropDocument(id) => {
                sqlx::query("delete from documents where tenant_id = $1 and document_id = $2")
                    .bind(tenant)
                    .bind(id)
            }
            Self::Say { id, session, content } => sqlx::query(
                "insert into messages (tenant_id, message_id, session_id, run_id, role, content)
                values ($1, $2, $3, $2, 'user', $4)",
            )
            .bind(tenant)
            .bind(id)
            .bind(session)
            .bind(content),
        };
        statement.execute(tx.connection()).await?;
        Ok(())
    }
}

/// What the database shows to the transaction's tenant.
pub async fn read(tx: &mut TenantTx) -> Result<Vec<String>> {
    let mut lines: Vec<String> = sqlx::query_scalar(EVERYTHING).fetch_all(tx.connection()).await?;
    lines.sort();
    Ok(lines)
}

fn any<'a>(chance: &mut StdRng, ids: impl ExactSizeIterator<Item = &'a Uuid>) -> Option<Uuid> {
    let mut ids = ids;
    let at = chance.random_range(0..ids.len().max(1));
    ids.nth(at).copied()
}
