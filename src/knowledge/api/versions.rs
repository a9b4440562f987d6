//! Versions of a document, as they are listed.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::payload::Json;
use uuid::Uuid;

use super::documents::{Failure, StateName};
use crate::db::{self, Db};
use crate::identity::Actor;
use crate::knowledge::Reach;
use crate::knowledge::store::versions::Version;
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;

const LIST: &str = "versions";

/// A version of a document: bytes as they were received.
#[derive(Debug, Object)]
#[oai(rename = "DocumentVersion", skip_serializing_if_is_none)]
pub struct VersionView {
    /// Id of the version.
    id: Uuid,
    /// Counts from 1 within the document.
    number: i32,
    /// Where it stands.
    state: StateName,
    /// Why it was given up.
    failure: Option<Failure>,
    /// What the bytes are.
    #[oai(validator(max_length = 100))]
    media_type: String,
    /// Size of the original, in bytes.
    size_bytes: i64,
    /// SHA-256 of the original, in hexadecimal.
    #[oai(validator(max_length = 64))]
    content_sha256: String,
    /// Characters of the extracted text.
    char_count: Option<i32>,
    /// Passages made of it.
    chunk_count: i32,
    /// How often a worker began to process it.
    attempts: i32,
    /// When it was received.
    created_at: DateTime<Utc>,
    /// When readers first saw it.
    ready_at: Option<DateTime<Utc>>,
}

/// A page of versions.
#[derive(Debug, Object)]
#[oai(rename = "DocumentVersionList", skip_serializing_if_is_none)]
pub struct VersionList {
    /// Versions, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<VersionView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

/// A page of versions of one document.
pub async fn list(
    db: &Db,
    actor: &Actor,
    document_id: Uuid,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<Json<VersionList>, ApiError> {
    let keyset = keyset(LIST, actor.tenant, limit, cursor)?;
    let mut tx = db.tenant(actor.tenant).await?;
    let reach = Reach::of(&mut tx, &actor.into()).await?;
    if tx.find_reached_document(&reach, document_id).await?.is_none() {
        return Err(ApiError::not_found("document"));
    }
    let page = tx.list_versions(document_id, keyset).await?;
    let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
    let items: db::Result<Vec<VersionView>> =
        page.items.into_iter().map(VersionView::try_from).collect();
    Ok(Json(VersionList { items: items?, next_cursor }))
}

impl TryFrom<Version> for VersionView {
    type Error = db::Error;

    fn try_from(version: Version) -> db::Result<Self> {
        Ok(Self {
            id: version.version_id,
            number: version.number,
            state: StateName::from_row(&version.state)?,
            failure: Failure::from_row(version.failure_code, version.failure_detail),
            media_type: version.media_type,
            size_bytes: version.size_bytes,
            content_sha256: hex::encode(version.content_sha256),
            char_count: version.char_count,
            chunk_count: version.chunk_count,
            attempts: version.attempts,
            created_at: version.created_at,
            ready_at: version.ready_at,
        })
    }
}
