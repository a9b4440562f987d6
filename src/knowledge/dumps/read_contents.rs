//! Reads what a dump is made of, some documents at a time: each of them as it is at one moment, and no transaction is held while
//! files are written.

use uuid::Uuid;

use super::Dumps;
use super::attempt::AttemptError;
use super::manifest::Space;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::dump_contents::{DumpedChunk, DumpedDocument, DumpedEmbedding};
use crate::knowledge::store::dump_leases::ClaimedDump;

/// Documents that are looked up at once.
const ROWS: i64 = 64;
/// Passages that are read at once, unless one document has more.
const CHUNKS: i64 = 500;
/// Characters of texts that are read at once, unless one document has more.
const CHARS: i64 = 2_000_000;

/// A document with everything that is in search of it.
#[derive(Debug)]
pub(super) struct Contents {
    /// What is told of it.
    pub document: DumpedDocument,
    /// Extracted text.
    pub text: String,
    /// Passages, in order.
    pub chunks: Vec<DumpedChunk>,
    /// Vectors, in the order of the passages.
    pub embeddings: Vec<DumpedEmbedding>,
}

impl Dumps {
    /// The model whose vectors searches of a collection read at this moment.
    ///
    /// # Errors
    /// The collection is gone, or this process does not have the model.
    pub(super) async fn read_space(
        &self,
        tenant: TenantId,
        collection_id: Uuid,
    ) -> Result<Space, AttemptError> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let model = tx.find_searched_model(collection_id).await?.ok_or(AttemptError::LeaseLost)?;
        let model = model.unwrap_or_else(|| self.embedders.own_model().to_owned());
        let dimensions = self.embedders.find(&model)?.dimensions();
        Ok(Space { model, dimensions })
    }

    /// The next documents of a collection with the vectors of a model, by id; none at the end. Those that came after the attempt
    /// began are not among them: a document that was deleted meanwhile and uploaded again would be there twice.
    ///
    /// # Errors
    /// One of them lacks such vectors.
    pub(super) async fn read_contents(
        &self,
        tenant: TenantId,
        dump: &ClaimedDump,
        model: &str,
        after: Option<Uuid>,
    ) -> Result<Vec<Contents>, AttemptError> {
        let mut tx = self.receiver.db.tenant_snapshot(tenant).await?;
        let mut documents =
            tx.list_dumped_documents(dump.collection_id, dump.began_at, after, ROWS).await?;
        documents.truncate(fitting(&documents));
        let versions: Vec<Uuid> = documents.iter().map(|document| document.version_id).collect();
        if tx.lack_dumped_embeddings(&versions, self.embedders.own_model(), model).await? {
            return Err(AttemptError::VectorsMissing { model: model.to_owned() });
        }
        let mut texts = tx.find_dumped_texts(&versions).await?;
        let mut chunks = tx.list_dumped_chunks(&versions, model).await?;
        let mut embeddings = tx.list_dumped_embeddings(&versions, model).await?;
        drop(tx);
        let contents = |document: DumpedDocument| Contents {
            text: texts.remove(&document.version_id).unwrap_or_default(),
            chunks: chunks.remove(&document.document_id).unwrap_or_default(),
            embeddings: embeddings.remove(&document.document_id).unwrap_or_default(),
            document,
        };
        Ok(documents.into_iter().map(contents).collect())
    }
}

/// How many of the documents are read at once: the first one in any case.
fn fitting(documents: &[DumpedDocument]) -> usize {
    let (mut chunks, mut chars) = (0, 0);
    let fits = |document: &&DumpedDocument| {
        chunks += i64::from(document.chunk_count);
        chars += i64::from(document.char_count);
        chunks <= CHUNKS && chars <= CHARS
    };
    documents.iter().take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    fn document(chunk_count: i32, char_count: i32) -> DumpedDocument {
        DumpedDocument {
            document_id: Uuid::nil(),
            version_id: Uuid::nil(),
            version_number: 1,
            original_version_id: None,
            name: "a".to_owned(),
            title: None,
            source_url: None,
            metadata: json!({}),
            media_type: "text/plain".to_owned(),
            size_bytes: 1,
            content_sha256: vec![0; 32],
            language: None,
            char_count,
            chunk_count,
            created_at: DateTime::UNIX_EPOCH,
            enriched_at: None,
            summary: None,
            suggested_questions: Vec::new(),
        }
    }

    #[test]
    fn as_many_documents_are_read_at_once_as_fit_and_one_that_is_larger_alone() {
        for (sizes, count) in [
            (vec![(300, 1), (200, 1), (1, 1)], 2),
            (vec![(300, 1), (201, 1)], 1),
            (vec![(1, 1_000_000), (1, 1_000_000), (1, 1)], 2),
            (vec![(1, 1_000_000), (1, 1_000_001)], 1),
            (vec![(5_000, 1), (1, 1)], 1),
            (vec![(1, 9_000_000)], 1),
        ] {
            let documents: Vec<DumpedDocument> =
                sizes.iter().map(|(chunks, chars)| document(*chunks, *chars)).collect();
            assert_eq!(fitting(&documents), count, "{sizes:?}");
        }
    }
}
