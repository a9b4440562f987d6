//! Where and how a source is read, as it is stored.

mod archive;
mod bucket;
mod website;

use serde::Deserialize;
use serde_json::Value;

pub use archive::Archive;
pub use bucket::{Bucket, is_bucket_name, is_prefix};
pub use website::{Discovery, Website};

use super::sync::SyncSettings;
use crate::adapters::outbound::Outbound;
use crate::db;

/// Name of the kind of sources that are web sites.
const WEBSITE: &str = "website";
/// Name of the kind of sources that are archives.
const ARCHIVE: &str = "archive";
/// Name of the kind of sources that are buckets of S3.
const BUCKET: &str = "s3";

/// Where and how, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// Pages of a web site.
    Website(Website),
    /// Files of an archive.
    Archive(Archive),
    /// Objects of a bucket.
    Bucket(Bucket),
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ConfigurationError {
    /// Field of the configuration, as a JSON pointer.
    pub pointer: &'static str,
    /// What to do.
    pub detail: String,
}

impl Configuration {
    /// Name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Website(_) => WEBSITE,
            Self::Archive(_) => ARCHIVE,
            Self::Bucket(_) => BUCKET,
        }
    }

    /// From the columns of a row.
    ///
    /// # Errors
    /// The row holds something else.
    pub fn from_row(kind: &str, configuration: &Value) -> db::Result<Self> {
        let fault = |detail: String| db::Error::Inconsistent { table: "sources", detail };
        let read = match kind {
            WEBSITE => Website::deserialize(configuration).map(Self::Website),
            ARCHIVE => Archive::deserialize(configuration).map(Self::Archive),
            BUCKET => Bucket::deserialize(configuration).map(Self::Bucket),
            _ => return Err(fault(format!("kind \"{kind}\""))),
        };
        read.map_err(|error| fault(error.to_string()))
    }

    /// For the column of a row.
    pub fn to_row(&self) -> Value {
        let row = match self {
            Self::Website(website) => serde_json::to_value(website),
            Self::Archive(archive) => serde_json::to_value(archive),
            Self::Bucket(bucket) => serde_json::to_value(bucket),
        };
        row.unwrap_or_default()
    }

    /// The same with its address as it is understood, when it can be read at all.
    ///
    /// # Errors
    /// See [`ConfigurationError`].
    pub fn checked(
        self,
        outbound: &Outbound,
        settings: &SyncSettings,
    ) -> Result<Self, ConfigurationError> {
        match self {
            Self::Website(website) => {
                website::checked(website, outbound, settings).map(Self::Website)
            }
            Self::Archive(archive) => {
                archive::checked(archive, outbound, settings).map(Self::Archive)
            }
            Self::Bucket(bucket) => bucket::checked(bucket, settings).map(Self::Bucket),
        }
    }

    /// Most documents that are taken, where the source has a limit of its own.
    pub fn most(&self) -> Option<u32> {
        match self {
            Self::Website(website) => website.max_pages,
            Self::Archive(archive) => archive.selection.max_files,
            Self::Bucket(bucket) => bucket.selection.max_files,
        }
    }

    /// Whether a run begins at one page or list, without which it comes to nothing.
    pub fn begins_at_one(&self) -> bool {
        match self {
            Self::Website(_) => true,
            Self::Archive(_) | Self::Bucket(_) => false,
        }
    }

    /// What to say of a run that found nothing which belongs to the source.
    pub fn nothing_found(&self) -> &'static str {
        match self {
            Self::Website(_) => {
                "the sitemap names no page that belongs to the source; look at the host of its pages, and at path_prefix and exclude"
            }
            Self::Archive(_) => {
                "the archive has no file that belongs to the source; look at include and exclude, and at the formats that are read"
            }
            Self::Bucket(_) => {
                "the bucket has no object that belongs to the source; look at prefix, include and exclude, and at the formats that are read"
            }
        }
    }
}
