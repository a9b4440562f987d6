//! Rows of `session_summaries`.

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// What the older part of a conversation comes to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Last message that is in it.
    pub through_message_id: Uuid,
    /// The summary.
    pub content: String,
    /// Collections whose text is in what it was made of.
    pub read_collection_ids: Vec<Uuid>,
}

impl TenantTx {
    /// The summary of a session.
    pub(in crate::chat) async fn find_session_summary(
        &mut self,
        session_id: Uuid,
    ) -> db::Result<Option<Summary>> {
        let summary = sqlx::query_as!(
            Summary,
            "select
                through_message_id,
                content,
                read_collection_ids
            from session_summaries
            where tenant_id = $1
                and session_id = $2",
            self.tenant().uuid(),
            session_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(summary)
    }

    /// Stores the summary of a session in place of one that reaches less far. The constraint
    /// `session_summaries_session_id_fkey` refuses one of a session that is gone.
    pub(in crate::chat) async fn put_session_summary(
        &mut self,
        session_id: Uuid,
        summary: &Summary,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into session_summaries (
                tenant_id,
                session_id,
                through_message_id,
                content,
                read_collection_ids
            )
            values ($1, $2, $3, $4, $5)
            on conflict on constraint session_summaries_pkey do update
            set
                through_message_id = excluded.through_message_id,
                content = excluded.content,
                read_collection_ids = excluded.read_collection_ids,
                created_at = now()
            where session_summaries.through_message_id < excluded.through_message_id",
            self.tenant().uuid(),
            session_id,
            summary.through_message_id,
            summary.content,
            &summary.read_collection_ids
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
