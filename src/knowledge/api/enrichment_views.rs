//! What the API shows of enrichment.

use chrono::{DateTime, Utc};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::db;
use crate::knowledge::EnrichmentError;
use crate::knowledge::store::enrichment::{DocumentEnrichment, SuggestedQuestion};
use crate::web::problem::{ApiError, ProblemCode};

/// Whether a model writes about documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "EnrichmentSwitch", rename_all = "snake_case")]
pub enum EnrichmentSwitchName {
    /// It does not; what it wrote before stays in use.
    Off,
    /// It writes a heading in context for each passage, a summary and questions for each document.
    On,
}

/// Why enrichment of a collection stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum EnrichmentWait {
    /// The server has no model that writes: passages are found by their headings.
    NoModel,
    /// What the collection may use in this month is used up.
    CollectionBudget,
    /// What the tenant may use for enrichment in this month is used up.
    TenantBudget,
    /// A quota of the tenant is used up.
    TenantQuota,
}

/// How far the enrichment of a document came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum EnrichmentState {
    /// The collection is switched off, and not all was written; what was written before stays in use.
    Off,
    /// The server has no model that writes: the headings above each passage serve.
    Headings,
    /// It waits for its turn; `reason` says for what else, if so.
    Waiting,
    /// A worker is at it.
    Running,
    /// All was written, and passages are found by it.
    Completed,
    /// Given up; `reason` says why. The document is found as before.
    Failed,
}

/// Why a document is not enriched yet.
#[derive(Clone, Debug, Object)]
#[oai(rename = "EnrichmentReason")]
pub struct ReasonView {
    /// For programs, e.g. `collection_budget`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// What happened and what to do about it.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// What a model wrote about a document.
#[derive(Debug, Object)]
#[oai(rename = "DocumentEnrichment", skip_serializing_if_is_none)]
pub struct EnrichmentView {
    /// Document.
    document_id: Uuid,
    /// How far it came.
    state: EnrichmentState,
    /// Why it is not completed, where there is more to tell.
    reason: Option<ReasonView>,
    /// Passages that get a heading in context.
    passages: i32,
    /// How many of them the model was asked for.
    contexts: i32,
    /// Summary of the document; absent while there is none.
    #[oai(validator(max_length = 10000))]
    summary: Option<String>,
    /// Questions that the document answers.
    #[oai(validator(max_items = 50, max_length = 2000))]
    suggested_questions: Vec<String>,
    /// When something was last achieved; absent before it had a turn.
    updated_at: Option<DateTime<Utc>>,
}

/// A question to begin with.
#[derive(Debug, Object)]
#[oai(rename = "SuggestedQuestion")]
pub struct SuggestedQuestionView {
    /// Question.
    #[oai(validator(max_length = 2000))]
    question: String,
    /// Document that answers it.
    document_id: Uuid,
}

impl EnrichmentSwitchName {
    /// The name of a switch.
    pub fn of(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }

    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

impl EnrichmentWait {
    /// From the text of a row.
    pub fn from_row(text: &str) -> db::Result<Self> {
        Ok(match text {
            "no_model" => Self::NoModel,
            "collection_budget" => Self::CollectionBudget,
            "tenant_budget" => Self::TenantBudget,
            "tenant_quota" => Self::TenantQuota,
            other => {
                let detail = format!("enrichment waits for \"{other}\"");
                return Err(db::Error::Inconsistent { table: "collections", detail });
            }
        })
    }

    fn detail(self) -> &'static str {
        match self {
            Self::NoModel => {
                "the server has no model that writes: passages are found by the headings above them; have the operator set a provider"
            }
            Self::CollectionBudget => {
                "what the collection may use for enrichment in this month of UTC is used up; it goes on in the next one, or when an admin raises enrichment_monthly_tokens"
            }
            Self::TenantBudget => {
                "what the tenant may use for enrichment in this month of UTC is used up; it goes on in the next one, or when the operator raises it"
            }
            Self::TenantQuota => {
                "a quota of tokens or money of this tenant is used up; it goes on in the next period, or when the quota is raised"
            }
        }
    }
}

impl EnrichmentView {
    /// What a model wrote about a document.
    pub fn of(document_id: Uuid, found: DocumentEnrichment) -> db::Result<Self> {
        let waits_for = found.waits_for.as_deref().map(EnrichmentWait::from_row).transpose()?;
        let waits_for = waits_for.filter(|_| found.is_on);
        let state = match found.state.as_deref() {
            Some("completed") => EnrichmentState::Completed,
            _ if !found.is_on => EnrichmentState::Off,
            Some("failed") => EnrichmentState::Failed,
            _ if waits_for == Some(EnrichmentWait::NoModel) => EnrichmentState::Headings,
            Some("running") => EnrichmentState::Running,
            _ => EnrichmentState::Waiting,
        };
        let reason = match state {
            EnrichmentState::Completed | EnrichmentState::Off => None,
            EnrichmentState::Failed => ReasonView::of(found.reason_code, found.reason_detail),
            EnrichmentState::Headings | EnrichmentState::Waiting | EnrichmentState::Running => {
                let of_collection = waits_for.map(ReasonView::from);
                of_collection.or_else(|| ReasonView::of(found.reason_code, found.reason_detail))
            }
        };
        Ok(Self {
            document_id,
            state,
            reason,
            passages: found.passages.unwrap_or_default(),
            contexts: found.contexts.unwrap_or_default(),
            summary: found.summary,
            suggested_questions: found.suggested_questions.unwrap_or_default(),
            updated_at: found.updated_at,
        })
    }
}

impl ReasonView {
    /// From the two columns of a row.
    fn of(code: Option<String>, detail: Option<String>) -> Option<Self> {
        Some(Self { code: code?, detail: detail.unwrap_or_default() })
    }
}

impl From<EnrichmentWait> for ReasonView {
    fn from(wait: EnrichmentWait) -> Self {
        let code = match wait {
            EnrichmentWait::NoModel => "no_model",
            EnrichmentWait::CollectionBudget => "collection_budget",
            EnrichmentWait::TenantBudget => "tenant_budget",
            EnrichmentWait::TenantQuota => "tenant_quota",
        };
        Self { code: code.to_owned(), detail: wait.detail().to_owned() }
    }
}

impl From<SuggestedQuestion> for SuggestedQuestionView {
    fn from(suggested: SuggestedQuestion) -> Self {
        let SuggestedQuestion { document_id, question } = suggested;
        Self { question, document_id }
    }
}

impl From<EnrichmentError> for ApiError {
    fn from(error: EnrichmentError) -> Self {
        let text = error.to_string();
        match error {
            EnrichmentError::NotManager(_) => Self::new(ProblemCode::Forbidden, text),
            EnrichmentError::Database(error) => error.into(),
        }
    }
}
