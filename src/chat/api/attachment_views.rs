//! Attachments as clients see them.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::ToJSON;
use uuid::Uuid;

use crate::db;
use crate::db::idempotency::Outcome;
use crate::knowledge::api::{Failure, StateName};
use crate::knowledge::{Document, Received};

/// A file of a session and where its newest version stands.
#[derive(Debug, Object)]
#[oai(rename = "Attachment", skip_serializing_if_is_none)]
pub struct AttachmentView {
    /// Id of the attachment; citations name it as their document.
    id: Uuid,
    /// File name, unique within the session.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Title found in the content, else the name.
    #[oai(validator(max_length = 2000))]
    title: String,
    /// Number of the newest version.
    version_number: i32,
    /// Where the newest version stands.
    state: StateName,
    /// Why the newest version was given up.
    failure: Option<Failure>,
    /// Whether answers can be made of it: also true while a newer version is being processed or has failed.
    searchable: bool,
    /// When it was first attached.
    created_at: DateTime<Utc>,
    /// When anything of it last changed.
    updated_at: DateTime<Utc>,
}

/// A page of attachments.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AttachmentList {
    /// Attachments, oldest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<AttachmentView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

/// What the sender of a file is told, as it is kept.
///
/// # Errors
/// A row holds what it never should.
pub fn answer(received: &Received) -> db::Result<Outcome> {
    let view = AttachmentView::try_from(received.document.clone())?;
    let status = if received.is_new_version { 202 } else { 200 };
    Ok(Outcome { status, body: Some(view.to_json_string()), ..Outcome::default() })
}

impl TryFrom<Document> for AttachmentView {
    type Error = db::Error;

    fn try_from(document: Document) -> db::Result<Self> {
        Ok(Self {
            id: document.document_id,
            name: document.name,
            title: document.title,
            version_number: document.version_number,
            state: StateName::from_row(&document.state)?,
            failure: Failure::from_row(document.failure_code, document.failure_detail),
            searchable: document.active_version_id.is_some(),
            created_at: document.created_at,
            updated_at: document.updated_at,
        })
    }
}
