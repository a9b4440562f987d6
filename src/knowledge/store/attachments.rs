//! Rows of `collections` that hold the attachments of a session: those have no name.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::documents::Document;
use crate::db::{self, Keyset, Page, TenantTx};

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
    /// Makes the collection of a session's attachments unless there is one; false when its session is gone. The constraint
    /// `collections_session_id_fkey` refuses it when there never was one.
    pub(in crate::knowledge) async fn ensure_attachments(
        &mut self,
        collection_id: Uuid,
        session_id: Uuid,
    ) -> db::Result<bool> {
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
        let found = sqlx::query_scalar!(
            "select collection_id
            from collections
            where tenant_id = $1
                and collection_id = $2
                and session_id = $3",
            self.tenant().uuid(),
            collection_id,
            session_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// How many attachments a session has, with those of this transaction, and how many versions of attachments its tenant.
    /// Until the end of the transaction nobody else of the tenant is told.
    pub(in crate::knowledge) async fn count_attachments(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<(i64, i64)> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('attachments ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        // A statement of its own: it sees what those added who had the lock before.
        let row = sqlx::query!(
            r#"select
                (
                    select count(*)
                    from documents
                    where tenant_id = $1
                        and collection_id = $2
                ) as "of_session!",
                (
                    select count(*)
                    from collections c
                    join documents d on d.tenant_id = c.tenant_id and d.collection_id = c.collection_id
                    join document_versions v on v.tenant_id = d.tenant_id and v.document_id = d.document_id
                    where c.tenant_id = $1
                        and c.name is null
                ) as "of_tenant!""#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok((row.of_session, row.of_tenant))
    }

    /// Attachments of a session, oldest first.
    pub(in crate::knowledge) async fn page_of_attachments(
        &mut self,
        collection_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Document>> {
        let rows = sqlx::query_as!(
            Document,
            "select
                d.document_id,
                d.collection_id,
                d.name,
                d.title,
                d.source_url,
                d.metadata,
                d.active_version_id,
                d.created_at,
                d.updated_at,
                d.latest_version_number as version_number,
                v.state,
                v.failure_code,
                v.failure_detail
            from documents d
            join document_versions v
                on v.tenant_id = d.tenant_id
                and v.document_id = d.document_id
                and v.number = d.latest_version_number
            where d.tenant_id = $1
                and d.collection_id = $2
                and ($3::uuid is null or d.document_id > $3)
            order by d.document_id
            limit $4",
            self.tenant().uuid(),
            collection_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |document| document.document_id))
    }

    /// Whether anything is attached to a session that is in search, or may come to be.
    pub async fn has_attachments(&mut self, collection_id: Uuid) -> db::Result<bool> {
        let has = sqlx::query_scalar!(
            r#"select exists (
                select
                from documents d
                join document_versions v
                    on v.tenant_id = d.tenant_id
                    and v.document_id = d.document_id
                    and v.number = d.latest_version_number
                where d.tenant_id = $1
                    and d.collection_id = $2
                    and (d.active_version_id is not null or v.state not in ('failed', 'cancelled'))
            ) as "has!""#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(has)
    }

    /// The oldest attachments of a collection, at most `limit`.
    pub(in crate::knowledge) async fn list_attachment_ids(
        &mut self,
        collection_id: Uuid,
        limit: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select document_id
            from documents
            where tenant_id = $1
                and collection_id = $2
            order by document_id
            limit $3",
            self.tenant().uuid(),
            collection_id,
            limit
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
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

    /// Collections of attachments whose session is gone, in the order of their ids after `after`, at most `limit`.
    pub(in crate::knowledge) async fn list_left_attachments(
        &mut self,
        after: Option<Uuid>,
        limit: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select collection_id
            from collections
            where tenant_id = $1
                and name is null
                and session_id is null
                and ($2::uuid is null or collection_id > $2)
            order by collection_id
            limit $3",
            self.tenant().uuid(),
            after,
            limit
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
