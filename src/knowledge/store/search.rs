//! The two searches in SQL, both under row-level security, and the reading of passages.
//!
//! BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf of Lucene, which is
//! never negative. It reads postings by equality on (tenant, term), which is the one index access that row-level security
//! leaves to the planner for text.

use pgvector::HalfVector;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, TenantTx};

/// What is searched.
#[derive(Clone, Debug, Default)]
pub struct SearchFilter {
    /// These collections only; all when absent.
    pub collection_ids: Option<Vec<Uuid>>,
    /// Documents whose metadata contain this object only.
    pub metadata: Option<Value>,
}

/// A passage as the search by meaning found it.
#[derive(Clone, Copy, Debug)]
pub struct DenseMatch {
    /// Passage.
    pub chunk_id: Uuid,
    /// Cosine similarity of its best window.
    pub similarity: f64,
}

/// A passage as the search by words found it.
#[derive(Clone, Debug)]
pub struct LexicalMatch {
    /// Passage.
    pub chunk_id: Uuid,
    /// BM25.
    pub score: f64,
    /// Terms of the question that stand in it.
    pub terms: Vec<String>,
}

/// How much there is to search.
#[derive(Clone, Copy, Debug)]
pub struct IndexSize {
    /// Passages.
    pub chunks: i64,
    /// Terms of all passages.
    pub terms: i64,
}

/// A passage with what a citation of it needs.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Passage.
    pub chunk_id: Uuid,
    /// Collection.
    pub collection_id: Uuid,
    /// Document.
    pub document_id: Uuid,
    /// Name of the document.
    pub document_name: String,
    /// Title of the document.
    pub document_title: String,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object.
    pub metadata: Value,
    /// Version that it was read from.
    pub version_id: Uuid,
    /// Number of that version.
    pub version_number: i32,
    /// Place within the version.
    pub ordinal: i32,
    /// Headings above it.
    pub heading_path: Vec<String>,
    /// Fragment of the nearest heading.
    pub anchor: Option<String>,
    /// First character in the extracted text.
    pub char_start: i32,
    /// Character after the last one.
    pub char_end: i32,
    /// The passage.
    pub body: String,
}

impl Passage {
    /// Where a reader finds it: the original's address with the anchor of the nearest heading.
    pub fn url(&self) -> Option<String> {
        let url = self.source_url.as_deref()?;
        match &self.anchor {
            Some(anchor) if !url.contains('#') => Some(format!("{url}#{anchor}")),
            _ => Some(url.to_owned()),
        }
    }
}

impl TenantTx {
    /// Size of what the filter's collections hold.
    pub(in crate::knowledge) async fn index_size(
        &mut self,
        filter: &SearchFilter,
    ) -> db::Result<IndexSize> {
        let size = sqlx::query_as!(
            IndexSize,
            r#"select
                coalesce(sum(chunk_count), 0)::bigint as "chunks!",
                coalesce(sum(term_count), 0)::bigint as "terms!"
            from collections
            where tenant_id = $1
                and ($2::uuid[] is null or collection_id = any($2))"#,
            self.tenant().uuid(),
            filter.collection_ids.as_deref()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(size)
    }

    /// Plans made for the values at hand: with them partitions are pruned and filters that are absent vanish.
    pub(in crate::knowledge) async fn plan_for_values(&mut self) -> db::Result<()> {
        sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', true)")
            .fetch_one(self.connection())
            .await?;
        Ok(())
    }

    /// Passages nearest in meaning, every vector of the tenant compared.
    pub(in crate::knowledge) async fn search_dense(
        &mut self,
        filter: &SearchFilter,
        embedding_model: &str,
        question: &HalfVector,
        most: i64,
    ) -> db::Result<Vec<DenseMatch>> {
        let matches = sqlx::query_as!(
            DenseMatch,
            r#"select
                w.chunk_id,
                max(1 - (w.embedding <=> $5))::float8 as "similarity!"
            from chunk_windows w
            where w.tenant_id = $1
                and w.embedding_model = $4
                and ($2::uuid[] is null or w.collection_id = any($2))
                and (
                    $3::jsonb is null
                    or exists (
                        select
                        from chunks c
                        join documents d on d.tenant_id = c.tenant_id and d.document_id = c.document_id
                        where c.tenant_id = $1
                            and c.chunk_id = w.chunk_id
                            and d.metadata @> $3
                    )
                )
            group by w.chunk_id
            order by 2 desc, 1
            limit $6"#,
            self.tenant().uuid(),
            filter.collection_ids.as_deref(),
            filter.metadata.as_ref(),
            embedding_model,
            question as _,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(matches)
    }

    /// Passages that hold the question's terms, ranked by BM25.
    pub(in crate::knowledge) async fn search_lexical(
        &mut self,
        filter: &SearchFilter,
        terms: &[String],
        size: IndexSize,
        most: i64,
    ) -> db::Result<Vec<LexicalMatch>> {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let (chunks, mean_length) =
            (size.chunks as f64, size.terms as f64 / (size.chunks.max(1)) as f64);
        let matches = sqlx::query_as!(
            LexicalMatch,
            r#"with postings as materialized (
                select
                    t.term,
                    p.chunk_id,
                    p.frequency,
                    p.length
                from chunk_terms t
                cross join lateral unnest(t.chunk_ids, t.frequencies, t.lengths) as p (chunk_id, frequency, length)
                where t.tenant_id = $1
                    and t.term = any($4)
                    and ($2::uuid[] is null or t.collection_id = any($2))
                    and (
                        $3::jsonb is null
                        or exists (
                            select
                            from documents d
                            where d.tenant_id = $1
                                and d.active_version_id = t.version_id
                                and d.metadata @> $3
                        )
                    )
            ),
            rarity as (
                select
                    term,
                    ln(1 + greatest($5::float8 - count(*) + 0.5, 0.5) / (count(*) + 0.5)) as idf
                from postings
                group by term
            )
            select
                p.chunk_id as "chunk_id!",
                sum(
                    r.idf * p.frequency * (1.2 + 1)
                    / (p.frequency + 1.2 * (1 - 0.75 + 0.75 * p.length / greatest($6::float8, 1)))
                )::float8 as "score!",
                array_agg(p.term) as "terms!"
            from postings p
            join rarity r on r.term = p.term
            group by p.chunk_id
            order by 2 desc, 1
            limit $7"#,
            self.tenant().uuid(),
            filter.collection_ids.as_deref(),
            filter.metadata.as_ref(),
            terms,
            chunks,
            mean_length,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(matches)
    }

    /// Passages by id, in no order; those that are gone are left out.
    pub async fn list_passages(&mut self, chunk_ids: &[Uuid]) -> db::Result<Vec<Passage>> {
        let passages = sqlx::query_as!(
            Passage,
            "select
                c.chunk_id,
                c.collection_id,
                c.document_id,
                d.name as document_name,
                d.title as document_title,
                d.source_url,
                d.metadata,
                c.version_id,
                v.number as version_number,
                c.ordinal,
                c.heading_path,
                c.anchor,
                c.char_start,
                c.char_end,
                c.body
            from chunks c
            join documents d on d.tenant_id = c.tenant_id and d.document_id = c.document_id
            join document_versions v on v.tenant_id = c.tenant_id and v.version_id = c.version_id
            where c.tenant_id = $1
                and c.chunk_id = any($2)",
            self.tenant().uuid(),
            chunk_ids
        )
        .fetch_all(self.connection())
        .await?;
        Ok(passages)
    }
}
