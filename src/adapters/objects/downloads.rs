//! Objects that are read by somebody else: what a store is told of it.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// An object that somebody may read at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Name under which it is saved: letters, digits, dots, dashes.
    pub file_name: String,
    /// From when the address is good.
    pub from: DateTime<Utc>,
    /// How long from then.
    pub life: Duration,
}
