//! Deletes rows of `documents` with everything of them, and says what their collections lose.

use uuid::Uuid;

use super::collections::CountChange;
use crate::db::{self, TenantTx};

impl TenantTx {
    /// Deletes a document with everything of it: gone from search at commit. Its collection, what its counts lose, and the
    /// versions whose originals are to be removed; `None` when there is no such document.
    pub(in crate::knowledge) async fn delete_document_row(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<Option<(Uuid, CountChange, Vec<Uuid>)>> {
        // The row is locked first: a version that is uploaded or becomes ready meanwhile waits, and then finds no document.
        let Some(document) = sqlx::query!(
            "select
                collection_id,
                active_version_id
            from documents
            where tenant_id = $1
                and document_id = $2
            for update",
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?
        else {
            return Ok(None);
        };
        // Not joined above: a statement that waited for a lock sees the locked row anew, but the rows joined to it as
        // they were before.
        let active = sqlx::query!(
            "select
                chunk_count,
                term_count,
                window_count
            from document_versions
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            document.active_version_id
        )
        .fetch_optional(self.connection())
        .await?;
        let versions = self.list_version_ids(Some(document_id), None).await?;
        sqlx::query!(
            "delete from documents
            where tenant_id = $1
                and document_id = $2",
            self.tenant().uuid(),
            document_id
        )
        .execute(self.connection())
        .await?;
        let change = active.map_or_else(CountChange::default, |active| CountChange {
            chunks: -i64::from(active.chunk_count),
            terms: -i64::from(active.term_count),
            windows: -i64::from(active.window_count),
        });
        Ok(Some((document.collection_id, change, versions)))
    }

    /// Deletes documents of one collection with everything of them: gone from search at commit. What the collection's counts
    /// lose, and the versions whose originals are to be removed.
    pub(in crate::knowledge) async fn delete_document_rows(
        &mut self,
        collection_id: Uuid,
        document_ids: &[Uuid],
    ) -> db::Result<(CountChange, Vec<Uuid>)> {
        // The rows are locked first, as for one document, and always in the same order.
        sqlx::query!(
            "select document_id
            from documents
            where tenant_id = $1
                and collection_id = $2
                and document_id = any($3)
            order by document_id
            for update",
            self.tenant().uuid(),
            collection_id,
            document_ids
        )
        .fetch_all(self.connection())
        .await?;
        let active = sqlx::query!(
            r#"select
                coalesce(sum(v.chunk_count), 0) as "chunks!",
                coalesce(sum(v.term_count), 0)::bigint as "terms!",
                coalesce(sum(v.window_count), 0) as "windows!"
            from documents d
            join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.collection_id = $2
                and d.document_id = any($3)"#,
            self.tenant().uuid(),
            collection_id,
            document_ids
        )
        .fetch_one(self.connection())
        .await?;
        let versions = sqlx::query_scalar!(
            "select v.version_id
            from document_versions v
            join documents d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
            where d.tenant_id = $1
                and d.collection_id = $2
                and d.document_id = any($3)",
            self.tenant().uuid(),
            collection_id,
            document_ids
        )
        .fetch_all(self.connection())
        .await?;
        sqlx::query!(
            "delete from documents
            where tenant_id = $1
                and collection_id = $2
                and document_id = any($3)",
            self.tenant().uuid(),
            collection_id,
            document_ids
        )
        .execute(self.connection())
        .await?;
        let change =
            CountChange { chunks: -active.chunks, terms: -active.terms, windows: -active.windows };
        Ok((change, versions))
    }
}
