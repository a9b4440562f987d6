//! Buckets of S3, as they are given and stored.

use serde::{Deserialize, Serialize};

use super::ConfigurationError;
use crate::sources::files::Selection;
use crate::sources::sync::SyncSettings;

/// Longest beginning of keys, in bytes.
const MAX_PREFIX_BYTES: usize = 500;
/// How names of S3 end that stand for something else: an access point of any bucket, or a bucket of another kind.
const RESERVED_ENDS: [&str; 4] = ["-s3alias", "--ol-s3", "--x-s3", ".mrap"];

/// Objects of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Name of the bucket.
    pub bucket: String,
    /// Beginning of their keys, with a slash at its end; empty for all.
    #[serde(default)]
    pub prefix: String,
    /// Which of them.
    #[serde(flatten)]
    pub selection: Selection,
}

/// The same when it can be read at all, if it is allowed.
///
/// # Errors
/// See [`ConfigurationError`].
pub(super) fn checked(
    bucket: Bucket,
    settings: &SyncSettings,
) -> Result<Bucket, ConfigurationError> {
    let wrong =
        |pointer, detail: &str| Err(ConfigurationError { pointer, detail: detail.to_owned() });
    if !is_bucket_name(&bucket.bucket) {
        let detail = "must be the name of a bucket, not of an access point: 3 to 63 small letters, digits, dots and hyphens";
        return wrong("/configuration/bucket", detail);
    }
    if !is_prefix(&bucket.prefix) {
        let detail = "must be a beginning of keys with a slash at its end, as in docs/guide/, of 500 bytes at most, without . and .. as names";
        return wrong("/configuration/prefix", detail);
    }
    let selection = bucket.selection.checked(settings)?;
    Ok(Bucket { selection, ..bucket })
}

/// Whether a text is the name of a bucket. That of an access point, its alias, or an address, is none: nobody could tell which
/// bucket is behind it.
pub fn is_bucket_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.first().is_some_and(|byte| is_plain(*byte))
        && bytes.last().is_some_and(|byte| is_plain(*byte))
        && bytes.iter().all(|byte| is_plain(*byte) || matches!(byte, b'.' | b'-'))
        && !text.contains("..")
        && !RESERVED_ENDS.iter().any(|end| text.ends_with(end))
}

/// Whether a text is a beginning of keys that ends where a folder does: `acme` would be one of `acme-secrets/` too. No name in it
/// leads elsewhere: S3 takes `..` for a name as any other, but what stands before it may not.
pub fn is_prefix(text: &str) -> bool {
    let is_plain = !text.chars().any(char::is_control)
        && !text.split('/').any(|name| matches!(name, "." | ".."));
    text.len() <= MAX_PREFIX_BYTES && is_plain && (text.is_empty() || text.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_and_beginnings_of_keys_are_told_from_other_texts() {
        for name in ["abc", "acme-docs.1", "acme-s3alias-1", "x-s3", &"x".repeat(63)] {
            assert!(is_bucket_name(name), "{name}");
        }
        for text in [
            "",
            "ab",
            "Abc",
            "-ab",
            "ab-",
            "a/b",
            "a b",
            "a..b",
            "docs-h8k2x9-s3alias",
            "docs-h8k2x9--ol-s3",
            "docs--use1-az4--x-s3",
            "docs.mrap",
            "arn:aws:s3:::abc",
            &"x".repeat(64),
            "\u{e4}bc",
        ] {
            assert!(!is_bucket_name(text), "{text}");
        }
        for prefix in ["", "docs/", "a b/\u{fc}/", &format!("{}/", "x".repeat(499))] {
            assert!(is_prefix(prefix), "{prefix}");
        }
        let long = format!("{}/", "x".repeat(500));
        for text in ["docs", "do\u{0}cs/", "docs/../", "./", "docs/./a/", "../docs/", &long] {
            assert!(!is_prefix(text), "{text}");
        }
    }
}
