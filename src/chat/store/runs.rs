//! Rows of `runs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use super::run_events::EventBatch;
use crate::adapters::models::Attempt;
use crate::chat::output_filter::Filtered;
use crate::db::{self, TenantTx};
use crate::governance::Observed;

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Id.
    pub run_id: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Message of the user.
    pub question_id: Uuid,
    /// Collections that are asked; empty for all.
    pub collection_ids: Vec<Uuid>,
    /// Assistant that answers.
    pub assistant_id: Uuid,
    /// Its version; absent for its draft.
    pub assistant_version: Option<i32>,
    /// Digest of the configuration that answers.
    pub configuration_sha256: [u8; 32],
    /// Key that asked.
    pub asked_by: Uuid,
    /// Provider of the model that is to answer.
    pub provider: String,
    /// Model that is to answer.
    pub model: String,
    /// Instance that makes it.
    pub instance_id: Uuid,
    /// How long the instance is believed to live without a sign.
    pub lease: Duration,
}

/// A run, as far as it is.
#[derive(Clone, Debug)]
pub struct Run {
    /// Id.
    pub run_id: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Message of the user.
    pub question_id: Uuid,
    /// Message of the assistant.
    pub answer_id: Option<Uuid>,
    /// running, completed, failed, interrupted or cancelled.
    pub state: String,
    /// How it ended.
    pub outcome: Option<String>,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// Provider of the model.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Number of the last event; absent while it goes on, and where events were not kept yet.
    pub event_count: Option<i32>,
    /// When the question came.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When somebody asked to stop it, while it goes on.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Key that opened the session, or asked where there is none: who sees the run.
    pub seen_by: Uuid,
    /// Collections whose text the model was given; absent until that is known, and where there is no answer.
    pub read_collection_ids: Option<Vec<Uuid>>,
}

impl Run {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// Whether it was stopped before its end: then a reader may have been shown more than is kept.
    pub fn was_cut(&self) -> bool {
        matches!(self.state.as_str(), "interrupted" | "cancelled")
    }

    /// Whether a reader who has this event has all there will be.
    pub fn is_over_after(&self, number: usize) -> bool {
        let last = self.event_count.and_then(|count| usize::try_from(count).ok());
        !self.is_running() && !self.was_cut() && last == Some(number)
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct EndedRun {
    /// Id.
    pub run_id: Uuid,
    /// Instance that makes it: it ends only what it holds.
    pub instance_id: Uuid,
    /// Number of the last event that is stored already.
    pub saved: i32,
    /// Events after these that are to be stored.
    pub rest: Option<EventBatch>,
    /// Number of the last event of the run.
    pub event_count: i32,
    /// completed, failed, interrupted or cancelled.
    pub state: &'static str,
    /// Message of the assistant.
    pub answer_id: Option<Uuid>,
    /// How it ended.
    pub outcome: &'static str,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// The question as it was searched.
    pub standalone_question: Option<String>,
    /// Provider of the model.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Tokens of the prompt.
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    pub output_tokens: Option<i64>,
    /// Of the tokens of the prompt, those from a provider's cache.
    pub cached_input_tokens: Option<i64>,
    /// Whether some tokens are made from lengths.
    pub usage_estimated: bool,
    /// Each try of a provider.
    pub attempts: Vec<Attempt>,
    /// Markers that stood for nothing.
    pub unknown_markers: i32,
    /// Digest of what the model was told.
    pub prompt_sha256: Option<Vec<u8>>,
    /// What did not fit into the prompt.
    pub prompt_left_out: Option<Value>,
    /// Milliseconds that the search was waited for.
    pub search_ms: Option<i32>,
    /// Milliseconds to the first text.
    pub first_token_ms: Option<i32>,
    /// Milliseconds to the end.
    pub total_ms: i32,
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct RunCost {
    /// In millionths of a US dollar; absent when no price is known.
    pub micro_usd: Option<i64>,
}

impl EndedRun {
    /// What it used and cost, for the quotas.
    pub fn observed(&self, cost: Option<RunCost>) -> Observed {
        Observed {
            provider: Some(self.provider.clone()),
            model: Some(self.model.clone()),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cost_micro_usd: cost.and_then(|cost| cost.micro_usd),
        }
    }
}

impl TenantTx {
    /// Stores a run that begins, with the lease of its instance. The constraint `run_leases_session_id_key` refuses it while
    /// another run of the session goes on.
    pub(in crate::chat) async fn insert_run(&mut self, run: &NewRun) -> db::Result<()> {
        sqlx::query!(
            "with lease as (
                insert into run_leases (
                    run_id,
                    for_tenant,
                    session_id,
                    instance_id,
                    event_count,
                    expires_at
                )
                values ($2, $1, $3, $9, 1, now() + make_interval(secs => $10))
            )
            insert into runs (
                tenant_id,
                run_id,
                session_id,
                question_id,
                collection_ids,
                asked_by,
                provider,
                model,
                assistant_id,
                assistant_version,
                configuration_sha256
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $11, $12, $13)",
            self.tenant().uuid(),
            run.run_id,
            run.session_id.as_ref(),
            run.question_id,
            &run.collection_ids,
            run.asked_by,
            run.provider,
            run.model,
            run.instance_id,
            run.lease.as_secs_f64(),
            run.assistant_id,
            run.assistant_version.as_ref(),
            run.configuration_sha256.as_slice()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A run, whoever asked.
    pub(in crate::chat) async fn find_run(&mut self, run_id: Uuid) -> db::Result<Option<Run>> {
        let run = sqlx::query_as!(
            Run,
            r#"select
                r.run_id as "run_id!",
                r.session_id,
                r.question_id as "question_id!",
                r.answer_id,
                r.state as "state!",
                r.outcome,
                r.outcome_reason,
                r.provider,
                r.model,
                r.event_count,
                r.created_at as "created_at!",
                r.ended_at,
                l.cancel_requested_at as "cancel_requested_at?",
                coalesce(s.created_by, r.asked_by) as "seen_by!",
                coalesce(l.read_collection_ids, a.read_collection_ids) as "read_collection_ids?"
            from runs r
            left join sessions s on s.tenant_id = r.tenant_id and s.session_id = r.session_id
            left join run_leases l on l.for_tenant = r.tenant_id and l.run_id = r.run_id
            left join messages a on a.tenant_id = r.tenant_id and a.message_id = r.answer_id
            where r.tenant_id = $1
                and r.run_id = $2"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(run)
    }

    /// Ends a run, prices it, and gives up its lease; nothing when the instance does not hold it, or when more events are stored than it
    /// knows of. Then nothing is changed.
    pub(in crate::chat) async fn end_run(&mut self, run: &EndedRun) -> db::Result<Option<RunCost>> {
        let rest = run.rest.as_ref();
        let cost = sqlx::query_as!(
            RunCost,
            "with held as (
                delete from run_leases
                where run_id = $2
                    and for_tenant = $1
                    and instance_id = $16
                    and event_count = $17
                returning run_id
            ), kept as (
                insert into run_events (
                    tenant_id,
                    run_id,
                    first_number,
                    last_number,
                    events
                )
                select
                    $1,
                    run_id,
                    $18,
                    $19,
                    $20
                from held
                where $20::text is not null
            )
            update runs r
            set
                state = $3,
                answer_id = $4,
                outcome = $5,
                outcome_reason = $6,
                standalone_question = $7,
                provider = $8,
                model = $9,
                input_tokens = $10,
                output_tokens = $11,
                unknown_markers = $12,
                search_ms = $13,
                first_token_ms = $14,
                total_ms = $15,
                attempts = $22,
                cached_input_tokens = $23,
                usage_estimated = $24,
                cost_micro_usd = app.cost_micro_usd($22, now()),
                event_count = $21,
                prompt_sha256 = $25,
                prompt_left_out = $26,
                ended_at = now()
            from held
            where r.tenant_id = $1
                and r.run_id = held.run_id
                and r.state = 'running'
            returning r.cost_micro_usd as micro_usd",
            self.tenant().uuid(),
            run.run_id,
            run.state,
            run.answer_id,
            run.outcome,
            run.outcome_reason,
            run.standalone_question,
            run.provider,
            run.model,
            run.input_tokens,
            run.output_tokens,
            run.unknown_markers,
            run.search_ms,
            run.first_token_ms,
            run.total_ms,
            run.instance_id,
            run.saved,
            rest.map(|rest| rest.first_number),
            rest.map(|rest| rest.last_number),
            rest.map(|rest| rest.events.as_str()),
            run.event_count,
            Json(&run.attempts) as _,
            run.cached_input_tokens,
            run.usage_estimated,
            run.prompt_sha256.as_deref(),
            run.prompt_left_out
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(cost)
    }

    /// Stores what was taken out of the model's text, if anything was.
    pub(in crate::chat) async fn note_filtered(
        &mut self,
        run_id: Uuid,
        filtered: Filtered,
    ) -> db::Result<()> {
        if filtered.is_empty() {
            return Ok(());
        }
        let kinds = json!({
            "links": filtered.links,
            "images": filtered.images,
            "markup": filtered.markup,
            "characters": filtered.characters,
        });
        sqlx::query!(
            "update runs
            set filtered = $3
            where tenant_id = $1
                and run_id = $2",
            self.tenant().uuid(),
            run_id,
            kinds
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
