//! `/v1/answers`.

use poem_openapi::param::Header;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::reply::{Form, Reply, reply};
use crate::chat::assistants::Choice;
use crate::chat::run::{Chat, Question};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::problem::ApiError;
use crate::web::reading::question_text;
use crate::web::spec::Tag;

/// A single question.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct AnswerCreate {
    /// The question, in plain words; of as many characters as `PIDIMA_MAX_QUESTION_CHARS` says, 4,000 if nothing else.
    #[oai(validator(min_length = 1, max_length = 100000))]
    question: String,
    /// Collections to ask; all when absent or empty.
    #[oai(validator(max_items = 50))]
    collection_ids: Option<Vec<Uuid>>,
    /// Assistant that is to answer; the tenant's default one when absent.
    assistant_id: Option<Uuid>,
    /// Whether its draft is to be tried in place of what is published; needs the role editor and the scope `documents:write`.
    draft: Option<bool>,
}

impl Example for AnswerCreate {
    fn example() -> Self {
        Self {
            question: "How do I create an API key?".to_owned(),
            collection_ids: None,
            assistant_id: None,
            draft: None,
        }
    }
}

#[derive(ApiResponse)]
enum AskResponse {
    /// The answer: whole for `Accept: application/json`, as it comes for `Accept: text/event-stream`.
    #[oai(status = 200)]
    Ok(
        Reply,
        /// Quotas whose soft limit is reached, as `questions;subject=person;period=day`, separated by commas.
        #[oai(header = "Pidima-Quota-Warning")]
        Option<String>,
    ),
}

impl From<(Reply, Option<String>)> for AskResponse {
    fn from((reply, quota_warning): (Reply, Option<String>)) -> Self {
        Self::Ok(reply, quota_warning)
    }
}

/// Operations on single questions.
pub struct AnswersApi {
    /// The chat service.
    pub chat: Chat,
    /// Longest question, in characters.
    pub max_question_chars: u32,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Chat")]
impl AnswersApi {
    /// Ask a single question
    ///
    /// Answers one question from the documentation, with citations, outside any conversation. Question and answer are
    /// kept: `message_id` finds the answer again.
    #[oai(path = "/answers", method = "post", operation_id = "create_answer")]
    async fn create_answer(
        &self,
        caller: Caller,
        /// `text/event-stream` for a stream of events, `application/json` for the whole answer.
        #[oai(name = "Accept", validator(max_length = 500))]
        accept: Header<Option<String>>,
        body: Once<JsonBody<AnswerCreate>>,
    ) -> Result<Replayable<AskResponse>, ApiError> {
        let actor = caller.require(Action::Ask)?;
        let (body, claim) = body.by(actor.id());
        let is_draft = body.0.draft.unwrap_or_default();
        if is_draft {
            caller.require(Action::AssistantWrite)?;
        }
        let form = Form::of(accept.0.as_deref())?;
        let mut collection_ids = body.0.collection_ids.unwrap_or_default();
        collection_ids.sort_unstable();
        collection_ids.dedup();
        let question = Question {
            tenant: actor.tenant,
            reader: actor.into(),
            asked_by: actor.id(),
            charged: actor.into(),
            session_id: None,
            assistant: Choice { assistant_id: body.0.assistant_id, is_draft },
            collection_ids,
            content: question_text("/question", &body.0.question, self.max_question_chars)?,
            claim,
            noted: Vec::new(),
        };
        let started = self.chat.start(question).await?;
        reply(&self.chat, started, form).await
    }
}
