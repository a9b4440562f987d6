//! Answers, citations and messages as clients see them: the same shapes in stream, JSON and history.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::chat::citations::Citation;
use crate::chat::run::{Answer, Outcome, Usage};
use crate::chat::store::messages::Message;
use crate::chat::withheld::WITHHELD;
use crate::knowledge::Reach;

/// How a run ended: `answered` with an answer; `partial` with a part of one, or with one that cites nothing; `no_answer` when
/// the documentation does not tell; `clarification` with a question back; `blocked` by the filter of the provider; `failed`
/// with nothing. `outcome_reason` says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Outcome", rename_all = "snake_case")]
pub enum OutcomeName {
    /// With an answer.
    Answered,
    /// With a part of an answer; `outcome_reason` says what is missing.
    Partial,
    /// The documentation does not tell.
    NoAnswer,
    /// With a question back.
    Clarification,
    /// The provider's filter withheld it.
    Blocked,
    /// With nothing.
    Failed,
}

/// Which passage a marker of an answer stands for, pinned to the version that was read.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Citation", skip_serializing_if_is_none)]
pub struct CitationView {
    /// The n of the marker `[n]` in the content.
    number: i32,
    /// Id of the citation.
    id: Uuid,
    /// Id of the passage; it is gone when a newer version is ready.
    chunk_id: Uuid,
    /// Document that was read.
    document_id: Uuid,
    /// Version that was read.
    version_id: Uuid,
    /// Number of that version.
    version_number: i32,
    /// Title of the document at the time.
    #[oai(validator(max_length = 2000))]
    document_title: String,
    /// Headings above the passage, outermost first.
    #[oai(validator(max_items = 20))]
    heading_path: Vec<String>,
    /// Page of the original on which the quote begins, from 1; absent for formats without pages.
    page: Option<i32>,
    /// Where a reader finds it: address of the original with the anchor of the section, or with a text fragment that
    /// leads to the quote.
    #[oai(validator(max_length = 4000))]
    url: Option<String>,
    /// First character of the quote in the extracted text of the version, from 0.
    char_start: i32,
    /// Character after the last one.
    char_end: i32,
    /// Words of the passage that the answer rests on.
    #[oai(validator(max_length = 20000))]
    quote: String,
    /// Whether the words of the answer were found in the quote.
    verified: bool,
    /// Whether a newer version is read by now, or the document is gone; false while an answer is being given.
    stale: bool,
}

/// Who answered and what it took.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Usage", skip_serializing_if_is_none)]
pub struct UsageView {
    /// Provider of the model, by its name in the settings.
    #[oai(validator(max_length = 100))]
    provider: String,
    /// Model that answered, or was to where none was asked.
    #[oai(validator(max_length = 200))]
    model: String,
    /// Tokens of the prompt, of all tries together; absent when nothing is known.
    input_tokens: Option<i64>,
    /// Tokens written, in all tries together; absent when nothing is known.
    output_tokens: Option<i64>,
    /// Of the tokens of the prompt, those that came from the provider's cache.
    cached_input_tokens: Option<i64>,
    /// Whether some of the tokens are made from lengths, since a provider did not count.
    estimated: bool,
    /// Price of both in US dollars; absent when no price is known.
    cost_usd: Option<f64>,
}

/// An answer with its citations.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Answer", skip_serializing_if_is_none)]
pub struct AnswerView {
    /// Message of the assistant.
    message_id: Uuid,
    /// Run that made it.
    run_id: Uuid,
    /// Conversation; absent for a single question.
    session_id: Option<Uuid>,
    /// Text in Markdown, with markers `[1]`, `[2]` of its citations.
    #[oai(validator(max_length = 200000))]
    content: String,
    /// Passages that the markers stand for, by number.
    #[oai(validator(max_items = 100))]
    citations: Vec<CitationView>,
    /// How the run ended.
    outcome: OutcomeName,
    /// Machine-readable reason, where the outcome has one. `partial`: `length`, `no_citations` (the text is whole and cites
    /// nothing), `model_failed`, `crashed`, `cancelled`, `interrupted`; `no_answer`: `no_candidates`, `below_threshold`,
    /// `model_abstained`, `attachments_unread`; `clarification`: `too_vague`; `blocked`: `content_filter`.
    #[oai(validator(max_length = 100))]
    outcome_reason: Option<String>,
    /// Who answered and what it took.
    usage: UsageView,
    /// When it was stored.
    created_at: DateTime<Utc>,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "MessageRole", rename_all = "snake_case")]
pub enum RoleName {
    /// The person who asks.
    User,
    /// The assistant.
    Assistant,
}

/// A question or an answer of the history.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Message", skip_serializing_if_is_none)]
pub struct MessageView {
    /// Id of the message.
    id: Uuid,
    /// Conversation; absent for a single question.
    session_id: Option<Uuid>,
    /// Run that the message started or ended.
    run_id: Uuid,
    /// Who wrote it.
    role: RoleName,
    /// Text; of an answer with markers `[1]`, `[2]` of its citations.
    #[oai(validator(max_length = 200000))]
    content: String,
    /// Whether the text is kept from you because it was made of a collection that you do not reach (any more).
    withheld: bool,
    /// Passages that the markers of an answer stand for, by number; empty for a question.
    #[oai(validator(max_items = 100))]
    citations: Vec<CitationView>,
    /// How the run ended; absent for a question.
    outcome: Option<OutcomeName>,
    /// Machine-readable reason, where the outcome has one. `partial`: `length`, `no_citations` (the text is whole and cites
    /// nothing), `model_failed`, `crashed`, `cancelled`, `interrupted`; `no_answer`: `no_candidates`, `below_threshold`,
    /// `model_abstained`, `attachments_unread`; `clarification`: `too_vague`; `blocked`: `content_filter`.
    #[oai(validator(max_length = 100))]
    outcome_reason: Option<String>,
    /// Who answered and what it took; absent for a question.
    usage: Option<UsageView>,
    /// When it was stored.
    created_at: DateTime<Utc>,
}

impl From<Outcome> for OutcomeName {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answered => Self::Answered,
            Outcome::Partial => Self::Partial,
            Outcome::NoAnswer => Self::NoAnswer,
            Outcome::Clarification => Self::Clarification,
            Outcome::Blocked => Self::Blocked,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl From<Citation> for CitationView {
    fn from(citation: Citation) -> Self {
        Self {
            number: citation.number,
            id: citation.citation_id,
            chunk_id: citation.chunk_id,
            document_id: citation.document_id,
            version_id: citation.version_id,
            version_number: citation.version_number,
            document_title: citation.document_title,
            heading_path: citation.heading_path,
            page: citation.page,
            url: citation.url,
            char_start: citation.char_start,
            char_end: citation.char_end,
            quote: citation.quote,
            verified: citation.verified,
            stale: citation.stale,
        }
    }
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a price far below 2^52 millionths")]
        let cost_usd = usage.cost_micro_usd.map(|micros| micros as f64 / 1e6);
        Self {
            provider: usage.provider,
            model: usage.model,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            estimated: usage.is_estimated,
            cost_usd,
        }
    }
}

impl From<Answer> for AnswerView {
    fn from(answer: Answer) -> Self {
        Self {
            message_id: answer.message_id,
            run_id: answer.run_id,
            session_id: answer.session_id,
            content: answer.content,
            citations: answer.citations.into_iter().map(Into::into).collect(),
            outcome: answer.outcome.into(),
            outcome_reason: answer.outcome_reason,
            usage: answer.usage.into(),
            created_at: answer.created_at,
        }
    }
}

impl MessageView {
    /// A message with its citations, as far as the reader's reach goes.
    pub fn new(message: Message, citations: Vec<Citation>, reach: &Reach) -> Self {
        let withheld = !reach.holds_all(&message.read_collection_ids);
        let citations = if withheld { Vec::new() } else { citations };
        let is_answer = message.role == "assistant";
        let usage = Usage {
            provider: message.provider.unwrap_or_default(),
            model: message.model.unwrap_or_default(),
            input_tokens: message.input_tokens,
            output_tokens: message.output_tokens,
            cost_micro_usd: message.cost_micro_usd,
            cached_input_tokens: message.cached_input_tokens,
            is_estimated: message.usage_estimated,
        };
        let outcome = message.outcome.as_deref().and_then(Outcome::from_row);
        Self {
            id: message.message_id,
            session_id: message.session_id,
            run_id: message.run_id,
            role: if is_answer { RoleName::Assistant } else { RoleName::User },
            content: if withheld { WITHHELD.to_owned() } else { message.content },
            withheld,
            citations: citations.into_iter().map(Into::into).collect(),
            outcome: outcome.filter(|_| is_answer).map(Into::into),
            outcome_reason: message.outcome_reason.filter(|_| is_answer),
            usage: is_answer.then(|| usage.into()),
            created_at: message.created_at,
        }
    }
}
