//! `/v1/feedback`, and the feedback on an answer or on a citation.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::feedback_views::{
    CitationFeedbackUpdate, FeedbackList, FeedbackView, MessageFeedbackUpdate, RatingName,
};
use crate::chat::feedback::{Rated, Verdict, give_feedback, take_back_feedback};
use crate::chat::readable::readable_answer;
use crate::chat::store::feedback::FeedbackFilter;
use crate::db::{Db, Keyset};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::web::body::JsonBody;
use crate::web::paging::{MAX_LIMIT, encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "feedback";

#[derive(ApiResponse)]
enum DeleteResponse {
    /// You say nothing of it (any more).
    #[oai(status = 204)]
    Deleted,
}

/// Operations on feedback.
pub struct FeedbackApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl FeedbackApi {
    /// Rate an answer
    ///
    /// Says whether the answer helped, why, and what you want to add. You have one word on each answer: it takes the
    /// place of what you said before. Whoever may read an answer may rate it.
    #[oai(
        path = "/messages/:message_id/feedback",
        method = "put",
        operation_id = "update_message_feedback"
    )]
    async fn update_message_feedback(
        &self,
        caller: Caller,
        /// Id of the answer.
        message_id: Path<Uuid>,
        body: JsonBody<MessageFeedbackUpdate>,
    ) -> Result<Json<FeedbackView>, ApiError> {
        let actor = caller.require(Action::FeedbackWrite)?;
        self.give(actor, Rated::Answer(message_id.0), body.0.into()).await
    }

    /// Take back the rating of an answer
    ///
    /// Doing it again changes nothing. Ratings of others stay.
    #[oai(
        path = "/messages/:message_id/feedback",
        method = "delete",
        operation_id = "delete_message_feedback"
    )]
    async fn delete_message_feedback(
        &self,
        caller: Caller,
        /// Id of the answer.
        message_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::FeedbackWrite)?;
        self.take_back(actor, Rated::Answer(message_id.0)).await
    }

    /// List own ratings of an answer
    ///
    /// What you said of the answer and of its citations, newest first.
    #[oai(
        path = "/messages/:message_id/feedback",
        method = "get",
        operation_id = "list_message_feedback"
    )]
    async fn list_message_feedback(
        &self,
        caller: Caller,
        /// Id of the answer.
        message_id: Path<Uuid>,
    ) -> Result<Json<FeedbackList>, ApiError> {
        let actor = caller.require(Action::ConversationRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        if readable_answer(&mut tx, actor, message_id.0).await?.is_none() {
            return Err(ApiError::not_found("message"));
        }
        let filter = FeedbackFilter {
            message_id: Some(message_id.0),
            given_by: Some(actor.id()),
            rating: None,
        };
        let page = tx.list_feedback(filter, Keyset { after: None, limit: MAX_LIMIT }).await?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(Json(FeedbackList { items, next_cursor: None }))
    }

    /// Rate a citation
    ///
    /// Says whether the passage carries the claim. You have one word on each citation: it takes the place of what you
    /// said before. Whoever may read the answer may rate its citations.
    #[oai(
        path = "/citations/:citation_id/feedback",
        method = "put",
        operation_id = "update_citation_feedback"
    )]
    async fn update_citation_feedback(
        &self,
        caller: Caller,
        /// Id of the citation.
        citation_id: Path<Uuid>,
        body: JsonBody<CitationFeedbackUpdate>,
    ) -> Result<Json<FeedbackView>, ApiError> {
        let actor = caller.require(Action::FeedbackWrite)?;
        self.give(actor, Rated::Citation(citation_id.0), body.0.into()).await
    }

    /// Take back the rating of a citation
    ///
    /// Doing it again changes nothing. Ratings of others stay.
    #[oai(
        path = "/citations/:citation_id/feedback",
        method = "delete",
        operation_id = "delete_citation_feedback"
    )]
    async fn delete_citation_feedback(
        &self,
        caller: Caller,
        /// Id of the citation.
        citation_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::FeedbackWrite)?;
        self.take_back(actor, Rated::Citation(citation_id.0)).await
    }

    /// List feedback
    ///
    /// What everybody said of answers and citations, newest first. Needs the role admin or analyst.
    #[oai(path = "/feedback", method = "get", operation_id = "list_feedback")]
    async fn list_feedback(
        &self,
        caller: Caller,
        /// Only feedback with this rating.
        rating: Query<Option<RatingName>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<FeedbackList>, ApiError> {
        let actor = caller.require(Action::FeedbackRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let filter = FeedbackFilter {
            rating: rating.0.map(RatingName::as_row),
            ..FeedbackFilter::default()
        };
        let page = self.db.tenant(actor.tenant).await?.list_feedback(filter, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(Json(FeedbackList { items, next_cursor }))
    }

    async fn give(
        &self,
        actor: &Actor,
        rated: Rated,
        verdict: Verdict,
    ) -> Result<Json<FeedbackView>, ApiError> {
        let mut tx = self.db.tenant(actor.tenant).await?;
        let given = give_feedback(&mut tx, actor, rated, &verdict).await?;
        let feedback = given.ok_or_else(|| ApiError::not_found(rated.noun()))?;
        tx.commit().await?;
        Ok(Json(feedback.into()))
    }

    async fn take_back(&self, actor: &Actor, rated: Rated) -> Result<DeleteResponse, ApiError> {
        let mut tx = self.db.tenant(actor.tenant).await?;
        if !take_back_feedback(&mut tx, actor, rated).await? {
            return Err(ApiError::not_found(rated.noun()));
        }
        tx.commit().await?;
        Ok(DeleteResponse::Deleted)
    }
}
