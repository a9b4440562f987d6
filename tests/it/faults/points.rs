//! The points on a document's way at which something happens to whoever carries it, and how it is made to stand there.

/// A point, in the order of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    Put,
    Receive,
    HandOver,
    Send,
    Sent,
    Take,
    Claim,
    Read,
    Parse,
    Advance,
    FirstBatch,
    LastBatch,
    Chunks,
    Publish,
    Delete,
    Leave,
    Remove,
}

/// Who carries the document there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Api,
    Worker,
}

/// What makes it stand.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A statement of the database: a trigger waits there.
    Statement(Statement),
    /// A request to the object store with this method: its answer is held back.
    Store(&'static str),
    /// The so manieth request to the embedding model: its answer is held back.
    Embedding(usize),
    /// The process that reads the file waits before it reads.
    Parser,
}

/// A statement, or the commit after it.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// What the trigger is made for, up to and with its condition.
    pub trigger: &'static str,
    /// Words that stand in this statement and in no other of its carrier.
    pub words: &'static str,
    /// Whether it is the commit that is meant.
    pub is_commit: bool,
}

const fn statement(trigger: &'static str, words: &'static str) -> Place {
    Place::Statement(Statement { trigger, words, is_commit: false })
}

const fn commit(trigger: &'static str, words: &'static str) -> Place {
    Place::Statement(Statement { trigger, words, is_commit: true })
}

impl Point {
    pub const ALL: [Self; 17] = [
        Self::Put,
        Self::Receive,
        Self::HandOver,
        Self::Send,
        Self::Sent,
        Self::Take,
        Self::Claim,
        Self::Read,
        Self::Parse,
        Self::Advance,
        Self::FirstBatch,
        Self::LastBatch,
        Self::Chunks,
        Self::Publish,
        Self::Delete,
        Self::Leave,
        Self::Remove,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "upload: original stored",
            Self::Receive => "upload: version and message committed",
            Self::HandOver => "relay: message marked as handed over",
            Self::Send => "relay: message put into the queue",
            Self::Sent => "relay: noted that it is under way",
            Self::Take => "worker: message taken",
            Self::Claim => "worker: lease taken, attempt begun",
            Self::Read => "worker: original read",
            Self::Parse => "worker: file in the reader's process",
            Self::Advance => "worker: text cut, lease renewed",
            Self::FirstBatch => "worker: first batch embedded",
            Self::LastBatch => "worker: last batch embedded",
            Self::Chunks => "worker: passages inserted",
            Self::Publish => "worker: switch to the new version committed",
            Self::Delete => "worker: message deleted from the queue",
            Self::Leave => "worker: message out of the line",
            Self::Remove => "worker: original of a deleted document removed",
        }
    }

    pub fn carrier(self) -> Carrier {
        match self {
            Self::Put | Self::Receive => Carrier::Api,
            _ => Carrier::Worker,
        }
    }

    pub fn place(self) -> Place {
        match self {
            Self::Put => Place::Store("PUT"),
            Self::Receive => {
                commit("after insert on app.document_versions", "insert into document_versions")
            }
            Self::HandOver => statement(
                "after update on app.outbox for each row
                when (new.kind = 'ingest_version' and old.handed_at is null and new.handed_at is not null)",
                "update outbox o",
            ),
            Self::Send => statement(
                "after insert on app.jobs for each row
                when (new.kind = 'ingest_version' and pg_trigger_depth() = 0)",
                "insert into jobs",
            ),
            Self::Sent => statement(
                "after update on app.outbox for each row
                when (new.kind = 'ingest_version' and old.handed_at is not null and new.handed_at is not null)",
                "set lost_at = greatest(lost_at, now() + make_interval(secs => $2))",
            ),
            Self::Take => statement(
                "after update on app.jobs for each row
                when (new.kind = 'ingest_version' and new.receipt is distinct from old.receipt and new.receipt is not null)",
                "update jobs j",
            ),
            Self::Claim => {
                commit("after insert on app.ingestion_attempts", "insert into ingestion_attempts")
            }
            Self::Read => Place::Store("GET"),
            Self::Parse => Place::Parser,
            Self::Advance => statement(
                "after update on app.ingestion_attempts for each row
                when (old.stage = 'parsing' and new.stage = 'embedding')",
                "set stage = $4",
            ),
            Self::FirstBatch => Place::Embedding(1),
            Self::LastBatch => Place::Embedding(3),
            Self::Chunks => {
                statement("after insert on app.chunks for each row when (true)", "insert into chunks (")
            }
            Self::Publish => {
                commit("after update of active_version_id on app.documents", "set active_version_id = $3")
            }
            Self::Delete => statement(
                "after delete on app.jobs for each row when (old.kind = 'ingest_version')",
                "delete from jobs",
            ),
            Self::Leave => statement(
                "after delete on app.outbox for each row when (old.kind = 'ingest_version')",
                "delete from outbox",
            ),
            Self::Remove => Place::Store("DELETE"),
        }
    }

    /// Whether an attempt has begun there and is not yet over, so that another one has to come.
    pub fn is_in_attempt(self) -> bool {
        matches!(
            self,
            Self::Claim
                | Self::Read
                | Self::Parse
                | Self::Advance
                | Self::FirstBatch
                | Self::LastBatch
                | Self::Chunks
                | Self::Publish
        )
    }
}
