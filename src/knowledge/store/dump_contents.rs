//! What a dump is made of: documents as readers see them, with their passages, vectors and terms.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use pgvector::HalfVector;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, TenantTx};

/// A document with its active version.
#[derive(Clone, Debug, PartialEq)]
pub struct DumpedDocument {
    /// Id.
    pub document_id: Uuid,
    /// Active version.
    pub version_id: Uuid,
    /// Number of that version.
    pub version_number: i32,
    /// Version whose bytes it was read from; its own when absent.
    pub original_version_id: Option<Uuid>,
    /// Unique within the collection.
    pub name: String,
    /// Title found in the content.
    pub title: Option<String>,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object.
    pub metadata: Value,
    /// What the bytes are.
    pub media_type: String,
    /// Size of the original.
    pub size_bytes: i64,
    /// SHA-256 of the original.
    pub content_sha256: Vec<u8>,
    /// Language found in the content.
    pub language: Option<String>,
    /// Characters of the extracted text.
    pub char_count: i32,
    /// Passages of the version.
    pub chunk_count: i32,
    /// When it was first received.
    pub created_at: DateTime<Utc>,
    /// When a model had written all that it was asked for about the version; absent while it had not.
    pub enriched_at: Option<DateTime<Utc>>,
    /// Summary that the model wrote.
    pub summary: Option<String>,
    /// Questions that it wrote, which the document answers.
    pub suggested_questions: Vec<String>,
}

/// A passage.
#[derive(Clone, Debug, PartialEq)]
pub struct DumpedChunk {
    /// Id.
    pub chunk_id: Uuid,
    /// Document that it is of.
    pub document_id: Uuid,
    /// Counts from 0 within the document.
    pub ordinal: i32,
    /// Headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Fragment of the nearest heading.
    pub anchor: Option<String>,
    /// Page on which it begins.
    pub page: Option<i32>,
    /// First character of each later page that it reaches.
    pub page_starts: Vec<i32>,
    /// First character in the text, from 0.
    pub char_start: i32,
    /// Character after the last one.
    pub char_end: i32,
    /// The passage itself.
    pub body: String,
    /// Heading in context that was embedded with it.
    pub context: Option<String>,
    /// SHA-256 of what was embedded.
    pub embedded_sha256: Vec<u8>,
    /// Model of its vectors.
    pub embedding_model: String,
    /// How often each term stands in it.
    pub terms: BTreeMap<String, i32>,
}

/// A vector of a passage.
#[derive(Clone, Debug, PartialEq)]
pub struct DumpedEmbedding {
    /// Passage.
    pub chunk_id: Uuid,
    /// Counts from 0 within the passage.
    pub number: i32,
    /// The numbers, which 16 bits hold each.
    pub embedding: Vec<f32>,
}

impl TenantTx {
    /// Documents of a collection that are in search and came before a moment, after one of these ids; at most `rows`, by id.
    pub(in crate::knowledge) async fn list_dumped_documents(
        &mut self,
        collection_id: Uuid,
        until: DateTime<Utc>,
        after: Option<Uuid>,
        rows: i64,
    ) -> db::Result<Vec<DumpedDocument>> {
        let documents = sqlx::query_as!(
            DumpedDocument,
            r#"select
                d.document_id,
                v.version_id,
                v.number as version_number,
                v.original_version_id,
                d.name,
                v.title,
                d.source_url,
                d.metadata,
                v.media_type,
                v.size_bytes,
                v.content_sha256,
                v.language,
                coalesce(v.char_count, 0) as "char_count!",
                v.chunk_count,
                d.created_at,
                e.summarised_at as "enriched_at?",
                e.summary as "summary?",
                coalesce(e.suggested_questions, '{}') as "suggested_questions!"
            from documents d
            join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
            left join enrichments e
                on e.tenant_id = d.tenant_id
                and e.document_id = d.document_id
                and e.version_id = d.active_version_id
                and e.state = 'completed'
                and e.summarised_at is not null
            where d.tenant_id = $1
                and d.collection_id = $2
                and d.created_at <= $3
                and ($4::uuid is null or d.document_id > $4)
            order by d.document_id
            limit $5"#,
            self.tenant().uuid(),
            collection_id,
            until,
            after,
            rows
        )
        .fetch_all(self.connection())
        .await?;
        Ok(documents)
    }

    /// Texts of versions, by version.
    pub(in crate::knowledge) async fn find_dumped_texts(
        &mut self,
        version_ids: &[Uuid],
    ) -> db::Result<HashMap<Uuid, String>> {
        let rows = sqlx::query!(
            "select
                version_id,
                body
            from document_texts
            where tenant_id = $1
                and version_id = any($2)",
            self.tenant().uuid(),
            version_ids
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.version_id, row.body)).collect())
    }

    /// Whether one of these versions has passages and not the vectors of a model for all of them.
    pub(in crate::knowledge) async fn lack_dumped_embeddings(
        &mut self,
        version_ids: &[Uuid],
        own_model: &str,
        model: &str,
    ) -> db::Result<bool> {
        let lacks = sqlx::query_scalar!(
            r#"select exists (
                select
                from document_versions
                where tenant_id = $1
                    and version_id = any($2)
                    and chunk_count > 0
                    and $4 <> all(coalesce(embedding_models, array[$3::text]))
            ) as "lacks!""#,
            self.tenant().uuid(),
            version_ids,
            own_model,
            model
        )
        .fetch_one(self.connection())
        .await?;
        Ok(lacks)
    }

    /// Passages of versions with their terms, by document, in order; with the name of the model whose vectors are listed.
    pub(in crate::knowledge) async fn list_dumped_chunks(
        &mut self,
        version_ids: &[Uuid],
        model: &str,
    ) -> db::Result<HashMap<Uuid, Vec<DumpedChunk>>> {
        let mut terms = self.list_dumped_terms(version_ids).await?;
        let rows = sqlx::query!(
            "select
                chunk_id,
                document_id,
                ordinal,
                heading_path,
                anchor,
                page,
                page_starts,
                char_start,
                char_end,
                body,
                context,
                embedded_sha256
            from chunks
            where tenant_id = $1
                and version_id = any($2)
            order by
                version_id,
                ordinal",
            self.tenant().uuid(),
            version_ids
        )
        .fetch_all(self.connection())
        .await?;
        let mut chunks: HashMap<Uuid, Vec<DumpedChunk>> = HashMap::new();
        for row in rows {
            chunks.entry(row.document_id).or_default().push(DumpedChunk {
                terms: terms.remove(&row.chunk_id).unwrap_or_default(),
                chunk_id: row.chunk_id,
                document_id: row.document_id,
                ordinal: row.ordinal,
                heading_path: row.heading_path,
                anchor: row.anchor,
                page: row.page,
                page_starts: row.page_starts,
                char_start: row.char_start,
                char_end: row.char_end,
                body: row.body,
                context: row.context,
                embedded_sha256: row.embedded_sha256,
                embedding_model: model.to_owned(),
            });
        }
        Ok(chunks)
    }

    /// How often each term stands in each passage of versions.
    async fn list_dumped_terms(
        &mut self,
        version_ids: &[Uuid],
    ) -> db::Result<HashMap<Uuid, BTreeMap<String, i32>>> {
        let rows = sqlx::query!(
            "select
                term,
                chunk_ids,
                frequencies
            from chunk_terms
            where tenant_id = $1
                and version_id = any($2)",
            self.tenant().uuid(),
            version_ids
        )
        .fetch_all(self.connection())
        .await?;
        let mut terms: HashMap<Uuid, BTreeMap<String, i32>> = HashMap::new();
        for row in rows {
            for (chunk_id, frequency) in row.chunk_ids.into_iter().zip(row.frequencies) {
                terms.entry(chunk_id).or_default().insert(row.term.clone(), frequency);
            }
        }
        Ok(terms)
    }

    /// Vectors of one model of versions, by document, in the order of their passages.
    pub(in crate::knowledge) async fn list_dumped_embeddings(
        &mut self,
        version_ids: &[Uuid],
        model: &str,
    ) -> db::Result<HashMap<Uuid, Vec<DumpedEmbedding>>> {
        let rows = sqlx::query!(
            r#"select
                c.document_id as "document_id!",
                c.chunk_id as "chunk_id!",
                w.number as "number!",
                w.embedding as "embedding!: HalfVector"
            from chunks c
            cross join lateral (
                select
                    o.number,
                    o.embedding
                from chunk_windows o
                where o.tenant_id = $1
                    and o.chunk_id = c.chunk_id
                    and o.embedding_model = $3
                union all
                select
                    b.number,
                    b.embedding
                from reembedded_windows b
                where b.tenant_id = $1
                    and b.chunk_id = c.chunk_id
                    and b.embedding_model = $3
            ) w
            where c.tenant_id = $1
                and c.version_id = any($2)
            order by
                c.version_id,
                c.ordinal,
                w.number"#,
            self.tenant().uuid(),
            version_ids,
            model
        )
        .fetch_all(self.connection())
        .await?;
        let mut embeddings: HashMap<Uuid, Vec<DumpedEmbedding>> = HashMap::new();
        for row in rows {
            let embedding = row.embedding.as_slice().iter().map(|number| number.to_f32()).collect();
            embeddings.entry(row.document_id).or_default().push(DumpedEmbedding {
                chunk_id: row.chunk_id,
                number: row.number,
                embedding,
            });
        }
        Ok(embeddings)
    }
}
