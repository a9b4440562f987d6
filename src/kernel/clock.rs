//! The time as the database keeps it: what is answered at once and what is read later must be the same.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, to the microsecond: PostgreSQL keeps no more.
pub fn now() -> DateTime<Utc> {
    stored(Utc::now())
}

/// A time as it is read back once it was stored.
pub fn stored(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}
