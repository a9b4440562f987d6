//! The two searches in SQL, both under row-level security, and the reading of passages.
//!
//! BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf of Lucene, which is
//! never negative. It reads postings by equality on (tenant, term), which is the one index access that row-level security
//! leaves to the planner for text.

use pgvector::HalfVector;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Windows that are looked at for each passage wanted: a passage of usual length has two or three.
pub(super) const WINDOWS_PER_PASSAGE: i64 = 4;
/// Terms of a question that always count, the rarest first.
const RAREST_TERMS: i64 = 2;
/// Occurrences that are read for one question: some 20 ms. Further terms, the commonest, do not count; leaving out all
/// terms of a tenth of the passages instead cost 0.07 of recall on a small corpus.
const MOST_POSTINGS: f64 = 12_000.0;

/// What is searched.
#[derive(Clone, Debug, Default)]
pub struct SearchFilter {
    /// These collections only; all there are when absent, so that nobody may have attached anything.
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
    /// Terms of the question that stand in it and that it was ranked by.
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

/// Collections whose searches read vectors of one model.
#[derive(Clone, Debug)]
pub struct IndexPart {
    /// The model; the database's own when absent.
    pub embedding_model: Option<String>,
    /// The collections.
    pub collection_ids: Vec<Uuid>,
    /// Passages of them all.
    pub chunks: i64,
    /// Terms of all passages.
    pub terms: i64,
}

/// What is there to be searched.
#[derive(Clone, Debug)]
pub struct IndexSurvey {
    /// The collections; absent where that is all that the tenant has, and nobody may have attached anything.
    pub collection_ids: Option<Vec<Uuid>>,
    /// The same collections by the model whose vectors are read.
    pub parts: Vec<IndexPart>,
    /// Whether all documentation of the tenant is among them.
    pub has_all: bool,
}

impl IndexSurvey {
    /// How much that is.
    pub fn size(&self) -> IndexSize {
        IndexSize {
            chunks: self.parts.iter().map(|part| part.chunks).sum(),
            terms: self.parts.iter().map(|part| part.terms).sum(),
        }
    }
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
    /// Page of the original on which it begins, from 1.
    pub page: Option<i32>,
    /// First character of each later page that it reaches: the first is that of the page after `page`.
    pub page_starts: Vec<i32>,
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

    /// Page of the original on which a character of the extracted text stands.
    pub fn page_at(&self, character: i32) -> Option<i32> {
        let turned = self.page_starts.iter().filter(|start| **start <= character).count();
        Some(self.page?.saturating_add(i32::try_from(turned).unwrap_or(i32::MAX)))
    }
}

impl TenantTx {
    /// What is there of these collections, of all documentation when absent, and of the attachments beside them; and how much
    /// that is.
    pub(in crate::knowledge) async fn survey_index(
        &mut self,
        collection_ids: Option<&[Uuid]>,
        attachments: Option<Uuid>,
    ) -> db::Result<IndexSurvey> {
        let rows = sqlx::query!(
            r#"select
                embedding_model,
                array_agg(collection_id) as "collection_ids!",
                coalesce(sum(chunk_count), 0)::bigint as "chunks!",
                coalesce(sum(term_count), 0)::bigint as "terms!",
                $2::uuid[] is null
                    and not exists (
                        select
                        from collections a
                        where a.tenant_id = $1
                            and a.name is null
                    ) as "is_all!"
            from collections
            where tenant_id = $1
                and (
                    name is not null and ($2::uuid[] is null or collection_id = any($2))
                    or collection_id = $3
                )
            group by embedding_model"#,
            self.tenant().uuid(),
            collection_ids,
            attachments
        )
        .fetch_all(self.connection())
        .await?;
        // Where nothing is found, nothing is searched: that is not all.
        let is_all = rows.first().is_some_and(|row| row.is_all);
        let parts: Vec<IndexPart> = rows
            .into_iter()
            .map(|row| IndexPart {
                embedding_model: row.embedding_model,
                collection_ids: row.collection_ids,
                chunks: row.chunks,
                terms: row.terms,
            })
            .collect();
        let ids = || parts.iter().flat_map(|part| part.collection_ids.iter().copied()).collect();
        let has_all = collection_ids.is_none();
        Ok(IndexSurvey { collection_ids: (!is_all).then(ids), parts, has_all })
    }

    /// Passages nearest in meaning, every vector of the tenant of the database's own model compared.
    pub(in crate::knowledge) async fn search_dense(
        &mut self,
        filter: &SearchFilter,
        embedding_model: &str,
        question: &HalfVector,
        most: i64,
    ) -> db::Result<Vec<DenseMatch>> {
        // The nearest windows first, then the best of each passage: sorting some hundred rows is half the work of
        // grouping all. The order is exact; a passage beyond the windows taken is no candidate.
        let matches = sqlx::query_as!(
            DenseMatch,
            r#"with nearest as materialized (
                select
                    w.chunk_id,
                    w.embedding <=> $5 as distance
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
                order by 2, 1
                limit $6::bigint * $7::bigint
            )
            select
                chunk_id as "chunk_id!",
                (1 - min(distance))::float8 as "similarity!"
            from nearest
            group by chunk_id
            order by 2 desc, 1
            limit $6::bigint"#,
            self.tenant().uuid(),
            filter.collection_ids.as_deref(),
            filter.metadata.as_ref(),
            embedding_model,
            question as _,
            most,
            WINDOWS_PER_PASSAGE
        )
        .fetch_all(self.connection())
        .await?;
        Ok(matches)
    }

    /// Passages that hold the question's terms, ranked by BM25 with k1 1.2 and b 0.75. The commonest terms of a question
    /// are left out when there would be too much to read: they cost most of the time and say least.
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
        let rows = sqlx::query!(
            r#"with found as materialized (
                select
                    t.term,
                    t.chunk_ids,
                    t.frequencies,
                    t.lengths
                from chunk_terms t
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
            counted as (
                select
                    term,
                    sum(cardinality(chunk_ids))::float8 as passages
                from found
                group by term
            ),
            summed as (
                select
                    term,
                    passages,
                    sum(passages) over rarest_first as read,
                    row_number() over rarest_first as rarity
                from counted
                window rarest_first as (order by passages, term)
            ),
            weighed as (
                select
                    term,
                    1::bigint << least(array_position($4, term) - 1, 63) as bit,
                    2.2::float8 * ln(1 + greatest($5::float8 - passages + 0.5, 0.5) / (passages + 0.5)) as weight
                from summed
                where rarity <= $8
                    or read <= $9::float8
            )
            select
                p.chunk_id as "chunk_id!",
                sum(
                    w.weight * p.frequency
                    / (p.frequency + 0.3::float8 + 0.9::float8 / greatest($6::float8, 1) * p.length)
                ) as "score!",
                bit_or(w.bit) as "bits!"
            from weighed w
            join found f on f.term = w.term
            cross join lateral unnest(f.chunk_ids, f.frequencies, f.lengths) as p (chunk_id, frequency, length)
            group by p.chunk_id
            order by 2 desc, 1
            limit $7"#,
            self.tenant().uuid(),
            filter.collection_ids.as_deref(),
            filter.metadata.as_ref(),
            terms,
            chunks,
            mean_length,
            most,
            RAREST_TERMS,
            MOST_POSTINGS
        )
        .fetch_all(self.connection())
        .await?;
        let matches = rows
            .into_iter()
            .map(|row| LexicalMatch {
                chunk_id: row.chunk_id,
                score: row.score,
                terms: marked(terms, row.bits),
            })
            .collect();
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
                c.page,
                c.page_starts,
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

/// The terms whose bits are set; of a very long question the first 63 are told.
fn marked(terms: &[String], bits: i64) -> Vec<String> {
    let is_marked = |place: usize| place < 63 && bits >> place & 1 == 1;
    (0..terms.len()).filter(|place| is_marked(*place)).map(|place| terms[place].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_name_the_terms_at_their_places() {
        let terms: Vec<String> = (0..70).map(|number| number.to_string()).collect();
        assert_eq!(marked(&terms, 0b101), ["0", "2"]);
        assert_eq!(marked(&terms, i64::MIN), Vec::<String>::new());
    }
}
