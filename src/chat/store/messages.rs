//! Rows of `messages`, with what their runs add.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// A question or an answer.
#[derive(Clone, Debug)]
pub struct Message {
    /// Id.
    pub message_id: Uuid,
    /// Conversation; absent for a single question.
    pub session_id: Option<Uuid>,
    /// Run that it started or ended.
    pub run_id: Uuid,
    /// user or assistant.
    pub role: String,
    /// Text.
    pub content: String,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How the run ended; for answers.
    pub outcome: Option<String>,
    /// Machine-readable reason.
    pub outcome_reason: Option<String>,
    /// Provider of the model.
    pub provider: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Tokens of the prompt.
    pub input_tokens: Option<i64>,
    /// Tokens of the answer.
    pub output_tokens: Option<i64>,
    /// Price of both, in millionths of a US dollar.
    pub cost_micro_usd: Option<i64>,
    /// Of the tokens of the prompt, those from a provider's cache.
    pub cached_input_tokens: Option<i64>,
    /// Whether some tokens are made from lengths.
    pub usage_estimated: bool,
    /// Key that opened the session, or asked where there is none: who sees the message.
    pub seen_by: Uuid,
    /// Collections whose text the model was given for it.
    pub read_collection_ids: Vec<Uuid>,
}

/// A message as the model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastMessage {
    /// Id.
    pub message_id: Uuid,
    /// user or assistant.
    pub role: String,
    /// Text.
    pub content: String,
    /// Collections whose text the model was given for it.
    pub read_collection_ids: Vec<Uuid>,
}

impl TenantTx {
    /// One message.
    pub async fn find_message(&mut self, message_id: Uuid) -> db::Result<Option<Message>> {
        let message = sqlx::query_as!(
            Message,
            r#"select
                m.message_id,
                m.session_id,
                m.run_id,
                m.role,
                m.content,
                m.created_at,
                r.outcome,
                r.outcome_reason,
                r.provider,
                r.model,
                r.input_tokens,
                r.output_tokens,
                r.cost_micro_usd,
                r.cached_input_tokens,
                r.usage_estimated,
                coalesce(s.created_by, r.asked_by) as "seen_by!",
                m.read_collection_ids
            from messages m
            join runs r on r.tenant_id = m.tenant_id and r.run_id = m.run_id
            left join sessions s on s.tenant_id = m.tenant_id and s.session_id = m.session_id
            where m.tenant_id = $1
                and m.message_id = $2"#,
            self.tenant().uuid(),
            message_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(message)
    }

    /// Messages of a session, oldest first.
    pub async fn list_messages(
        &mut self,
        session_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Message>> {
        let rows = sqlx::query_as!(
            Message,
            r#"select
                m.message_id,
                m.session_id,
                m.run_id,
                m.role,
                m.content,
                m.created_at,
                r.outcome,
                r.outcome_reason,
                r.provider,
                r.model,
                r.input_tokens,
                r.output_tokens,
                r.cost_micro_usd,
                r.cached_input_tokens,
                r.usage_estimated,
                coalesce(s.created_by, r.asked_by) as "seen_by!",
                m.read_collection_ids
            from messages m
            join runs r on r.tenant_id = m.tenant_id and r.run_id = m.run_id
            left join sessions s on s.tenant_id = m.tenant_id and s.session_id = m.session_id
            where m.tenant_id = $1
                and m.session_id = $2
                and ($3::uuid is null or m.message_id > $3)
            order by m.message_id
            limit $4"#,
            self.tenant().uuid(),
            session_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |message| message.message_id))
    }

    /// The last messages of a session, oldest first; only those after a message where one is given.
    pub(in crate::chat) async fn list_turns(
        &mut self,
        session_id: Uuid,
        after: Option<Uuid>,
        most: i64,
    ) -> db::Result<Vec<PastMessage>> {
        let mut rows = sqlx::query_as!(
            PastMessage,
            "select
                message_id,
                role,
                content,
                read_collection_ids
            from messages
            where tenant_id = $1
                and session_id = $2
                and ($4::uuid is null or message_id > $4)
            order by message_id desc
            limit $3",
            self.tenant().uuid(),
            session_id,
            most,
            after
        )
        .fetch_all(self.connection())
        .await?;
        rows.reverse();
        Ok(rows)
    }

    /// Stores a message, with the collections that it was made of.
    #[expect(clippy::too_many_arguments, reason = "one for each column")]
    pub(in crate::chat) async fn insert_message(
        &mut self,
        message_id: Uuid,
        session_id: Option<Uuid>,
        run_id: Uuid,
        role: &str,
        content: &str,
        created_at: DateTime<Utc>,
        read_collection_ids: &[Uuid],
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into messages (
                tenant_id,
                message_id,
                session_id,
                run_id,
                role,
                content,
                created_at,
                read_collection_ids
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
            self.tenant().uuid(),
            message_id,
            session_id,
            run_id,
            role,
            content,
            created_at,
            read_collection_ids
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
