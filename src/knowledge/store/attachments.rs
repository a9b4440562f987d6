//! Rows of `collections` that hold the attachments of a session: those have no name.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{self, TenantTx};

/// An attachment that is not in search as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadAttachment {
    /// The attachment.
    pub document_id: Uuid,
    /// File name.
    pub name: String,
    /// Where its newest version stands: on its way, or given up.
    pub state: String,
}

impl UnreadAttachment {
    /// Whether it will be in search, or be given up, without anybody doing anything.
    pub fn is_waiting(&self) -> bool {
        !matches!(self.state.as_str(), "failed" | "cancelled")
    }
}

impl TenantTx {
    /// Makes the collection of a session's attachments unless there is one. The constraint `collections_session_id_fkey` refuses
    /// it when there is no such session.
    pub(in crate::knowledge) async fn ensure_attachments(
        &mut self,
        collection_id: Uuid,
        session_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into collections (tenant_id, collection_id, session_id)
            values ($1, $2, $3)
            on conflict do nothing",
            self.tenant().uuid(),
            collection_id,
            session_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// How many attachments there are. Until the end of the transaction nobody else adds one. After the document's row, as
    /// whoever publishes a version locks them.
    pub(in crate::knowledge) async fn count_attachments(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<i64> {
        sqlx::query!(
            "select collection_id
            from collections
            where tenant_id = $1
                and collection_id = $2
            for no key update",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        // A statement of its own: it sees what those added who had the lock before.
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from documents
            where tenant_id = $1
                and collection_id = $2"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Attachments whose newest version is not in search, oldest first.
    pub(in crate::knowledge) async fn list_unread_attachments(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Vec<UnreadAttachment>> {
        let unread = sqlx::query_as!(
            UnreadAttachment,
            "select
                d.document_id,
                d.name,
                v.state
            from documents d
            join document_versions v
                on v.tenant_id = d.tenant_id
                and v.document_id = d.document_id
                and v.number = d.latest_version_number
            where d.tenant_id = $1
                and d.collection_id = $2
                and v.state <> 'ready'
            order by d.document_id",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(unread)
    }

    /// Collections of attachments whose session is gone, at most `limit`.
    pub(in crate::knowledge) async fn list_left_attachments(
        &mut self,
        limit: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select collection_id
            from collections
            where tenant_id = $1
                and name is null
                and session_id is null
            order by collection_id
            limit $2",
            self.tenant().uuid(),
            limit
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
