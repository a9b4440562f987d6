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

/// The smallest time-ordered id of an instant: ids made before it are smaller (RFC 9562 5.7: 48 bits of milliseconds lead).
pub fn first_id_at(at: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
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
}
