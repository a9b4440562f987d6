//! Large uploads as they are asked for and shown, and what is told of their faults.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde_json::{Value, json};
use uuid::Uuid;

use super::upload::{check_metadata, check_url, document_name};
use crate::db;
use crate::knowledge::uploads::{
    Completion, NamedPart, NewUpload, PlacedPart, Upload, UploadError,
};
use crate::web::problem::{ApiError, ProblemCode};

/// SHA-256 of the file of the examples, `# Pumps` and a sentence.
const EXAMPLE_SHA256: &str = "97e92c4ebf762bf534462e05331bf02ba4848f1bc1d947ebd5e0275e9056662b";

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "UploadState", rename_all = "snake_case")]
pub enum UploadStateName {
    /// Parts are taken.
    Open,
    /// It was completed, and nobody has said yet what came of it: complete it again.
    Completing,
    /// There is a document.
    Completed,
    /// There will be none; `failure` says why.
    Failed,
    /// Its time is over; it is removed soon.
    Expired,
}

/// A large file to be uploaded.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct UploadCreate {
    /// Name or path within the collection. The same name again is a new version of the document.
    #[oai(validator(min_length = 1, max_length = 1000))]
    name: String,
    /// Size of the file in bytes, exactly.
    #[oai(validator(minimum(value = "1"), maximum(value = "5368709120")))]
    size_bytes: i64,
    /// Media type of the file, as far as it is known.
    #[oai(validator(max_length = 200))]
    content_type: Option<String>,
    /// SHA-256 of the file in hexadecimal digits, where it is known already; else it is told when the upload is completed.
    #[oai(validator(min_length = 64, max_length = 64))]
    sha256: Option<String>,
    /// Collection; the one named "default" when absent, which is made when needed.
    collection_id: Option<Uuid>,
    /// Where a reader finds the original; citations link there.
    #[oai(validator(max_length = 2000))]
    source_url: Option<String>,
    /// An object of your own, for filters.
    metadata: Option<Value>,
}

impl Example for UploadCreate {
    fn example() -> Self {
        Self {
            name: "pumps.md".to_owned(),
            size_bytes: 33,
            content_type: Some("text/markdown".to_owned()),
            sha256: None,
            collection_id: None,
            source_url: None,
            metadata: Some(json!({ "product": "pump" })),
        }
    }
}

impl UploadCreate {
    /// What is to be begun.
    ///
    /// # Errors
    /// 422 that names the field.
    pub(super) fn into_new(self) -> Result<NewUpload, ApiError> {
        self.source_url.as_deref().map(check_url).transpose()?;
        self.metadata.as_ref().map(check_metadata).transpose()?;
        Ok(NewUpload {
            name: document_name(&self.name)?,
            collection_id: self.collection_id,
            declared_type: self.content_type.filter(|text| !text.contains(char::is_control)),
            source_url: self.source_url,
            metadata: self.metadata,
            size_bytes: self.size_bytes.unsigned_abs(),
            sha256: self.sha256.as_deref().map(digest).transpose()?,
        })
    }
}

/// A part that was sent.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct UploadedPart {
    /// Number of the part, from 1.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    part_number: i32,
    /// The header `ETag` of the answer to the part, with or without its quotes.
    #[oai(validator(min_length = 1, max_length = 200))]
    etag: String,
}

/// All parts of an upload, and the digest of the whole file.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct UploadComplete {
    /// Each part once, in order.
    #[oai(validator(min_items = 1, max_items = 10000))]
    parts: Vec<UploadedPart>,
    /// SHA-256 of the whole file in hexadecimal digits.
    #[oai(validator(min_length = 64, max_length = 64))]
    sha256: String,
}

impl Example for UploadComplete {
    fn example() -> Self {
        let etag = EXAMPLE_SHA256.to_owned();
        let parts = vec![UploadedPart { part_number: 1, etag: etag.clone() }];
        Self { parts, sha256: etag }
    }
}

impl UploadComplete {
    /// What is said of the upload.
    ///
    /// # Errors
    /// 422 that names the field.
    pub(super) fn into_completion(self) -> Result<Completion, ApiError> {
        let named = |part: UploadedPart| NamedPart {
            number: part.part_number.unsigned_abs(),
            etag: part.etag,
        };
        let parts = self.parts.into_iter().map(named).collect();
        Ok(Completion { parts, sha256: digest(&self.sha256)? })
    }
}

/// Why an upload failed.
#[derive(Debug, Object)]
pub struct UploadFailure {
    /// For programs: `checksum_mismatch`, `size_mismatch`, `unsupported_media_type`, `unreadable`, `collection_gone` or
    /// `parts_lost`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// What happened and what to do about it.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// A part, and where it is sent to.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct UploadPart {
    /// Number of the part, from 1.
    part_number: i32,
    /// Size that it must have, in bytes.
    size_bytes: i64,
    /// Mark of what has arrived of it; absent when nothing has.
    #[oai(validator(max_length = 200))]
    etag: Option<String>,
    /// Where it is sent to with `PUT`; whoever has the address may send it. An address without a server is one of this API.
    /// Absent when no parts are taken any more.
    #[oai(validator(max_length = 10000))]
    url: Option<String>,
    /// Headers to be sent along, by name.
    headers: Option<BTreeMap<String, String>>,
    /// Until when the address is good; get the upload again for another one.
    expires_at: Option<DateTime<Utc>>,
}

/// A large file that is sent in parts.
#[derive(Debug, Object)]
#[oai(rename = "Upload", skip_serializing_if_is_none)]
pub struct UploadView {
    /// Id of the upload.
    id: Uuid,
    /// Collection of the document to come.
    collection_id: Uuid,
    /// Name of the document to come.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Size of the file, in bytes.
    size_bytes: i64,
    /// Size of each part but the last one, in bytes.
    part_size_bytes: i64,
    /// Where the upload stands.
    state: UploadStateName,
    /// Why it failed.
    failure: Option<UploadFailure>,
    /// The document that it made.
    document_id: Option<Uuid>,
    /// Its parts, in order.
    #[oai(validator(max_items = 10000))]
    parts: Vec<UploadPart>,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// Until when it must be completed.
    expires_at: DateTime<Utc>,
}

impl UploadView {
    pub(super) fn of(upload: Upload, parts: Vec<PlacedPart>) -> db::Result<Self> {
        Ok(Self {
            id: upload.upload_id,
            state: UploadStateName::of(&upload)?,
            failure: UploadFailure::of(&upload),
            document_id: document_of(&upload),
            collection_id: upload.collection_id,
            name: upload.name,
            size_bytes: upload.size_bytes,
            part_size_bytes: upload.part_bytes,
            parts: parts.into_iter().map(UploadPart::from).collect(),
            created_at: upload.created_at,
            expires_at: upload.expires_at,
        })
    }
}

/// An upload among others, without its parts: get the upload for these.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct UploadSummary {
    /// Id of the upload.
    id: Uuid,
    /// Collection of the document to come.
    collection_id: Uuid,
    /// Name of the document to come.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Size of the file, in bytes.
    size_bytes: i64,
    /// How many parts it has.
    part_count: i32,
    /// Where the upload stands.
    state: UploadStateName,
    /// Why it failed.
    failure: Option<UploadFailure>,
    /// The document that it made.
    document_id: Option<Uuid>,
    /// When it was begun.
    created_at: DateTime<Utc>,
    /// Until when it must be completed.
    expires_at: DateTime<Utc>,
}

/// A page of uploads.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct UploadList {
    /// Uploads, newest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<UploadSummary>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

impl TryFrom<Upload> for UploadSummary {
    type Error = db::Error;

    fn try_from(upload: Upload) -> db::Result<Self> {
        Ok(Self {
            id: upload.upload_id,
            state: UploadStateName::of(&upload)?,
            failure: UploadFailure::of(&upload),
            document_id: document_of(&upload),
            part_count: i32::try_from(upload.part_count()).unwrap_or(i32::MAX),
            collection_id: upload.collection_id,
            name: upload.name,
            size_bytes: upload.size_bytes,
            created_at: upload.created_at,
            expires_at: upload.expires_at,
        })
    }
}

impl UploadFailure {
    fn of(upload: &Upload) -> Option<Self> {
        let code = upload.failure_code.clone()?;
        Some(Self { code, detail: upload.failure_detail.clone().unwrap_or_default() })
    }
}

/// The document that an upload made, as the answer to its completion names it.
fn document_of(upload: &Upload) -> Option<Uuid> {
    let told: Value = serde_json::from_str(upload.answer.as_deref()?).ok()?;
    told["id"].as_str()?.parse().ok()
}

impl UploadStateName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Completing => "completing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    fn of(upload: &Upload) -> db::Result<Self> {
        if upload.is_expired() {
            return Ok(Self::Expired);
        }
        match upload.state.as_str() {
            "open" => Ok(Self::Open),
            "completing" => Ok(Self::Completing),
            "completed" => Ok(Self::Completed),
            "failed" => Ok(Self::Failed),
            other => Err(db::Error::Inconsistent {
                table: "uploads",
                detail: format!("the state {other} is shown to nobody"),
            }),
        }
    }
}

impl From<PlacedPart> for UploadPart {
    fn from(part: PlacedPart) -> Self {
        let (url, headers, expires_at) = match part.place {
            Some(place) => {
                (Some(place.url), Some(place.headers.into_iter().collect()), Some(place.until))
            }
            None => (None, None, None),
        };
        Self {
            part_number: i32::try_from(part.number).unwrap_or(i32::MAX),
            size_bytes: i64::try_from(part.size).unwrap_or(i64::MAX),
            etag: part.etag,
            url,
            headers,
            expires_at,
        }
    }
}

/// A digest in hexadecimal digits.
fn digest(text: &str) -> Result<[u8; 32], ApiError> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest)
        .map_err(|_| ApiError::invalid("/sha256", "must be 64 hexadecimal digits"))?;
    Ok(digest)
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let detail = error.to_string();
        match error {
            UploadError::Unknown => Self::not_found("upload"),
            UploadError::TooLarge(_) => Self::invalid("/size_bytes", detail),
            UploadError::TooMany(_)
            | UploadError::Expired(_)
            | UploadError::NotOpen(_)
            | UploadError::Completed => Self::new(ProblemCode::Conflict, detail),
            UploadError::Failed { code, .. } => match code.as_str() {
                "checksum_mismatch" => Self::invalid("/sha256", detail),
                "unsupported_media_type" => Self::new(ProblemCode::UnsupportedMediaType, detail),
                "collection_gone" | "parts_lost" => Self::new(ProblemCode::Conflict, detail),
                _ => Self::new(ProblemCode::ValidationFailed, detail),
            },
            UploadError::Invalid { pointer, .. } => Self::invalid(&pointer, detail),
            UploadError::BadToken => Self::new(ProblemCode::Unauthenticated, detail),
            UploadError::NoSecret => Self::new(ProblemCode::Unavailable, detail),
            UploadError::Sign(error) => Self::internal(error),
            UploadError::Receive(error) => error.into(),
        }
    }
}
