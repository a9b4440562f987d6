//! Rows of `source_items`, as far as they say whose a document is.

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// A source that has a document for itself, and its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoleSource {
    /// Source.
    pub source_id: Uuid,
    /// Run that found it.
    pub run_id: Uuid,
}

impl TenantTx {
    /// Keeps a source from being deleted until the end of the transaction; false when it is gone. The source before its
    /// documents, in the order of whoever deletes it.
    pub(in crate::knowledge) async fn share_source(&mut self, source_id: Uuid) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            "select source_id
            from sources
            where tenant_id = $1
                and source_id = $2
            for key share",
            self.tenant().uuid(),
            source_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// Whether a source has brought this document in.
    pub(in crate::knowledge) async fn is_source_document(
        &mut self,
        source_id: Uuid,
        document_id: Uuid,
    ) -> db::Result<bool> {
        let is_its = sqlx::query_scalar!(
            r#"select exists (
                select
                from source_items
                where tenant_id = $1
                    and source_id = $2
                    and document_id = $3
            ) as "is_its!""#,
            self.tenant().uuid(),
            source_id,
            document_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_its)
    }

    /// Notes that a source has brought in a document of this name.
    pub(in crate::knowledge) async fn put_source_document(
        &mut self,
        source: SoleSource,
        name: &str,
        document_id: Uuid,
        digest: &[u8],
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into source_items (
                tenant_id,
                source_id,
                url,
                document_id,
                content_sha256,
                last_run_id
            )
            values ($1, $2, $3, $4, $5, $6)
            on conflict on constraint source_items_pkey do update
            set
                document_id = excluded.document_id,
                etag = null,
                last_modified = null,
                content_sha256 = excluded.content_sha256,
                last_run_id = greatest(source_items.last_run_id, excluded.last_run_id)",
            self.tenant().uuid(),
            source.source_id,
            name,
            document_id,
            digest,
            source.run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
