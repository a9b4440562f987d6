//! A trace as clients see it. Scores and times of search are the very types of its own operation.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use serde_json::Value;
use uuid::Uuid;

use super::views::{OutcomeName, UsageView};
use crate::adapters::models::Attempt;
use crate::chat::run::{Outcome, Usage};
use crate::chat::store::traces::{Candidate, TracedRun};
use crate::chat::trace::{DropReason, RunTrace};
use crate::knowledge::api::{HitExplanation, SearchExplanation};
use crate::knowledge::{Reach, UnreadAttachment};

/// Why the model was not given a passage: `below_cut` when enough others stand before it; `prompt_budget` when the prompt was
/// full; `below_threshold` when all that was found spoke too little for an answer, and no model was asked; `run_failed` when
/// the run ended before a model was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "DropReason", rename_all = "snake_case")]
pub enum DropReasonName {
    /// Others stand before it, and there are enough of them.
    BelowCut,
    /// The prompt was full.
    PromptBudget,
    /// No model was asked: all that was found spoke too little for an answer.
    BelowThreshold,
    /// The run ended before a model was asked.
    RunFailed,
}

/// A passage that search found for the question.
#[derive(Debug, Object)]
#[oai(rename = "TraceCandidate", skip_serializing_if_is_none)]
pub struct CandidateView {
    /// Place after fusion, from 1.
    rank: i32,
    /// Id of the passage; it may be gone since.
    chunk_id: Uuid,
    /// Document; it may be gone since.
    document_id: Uuid,
    /// Version that was read; it may be gone since.
    version_id: Uuid,
    /// Whether title and text are kept from you because you do not reach the collection.
    withheld: bool,
    /// Title of the document as it is now; absent when it is gone or withheld.
    #[oai(validator(max_length = 2000))]
    document_title: Option<String>,
    /// Headings above the passage, outermost first; absent when it is gone or withheld.
    #[oai(validator(max_items = 20))]
    heading_path: Option<Vec<String>>,
    /// The passage; absent when it is gone or withheld.
    #[oai(validator(max_length = 20000))]
    text: Option<String>,
    /// Reciprocal rank fusion of both searches.
    score: f64,
    /// How it was found.
    explanation: HitExplanation,
    /// Whether the model was given it.
    used: bool,
    /// Why the model was not given it; absent when it was.
    dropped: Option<DropReasonName>,
}

/// What the model was given.
#[derive(Debug, Object)]
#[oai(rename = "TracePrompt", skip_serializing_if_is_none)]
pub struct PromptView {
    /// Characters of the prompt; absent when no model was asked.
    chars: Option<i64>,
    /// Passages in it.
    passages: u32,
    /// Earlier messages of the conversation in it.
    history_messages: i32,
    /// Longest answer that was allowed, in tokens.
    max_output_tokens: Option<i32>,
}

/// A try of a provider.
#[derive(Debug, Object)]
#[oai(rename = "ProviderAttempt", skip_serializing_if_is_none)]
pub struct AttemptView {
    /// Name of the provider in the settings.
    #[oai(validator(max_length = 100))]
    provider: String,
    /// Model.
    #[oai(validator(max_length = 200))]
    model: String,
    /// `started`, or how it took over: `retried`, `restarted` or `continued`.
    #[oai(validator(max_length = 20))]
    mode: String,
    /// `answered`, `skipped` while its breaker is open, or the name of the error.
    #[oai(validator(max_length = 100))]
    outcome: String,
    /// HTTP status of a refusal.
    status: Option<i32>,
    /// Milliseconds to its first text; absent when there was none.
    first_token_ms: Option<i64>,
    /// Milliseconds to its end.
    total_ms: i64,
}

/// What was taken out of the model's text or made harmless.
#[derive(Debug, Default, Object)]
#[oai(rename = "FilteredItems")]
pub struct FilteredView {
    /// Links, addresses and link definitions.
    links: i64,
    /// Images.
    images: i64,
    /// HTML tags, commands of formulas, and the like.
    markup: i64,
    /// Characters that nobody sees.
    characters: i64,
}

/// Milliseconds of each stage; those of a stage that did not come are absent.
#[derive(Debug, Object)]
#[oai(rename = "TraceTimings", skip_serializing_if_is_none)]
pub struct TimingsView {
    /// To make the question that can be searched alone.
    prepare_ms: Option<f64>,
    /// The wait for the search, which may begin while the question is being stored.
    search_ms: Option<i32>,
    /// From the question to the first text.
    first_token_ms: Option<i32>,
    /// From the question to the end.
    total_ms: Option<i32>,
}

/// An attachment of the session that could not be searched as it was sent.
#[derive(Debug, Object)]
#[oai(rename = "UnreadAttachment")]
pub struct UnreadAttachmentView {
    /// Id of the attachment; it may be gone since.
    id: Uuid,
    /// File name.
    #[oai(validator(max_length = 1000))]
    name: String,
    /// Where it stood when the question was searched.
    #[oai(validator(max_length = 20))]
    state: String,
}

/// How an answer came about.
#[derive(Debug, Object)]
#[oai(rename = "Trace", skip_serializing_if_is_none)]
pub struct TraceView {
    /// Run that made the answer.
    run_id: Uuid,
    /// `running`, `completed`, `failed`, `interrupted` or `cancelled`.
    #[oai(validator(max_length = 20))]
    state: String,
    /// How the run ended; absent while it goes on.
    outcome: Option<OutcomeName>,
    /// Machine-readable reason, where the outcome has one. `partial`: `length`, `no_citations` (the text is whole and cites
    /// nothing), `model_failed`, `crashed`, `cancelled`, `interrupted`; `no_answer`: `no_candidates`, `below_threshold`,
    /// `model_abstained`, `attachments_unread`; `clarification`: `too_vague`; `blocked`: `content_filter`; `failed`:
    /// `search_failed`, `model_failed`, `question_too_long`, `storage_failed`, `session_deleted`, `crashed`, `cancelled`,
    /// `interrupted`.
    #[oai(validator(max_length = 100))]
    outcome_reason: Option<String>,
    /// Whether the question and its terms are kept from you because the answer was made of a collection that you do not
    /// reach.
    withheld: bool,
    /// The question as it was searched, with what the conversation adds.
    #[oai(validator(max_length = 200000))]
    standalone_question: Option<String>,
    /// How the search went; absent when the run ended before.
    search: Option<SearchExplanation>,
    /// Passages that were found, best first.
    #[oai(validator(max_items = 200))]
    candidates: Vec<CandidateView>,
    /// Attachments of the session that the answer could not be made of: they were still being read, or could not be.
    #[oai(validator(max_items = 1000))]
    unread_attachments: Vec<UnreadAttachmentView>,
    /// What the model was given.
    prompt: PromptView,
    /// Providers that were tried, in order.
    #[oai(validator(max_items = 50))]
    attempts: Vec<AttemptView>,
    /// Citation markers that the model made up, which were taken out.
    unknown_markers: i32,
    /// Images, links and the like that were taken out of the answer.
    filtered: FilteredView,
    /// How long each stage took.
    timings: TimingsView,
    /// Who answered and what it took; absent while the run goes on.
    usage: Option<UsageView>,
    /// When the question came.
    asked_at: DateTime<Utc>,
    /// When the run ended; absent while it goes on.
    ended_at: Option<DateTime<Utc>>,
}

impl TraceView {
    /// A trace as far as the reader's reach goes; `readable` is whether the answer's own text is.
    pub fn new(
        run: TracedRun,
        trace: RunTrace,
        candidates: Vec<Candidate>,
        reach: &Reach,
        readable: bool,
    ) -> Self {
        let passages = candidates.iter().filter(|candidate| candidate.used).count();
        let prompt = PromptView {
            chars: trace.prompt_chars,
            passages: u32::try_from(passages).unwrap_or(u32::MAX),
            history_messages: trace.history_messages,
            max_output_tokens: trace.max_output_tokens,
        };
        let timings = TimingsView {
            prepare_ms: trace.prepare_ms.map(f64::from),
            search_ms: run.search_ms,
            first_token_ms: run.first_token_ms,
            total_ms: run.total_ms,
        };
        // What was to answer stands in the row from the beginning.
        let answered = run.provider.filter(|_| run.ended_at.is_some());
        let usage = answered.map(|provider| Usage {
            provider,
            model: run.model.unwrap_or_default(),
            input_tokens: run.input_tokens,
            output_tokens: run.output_tokens,
            cached_input_tokens: run.cached_input_tokens,
            is_estimated: run.usage_estimated,
            cost_micro_usd: run.cost_micro_usd,
        });
        Self {
            run_id: run.run_id,
            state: run.state,
            outcome: run.outcome.as_deref().and_then(Outcome::from_row).map(Into::into),
            outcome_reason: run.outcome_reason,
            withheld: !readable,
            standalone_question: run.standalone_question.filter(|_| readable),
            search: search(&trace, readable),
            unread_attachments: trace.unread_attachments.into_iter().map(Into::into).collect(),
            candidates: candidates
                .into_iter()
                .map(|candidate| view(candidate, reach, readable))
                .collect(),
            prompt,
            attempts: run.attempts.0.into_iter().map(Into::into).collect(),
            unknown_markers: run.unknown_markers,
            filtered: run.filtered.as_ref().map(FilteredView::of).unwrap_or_default(),
            timings,
            usage: usage.map(Into::into),
            asked_at: run.created_at,
            ended_at: run.ended_at,
        }
    }
}

fn search(trace: &RunTrace, readable: bool) -> Option<SearchExplanation> {
    let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    Some(SearchExplanation {
        terms: if readable { trace.terms.clone() } else { Vec::new() },
        searched_chunks: trace.searched_chunks?,
        dense_candidates: count(trace.dense_candidates)?,
        lexical_candidates: count(trace.lexical_candidates)?,
        embed_ms: trace.embed_ms?.into(),
        dense_ms: trace.dense_ms?.into(),
        lexical_ms: trace.lexical_ms?.into(),
        fuse_ms: trace.fuse_ms?.into(),
    })
}

fn view(candidate: Candidate, reach: &Reach, readable: bool) -> CandidateView {
    // Of a document that is gone nothing is left to be kept from anybody.
    let withheld = candidate.collection_id.is_some_and(|id| !reach.holds(id));
    let dropped = candidate.dropped.as_deref().and_then(DropReason::from_row);
    CandidateView {
        rank: candidate.rank,
        chunk_id: candidate.chunk_id,
        document_id: candidate.document_id,
        version_id: candidate.version_id,
        withheld,
        document_title: candidate.document_title.filter(|_| !withheld),
        heading_path: candidate.heading_path.filter(|_| !withheld),
        text: candidate.text.filter(|_| !withheld),
        score: candidate.fused_score.into(),
        explanation: HitExplanation {
            dense_rank: candidate.dense_rank,
            similarity: candidate.similarity.map(Into::into),
            lexical_rank: candidate.lexical_rank,
            lexical_score: candidate.lexical_score.map(Into::into),
            matched_terms: if withheld || !readable { Vec::new() } else { candidate.matched_terms },
        },
        used: candidate.used,
        dropped: dropped.map(|reason| match reason {
            DropReason::BelowCut => DropReasonName::BelowCut,
            DropReason::PromptBudget => DropReasonName::PromptBudget,
            DropReason::BelowThreshold => DropReasonName::BelowThreshold,
            DropReason::RunFailed => DropReasonName::RunFailed,
        }),
    }
}

impl FilteredView {
    fn of(kinds: &Value) -> Self {
        let count = |kind: &str| kinds[kind].as_i64().unwrap_or_default();
        Self {
            links: count("links"),
            images: count("images"),
            markup: count("markup"),
            characters: count("characters"),
        }
    }
}

impl From<UnreadAttachment> for UnreadAttachmentView {
    fn from(unread: UnreadAttachment) -> Self {
        let UnreadAttachment { document_id, name, state } = unread;
        Self { id: document_id, name, state }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        Self {
            provider: attempt.provider,
            model: attempt.model,
            mode: attempt.mode,
            outcome: attempt.outcome,
            status: attempt.status.map(Into::into),
            first_token_ms: attempt.first_token_ms.map(Into::into),
            total_ms: attempt.total_ms.into(),
        }
    }
}
