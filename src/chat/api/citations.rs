//! `/v1/citations`.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::views::CitationView;
use crate::chat::readable::readable_answer;
use crate::chat::store::citations::{CitedDocument, CitedPassage, Context};
use crate::db::Db;
use crate::governance::note_reading;
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::kernel::ids::holds_attachments;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Characters before and after the quote when `context_chars` is not given.
const CONTEXT_CHARS: u32 = 600;

/// A version of a document.
#[derive(Debug, Object)]
#[oai(rename = "VersionReference")]
pub struct VersionReferenceView {
    /// Id of the version.
    version_id: Uuid,
    /// Its number, from 1.
    version_number: i32,
}

/// The document of a citation as it is now.
#[derive(Debug, Object)]
#[oai(rename = "CitedDocument", skip_serializing_if_is_none)]
pub struct CitedDocumentView {
    /// Id of the document.
    id: Uuid,
    /// Collection that it is in; absent for an attachment.
    collection_id: Option<Uuid>,
    /// Whether it is attached to the session of the answer.
    attached: bool,
    /// File name or path.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Title of the version that is read now.
    #[oai(validator(max_length = 2000))]
    title: String,
}

/// The quote within the extracted text of the version that was read.
#[derive(Debug, Object)]
#[oai(rename = "CitationContext")]
pub struct CitationContextView {
    /// Text before the quote, as much as was asked for.
    #[oai(validator(max_length = 4000))]
    before: String,
    /// Text at the range of the citation.
    #[oai(validator(max_length = 20000))]
    quote: String,
    /// Text after the quote, as much as was asked for.
    #[oai(validator(max_length = 4000))]
    after: String,
}

/// A citation with its passage in context.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct CitationDetail {
    /// The citation, as the answer has it.
    citation: CitationView,
    /// Answer that it belongs to.
    message_id: Uuid,
    /// Its document; absent once that is deleted.
    document: Option<CitedDocumentView>,
    /// Version that is read now in place of the one cited; absent when that is still read, or the document is deleted.
    superseded_by: Option<VersionReferenceView>,
    /// The quote in the text of the version that was read; absent once the document is deleted.
    context: Option<CitationContextView>,
}

/// Operations on citations.
pub struct CitationsApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl CitationsApi {
    /// Get a citation
    ///
    /// Shows the passage that a marker stands for in the text around it, from the version that was read, also when a
    /// newer one is read by now. Whoever may read the answer may look; a citation of a withheld answer is not found.
    #[oai(path = "/citations/:citation_id", method = "get", operation_id = "get_citation")]
    async fn get_citation(
        &self,
        caller: Caller,
        /// Id of the citation.
        citation_id: Path<Uuid>,
        /// Characters of the text before and after the quote; 600 when absent.
        #[oai(validator(minimum(value = "0"), maximum(value = "4000")))]
        context_chars: Query<Option<u32>>,
    ) -> Result<Json<CitationDetail>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let not_found = || ApiError::not_found("citation");
        let context_chars = i32::try_from(context_chars.0.unwrap_or(CONTEXT_CHARS));
        let mut tx = self.db.tenant(actor.tenant).await?;
        let (message_id, number) = tx.find_citation(citation_id.0).await?.ok_or_else(not_found)?;
        let answer = readable_answer(&mut tx, actor, message_id).await?.ok_or_else(not_found)?;
        let passage = tx
            .find_cited_passage(message_id, number, context_chars.unwrap_or(i32::MAX))
            .await?
            .ok_or_else(not_found)?;
        match answer.session_id {
            Some(id) => note_reading(&mut tx, actor, answer.seen_by, "session", id).await?,
            None => note_reading(&mut tx, actor, answer.seen_by, "message", message_id).await?,
        }
        tx.commit().await?;
        Ok(Json(passage.into()))
    }
}

impl From<CitedPassage> for CitationDetail {
    fn from(passage: CitedPassage) -> Self {
        let CitedPassage { message_id, citation, document, context } = passage;
        let superseded_by = document
            .as_ref()
            .and_then(|document| document.active_version)
            .filter(|(version_id, _)| *version_id != citation.version_id)
            .map(|(version_id, version_number)| VersionReferenceView {
                version_id,
                version_number,
            });
        Self {
            citation: citation.into(),
            message_id,
            document: document.map(Into::into),
            superseded_by,
            context: context.map(Into::into),
        }
    }
}

impl From<CitedDocument> for CitedDocumentView {
    fn from(document: CitedDocument) -> Self {
        let CitedDocument { document_id, collection_id, name, title, .. } = document;
        let attached = holds_attachments(collection_id);
        let collection_id = (!attached).then_some(collection_id);
        Self { id: document_id, collection_id, attached, name, title }
    }
}

impl From<Context> for CitationContextView {
    fn from(context: Context) -> Self {
        let Context { before, quote, after } = context;
        Self { before, quote, after }
    }
}
