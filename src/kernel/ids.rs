//! Ids of the service: UUIDv7, so that ids order by time and a range of ids is a range of time.
//!
//! The tenant has a type of its own, because mixing it up with another id is the one mistake that must not compile.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A tenant. Never taken from a path, a query or a body: it comes from the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantId(Uuid);

impl TenantId {
    /// A new tenant's id.
    pub fn generate() -> Self {
        Self(new_id())
    }

    /// The id as stored in rows.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for TenantId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A new time-ordered id (RFC 9562, version 7).
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Version of ids with a meaning of our own (RFC 9562 5.8): of collections that belong to a session, and of calls of a model that
/// answer no question. Checks and statements of the database name it too.
const MARKED: u8 = 8;

/// The smallest time-ordered id of an instant: ids made before it are smaller (RFC 9562 5.7: 48 bits of milliseconds lead).
pub fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

/// The collection of a session's attachments: the id of the session, marked as such. So whoever meets the id in a row knows
/// without a look elsewhere that it is a conversation's.
pub fn attachments_of(session_id: Uuid) -> Uuid {
    marked(session_id)
}

/// Whether a collection is that of a session's attachments.
pub fn holds_attachments(collection_id: Uuid) -> bool {
    collection_id.get_version_num() == usize::from(MARKED)
}

/// A new id of a call of a model about a document. What it uses is counted where the runs of answers are: whoever adds those up
/// knows by its id that it is no question.
pub fn new_call_id() -> Uuid {
    marked(new_id())
}

fn marked(id: Uuid) -> Uuid {
    let mut bytes = id.into_bytes();
    bytes[6] = bytes[6] & 0x0f | MARKED << 4;
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn ids_lie_between_those_of_the_instants_around_them() {
        let (before, id) = (first_id_at(Utc::now()), new_id());
        assert!(before <= id && id < first_id_at(Utc::now() + TimeDelta::milliseconds(2)));
    }

    #[test]
    fn a_call_is_told_from_a_run_by_its_id_and_lies_in_the_same_time() {
        let (before, call) = (first_id_at(Utc::now()), new_call_id());
        assert!(before <= call && call < first_id_at(Utc::now() + TimeDelta::milliseconds(2)));
        assert_eq!((call.get_version_num(), new_id().get_version_num()), (8, 7));
        assert_ne!(call, new_call_id());
    }

    #[test]
    fn a_collection_of_attachments_is_told_from_its_id_and_each_session_has_its_own() {
        let (one, other) = (new_id(), new_id());
        assert!(!holds_attachments(one) && holds_attachments(attachments_of(one)));
        assert_eq!(attachments_of(one).get_variant(), uuid::Variant::RFC4122);
        assert_ne!(attachments_of(one), attachments_of(other));
        assert_eq!(attachments_of(attachments_of(one)), attachments_of(one));
        let without_version = |id: Uuid| id.as_u128() & !(0xf << 76);
        assert_eq!(without_version(one), without_version(attachments_of(one)));
    }
}
