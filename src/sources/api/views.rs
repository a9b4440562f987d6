//! Sources and their runs as they are asked for and shown.

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::configuration::SourceConfiguration;
use crate::db;
use crate::sources::configuration::Configuration;
use crate::sources::store::pages::NotedPage;
use crate::sources::store::runs::SourceRun;
use crate::sources::store::sources::Source;

/// Whether a source is read by its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SourceState", rename_all = "snake_case")]
pub enum StateName {
    /// It is, when it has one.
    Active,
    /// It is not, until somebody lets it go on.
    Paused,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SourceRunState", rename_all = "snake_case")]
pub enum RunStateName {
    /// It waits for a worker.
    Queued,
    /// A worker is at work on it, or will go on with it.
    Running,
    /// Everything was looked at, and what is gone was deleted.
    Completed,
    /// Not everything was looked at, and nothing was deleted.
    Partial,
    /// It came to nothing.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SourceRunTrigger", rename_all = "snake_case")]
pub enum TriggerName {
    /// Somebody asked for it.
    Request,
    /// It was time.
    Schedule,
}

/// What became of a page that is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SourcePageOutcome", rename_all = "snake_case")]
pub enum PageOutcome {
    /// It could not be looked at.
    Failed,
    /// It makes no document.
    Skipped,
}

/// What becomes of the documents of a source that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SourceDocuments", rename_all = "snake_case")]
pub enum DocumentsName {
    /// They stay, as if they had been uploaded.
    Keep,
    /// They are deleted, unless another source has them too.
    Delete,
}

/// A source to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct SourceCreate {
    /// What you call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: String,
    /// Collection that its documents go into; the one named "default" when absent, which is made when needed.
    pub(super) collection_id: Option<Uuid>,
    /// Where and how it is read.
    pub(super) configuration: SourceConfiguration,
    /// How often it is read by itself, in minutes; on request alone when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "525600")))]
    pub(super) every_minutes: Option<u32>,
}

impl Example for SourceCreate {
    fn example() -> Self {
        Self {
            name: "Guide".to_owned(),
            collection_id: None,
            configuration: SourceConfiguration::example(),
            every_minutes: Some(1_440),
        }
    }
}

/// What to change of a source; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct SourceUpdate {
    /// What you call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub(super) name: Option<String>,
    /// Where and how it is read, whole.
    pub(super) configuration: Option<SourceConfiguration>,
    /// How often it is read by itself, in minutes; 0 for on request alone.
    #[oai(validator(minimum(value = "0"), maximum(value = "525600")))]
    pub(super) every_minutes: Option<u32>,
    /// Whether its schedule rests.
    pub(super) paused: Option<bool>,
}

impl Example for SourceUpdate {
    fn example() -> Self {
        Self { name: None, configuration: None, every_minutes: Some(720), paused: None }
    }
}

/// A place from which documents are read again and again.
#[derive(Debug, Object)]
#[oai(rename = "Source", skip_serializing_if_is_none)]
pub struct SourceView {
    /// Id.
    id: Uuid,
    /// What you call it.
    #[oai(validator(max_length = 100))]
    name: String,
    /// Collection that its documents are in.
    collection_id: Uuid,
    /// Where and how it is read.
    configuration: SourceConfiguration,
    /// Whether it is read by its schedule.
    state: StateName,
    /// How often it is read by itself, in minutes; absent for on request alone.
    every_minutes: Option<i32>,
    /// When it is read by itself next; absent when it is not.
    next_run_at: Option<DateTime<Utc>>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When somebody last changed it.
    updated_at: DateTime<Utc>,
}

/// A page of sources.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SourceList {
    /// Sources, oldest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<SourceView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

/// What a run found.
#[derive(Debug, Object)]
pub struct SourceRunCounts {
    /// Pages or files that it looked at: the sum of the next five.
    seen: i32,
    /// Those that the source did not have before.
    new: i32,
    /// Those with another content than before.
    changed: i32,
    /// Those with the content that they had.
    unchanged: i32,
    /// Those that make no document.
    skipped: i32,
    /// Those that could not be looked at.
    failed: i32,
    /// Those that are no more, whose documents were deleted.
    deleted: i32,
}

/// Why a run is not completed.
#[derive(Debug, Object)]
pub struct SourceRunReason {
    /// For programs, e.g. `pages_failed`, `page_limit`, `too_many_deletions`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// For people.
    #[oai(validator(max_length = 2000))]
    detail: String,
}

/// One reading of a source.
#[derive(Debug, Object)]
#[oai(rename = "SourceRun", skip_serializing_if_is_none)]
pub struct RunView {
    /// Id.
    id: Uuid,
    /// The source.
    source_id: Uuid,
    /// Why it began.
    trigger: TriggerName,
    /// Where it stands.
    state: RunStateName,
    /// What it found until now.
    counts: SourceRunCounts,
    /// Bytes that it read.
    bytes_read: i64,
    /// Why it is not completed; absent when it is, or goes on.
    reason: Option<SourceRunReason>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When a worker first took it.
    started_at: Option<DateTime<Utc>>,
    /// When it was over.
    finished_at: Option<DateTime<Utc>>,
}

/// A page or file that failed or was skipped.
#[derive(Debug, Object)]
#[oai(rename = "SourcePage")]
pub struct PageView {
    /// Its address; of a file the name that its document has or would have, or its path.
    #[oai(validator(max_length = 1000))]
    url: String,
    /// What became of it.
    outcome: PageOutcome,
    /// Why, for programs, e.g. `http_status`, `timeout`, `noindex`.
    #[oai(validator(max_length = 100))]
    code: String,
    /// Why, for people.
    #[oai(validator(max_length = 1000))]
    detail: String,
}

/// One reading of a source, with what could not be taken in.
#[derive(Debug, Object)]
pub struct SourceRunDetail {
    /// The run.
    pub(super) run: RunView,
    /// Pages or files that failed, then those that were skipped, as many as the server keeps.
    #[oai(validator(max_items = 1000))]
    pub(super) pages: Vec<PageView>,
}

/// A page of runs.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SourceRunList {
    /// Runs, newest first.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<RunView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

fn unknown(table: &'static str, value: &str) -> db::Error {
    db::Error::Inconsistent { table, detail: format!("\"{value}\" is not one of the names") }
}

impl TryFrom<Source> for SourceView {
    type Error = db::Error;

    fn try_from(source: Source) -> db::Result<Self> {
        let state = match source.state.as_str() {
            "active" => StateName::Active,
            "paused" => StateName::Paused,
            _ => return Err(unknown("sources", &source.state)),
        };
        let configuration = Configuration::from_row(&source.kind, &source.configuration)?;
        let is_active = state == StateName::Active;
        Ok(Self {
            id: source.source_id,
            name: source.name,
            collection_id: source.collection_id,
            configuration: configuration.into(),
            state,
            every_minutes: source.every_minutes,
            next_run_at: source.next_run_at.filter(|_| is_active),
            created_at: source.created_at,
            updated_at: source.updated_at,
        })
    }
}

impl TryFrom<SourceRun> for RunView {
    type Error = db::Error;

    fn try_from(run: SourceRun) -> db::Result<Self> {
        let state = match run.state.as_str() {
            "queued" => RunStateName::Queued,
            "running" => RunStateName::Running,
            "completed" => RunStateName::Completed,
            "partial" => RunStateName::Partial,
            "failed" => RunStateName::Failed,
            "cancelled" => RunStateName::Cancelled,
            _ => return Err(unknown("source_runs", &run.state)),
        };
        let trigger = match run.trigger.as_str() {
            "request" => TriggerName::Request,
            "schedule" => TriggerName::Schedule,
            _ => return Err(unknown("source_runs", &run.trigger)),
        };
        let reason = run.reason_code.zip(run.reason_detail);
        Ok(Self {
            id: run.run_id,
            source_id: run.source_id,
            trigger,
            state,
            counts: SourceRunCounts {
                seen: run.seen,
                new: run.new,
                changed: run.changed,
                unchanged: run.unchanged,
                skipped: run.skipped,
                failed: run.failed,
                deleted: run.deleted,
            },
            bytes_read: run.bytes_read,
            reason: reason.map(|(code, detail)| SourceRunReason { code, detail }),
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        })
    }
}

impl From<NotedPage> for PageView {
    fn from(page: NotedPage) -> Self {
        let is_failed = page.outcome == "failed";
        Self {
            url: page.url,
            outcome: if is_failed { PageOutcome::Failed } else { PageOutcome::Skipped },
            code: page.reason_code,
            detail: page.reason_detail,
        }
    }
}
