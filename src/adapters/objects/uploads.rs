//! Objects that are sent in parts by somebody else: what a store is told and tells of them.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ObjectKey;

/// An upload as its store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreUpload {
    /// Key of the object that the parts will make.
    pub key: ObjectKey,
    /// The store's own id of the upload.
    pub id: String,
}

/// A part that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedPart {
    /// Number, from 1.
    pub number: u32,
    /// Size in bytes, exactly.
    pub size: u64,
    /// From when it may be sent.
    pub from: DateTime<Utc>,
    /// How long from then.
    pub life: Duration,
}

/// Where a part is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartPlace {
    /// To the store itself, with `PUT`.
    Signed {
        /// Address, good for anybody until its time is over.
        url: String,
        /// Headers to be sent along.
        headers: Vec<(String, String)>,
    },
    /// To us, who hand it to [`super::Objects::put_part`].
    Own,
}

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPart {
    /// Number, from 1.
    pub number: u32,
    /// The store's mark of its bytes, without quotes.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
}
