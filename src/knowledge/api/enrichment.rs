//! What a model wrote: `/v1/documents/{document_id}/enrichment` and `/v1/collections/{collection_id}/suggested_questions`.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::enrichment_views::{EnrichmentView, SuggestedQuestionView};
use crate::db::Db;
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::Reach;
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

/// Questions that are shown when nobody says how many.
const QUESTIONS: u32 = 10;

/// Questions to begin with.
#[derive(Debug, Object)]
pub struct SuggestedQuestions {
    /// Questions, first one of each document, then a second one of each.
    #[oai(validator(max_items = 50))]
    items: Vec<SuggestedQuestionView>,
}

/// Operations on what a model wrote.
pub struct EnrichmentApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl EnrichmentApi {
    /// Get what a model wrote about a document
    ///
    /// Summary and questions of the version that is in search, and how far the headings in context of its passages came.
    #[oai(
        path = "/documents/:document_id/enrichment",
        method = "get",
        operation_id = "get_document_enrichment"
    )]
    async fn get_document_enrichment(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
    ) -> Result<Json<EnrichmentView>, ApiError> {
        let actor = caller.require(Action::DocumentRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let found = tx.find_document_enrichment(document_id.0).await?;
        let found = found
            .filter(|found| reach.holds(found.collection_id))
            .ok_or_else(|| ApiError::not_found("document"))?;
        Ok(Json(EnrichmentView::of(document_id.0, found)?))
    }

    /// Get questions to begin with
    ///
    /// Questions that documents of a collection answer, as a model suggested them. Empty where none was written; those of a
    /// collection that was switched off stay until their document has its next version. They are only as trustworthy as the
    /// documents. A widget can offer them: its publishable key and its tokens may read them.
    #[oai(
        path = "/collections/:collection_id/suggested_questions",
        method = "get",
        operation_id = "get_suggested_questions"
    )]
    async fn get_suggested_questions(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Questions wanted; 10 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "50")))]
        limit: Query<Option<u32>>,
    ) -> Result<Json<SuggestedQuestions>, ApiError> {
        let actor = caller.require(Action::SuggestionRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        if !tx.has_collections(&reach, &[collection_id.0]).await? {
            return Err(ApiError::not_found("collection"));
        }
        let most = i64::from(limit.0.unwrap_or(QUESTIONS));
        let found = tx.list_suggested_questions(&reach, collection_id.0, most).await?;
        let items = found.into_iter().map(SuggestedQuestionView::from).collect();
        Ok(Json(SuggestedQuestions { items }))
    }
}
