//! Rows of `passage_contexts`: what a model wrote about passages, kept for as long as the document stands.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Contexts of a document's passages, by the digest of the passage; an empty one says that the model had nothing to say.
pub type PassageContexts = BTreeMap<Vec<u8>, String>;

impl TenantTx {
    /// Contexts of a document, unless its collection is switched off.
    pub(in crate::knowledge) async fn list_contexts_in_use(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<PassageContexts> {
        let rows = sqlx::query!(
            "select
                p.passage_sha256,
                p.context
            from documents d
            join collections c on c.tenant_id = d.tenant_id and c.collection_id = d.collection_id
            join passage_contexts p on p.tenant_id = d.tenant_id and p.document_id = d.document_id
            where d.tenant_id = $1
                and d.document_id = $2
                and c.enrichment = 'on'",
            self.tenant().uuid(),
            document_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.passage_sha256, row.context)).collect())
    }

    /// Keeps a context that was paid for; nothing when the document is gone.
    pub async fn keep_passage_context(
        &mut self,
        document_id: Uuid,
        passage_sha256: &[u8],
        context: &str,
    ) -> db::Result<()> {
        // Locked: who deletes the document waits, and takes the context with it.
        sqlx::query!(
            "insert into passage_contexts (tenant_id, document_id, passage_sha256, context)
            select
                d.tenant_id,
                d.document_id,
                $3,
                $4
            from documents d
            where d.tenant_id = $1
                and d.document_id = $2
            for key share
            on conflict on constraint passage_contexts_pkey do nothing",
            self.tenant().uuid(),
            document_id,
            passage_sha256,
            context
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps contexts of passages of a document that the transaction has made, in the order of the passages.
    pub(in crate::knowledge) async fn keep_passage_contexts(
        &mut self,
        document_id: Uuid,
        passages_sha256: &[Vec<u8>],
        contexts: &[String],
    ) -> db::Result<()> {
        if contexts.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into passage_contexts (tenant_id, document_id, passage_sha256, context)
            select
                $1,
                $2,
                n.passage_sha256,
                n.context
            from unnest($3::bytea[], $4::text[]) as n (passage_sha256, context)
            on conflict on constraint passage_contexts_pkey do nothing",
            self.tenant().uuid(),
            document_id,
            passages_sha256,
            contexts
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Contexts of a document, whatever its collection is switched to.
    pub async fn list_passage_contexts(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<PassageContexts> {
        let rows = sqlx::query!(
            "select
                passage_sha256,
                context
            from passage_contexts
            where tenant_id = $1
                and document_id = $2",
            self.tenant().uuid(),
            document_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.passage_sha256, row.context)).collect())
    }

    /// Forgets the contexts of passages that are not in the document any more.
    pub async fn forget_other_contexts(
        &mut self,
        document_id: Uuid,
        passages_sha256: &[Vec<u8>],
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from passage_contexts
            where tenant_id = $1
                and document_id = $2
                and passage_sha256 <> all($3)",
            self.tenant().uuid(),
            document_id,
            passages_sha256
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
