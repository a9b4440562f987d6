//! Writes what search reads: passages, vectors, postings; and switches a document to its new version.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::collections::CountChange;
use super::ingestion::ClaimedVersion;
use super::postings::PassageTerms;
use super::windows::{NewWindows, VectorsByModel};
use crate::db::{self, TenantTx};
use crate::knowledge::chunk::Chunk;

/// A passage ready to be stored.
#[derive(Clone, Debug)]
pub struct IndexedChunk {
    /// Id.
    pub chunk_id: Uuid,
    /// Where it stands and what it says.
    pub chunk: Chunk,
    /// Heading in context that was embedded with it.
    pub context: Option<String>,
    /// SHA-256 of what was embedded.
    pub embedded_sha256: [u8; 32],
    /// How often each term stands in it.
    pub terms: BTreeMap<String, u32>,
}

/// Everything of a version that is stored at once.
#[derive(Debug)]
pub struct IndexedVersion<'a> {
    /// The version.
    pub version: &'a ClaimedVersion,
    /// Token of the lease.
    pub token: Uuid,
    /// Title found.
    pub title: Option<String>,
    /// Language found.
    pub language: Option<String>,
    /// Extracted text.
    pub text: String,
    /// The database's own model.
    pub own_model: String,
    /// Vectors of the passages, by model.
    pub vectors: VectorsByModel,
    /// Models that could not be asked for any: a worker of the re-embedding makes theirs.
    pub left_out: BTreeSet<String>,
    /// Passages.
    pub chunks: Vec<IndexedChunk>,
}

/// Outcome of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Readers see it, once this is committed.
    Done,
    /// The lease was lost or the document is gone: nothing may be committed.
    LeaseLost,
    /// Vectors that the collection needs are neither there nor left out, or some are that it does not need: nothing may be
    /// committed.
    OtherModels,
}

impl TenantTx {
    /// Stores a version's text and index and lets readers see it instead of the one before.
    pub(in crate::knowledge) async fn publish_version(
        &mut self,
        indexed: &IndexedVersion<'_>,
    ) -> db::Result<Published> {
        let version = indexed.version;
        let Some(replaced) = self.lock_for_publishing(version, indexed.token).await? else {
            return Ok(Published::LeaseLost);
        };
        self.insert_text(version.version_id, &indexed.text).await?;
        // A newer version may be ready already: then this one is kept as history only.
        let is_newest = replaced.as_ref().is_none_or(|replaced| replaced.number < version.number);
        let mut change = CountChange::default();
        if is_newest {
            self.insert_chunks(indexed).await?;
            self.insert_all_windows(indexed).await?;
            let terms: Vec<PassageTerms<'_>> =
                indexed.chunks.iter().map(IndexedChunk::posting).collect();
            self.insert_terms(version.version_id, version.collection_id, &terms).await?;
            change = counts(indexed);
            self.mark_version(indexed, "ready").await?;
            self.activate(indexed).await?;
            if let Some(replaced) = replaced {
                self.retire(replaced.version_id).await?;
                change.chunks -= i64::from(replaced.chunk_count);
                change.terms -= i64::from(replaced.term_count);
                change.windows -= i64::from(replaced.window_count);
            }
        } else {
            self.mark_version(indexed, "superseded").await?;
        }
        self.change_collection_counts(version.collection_id, change).await?;
        // The collection's row is locked now: whoever begins a re-embedding or switches to another model does so before, and
        // is seen here, or after, and sees this version. Nor may there be vectors of a model that it does not need any more:
        // whoever removes those of the collection may be done. What is needed and not there is made by the re-embedding.
        let needed = self.list_embedding_models(version.collection_id, &indexed.own_model).await?;
        let searched = self.find_searched_model(version.collection_id).await?.flatten();
        let is_there = |model: &String| indexed.vectors.contains_key(model);
        let fits = is_there(searched.as_ref().unwrap_or(&indexed.own_model))
            && needed.iter().all(|model| is_there(model) || indexed.left_out.contains(model))
            && indexed.vectors.keys().all(|model| needed.contains(model));
        Ok(if fits || !is_newest { Published::Done } else { Published::OtherModels })
    }

    /// Locks document and version; `None` when there is nothing to publish to. Inside: the version that is active now.
    async fn lock_for_publishing(
        &mut self,
        version: &ClaimedVersion,
        token: Uuid,
    ) -> db::Result<Option<Option<Replaced>>> {
        let document = sqlx::query!(
            "select active_version_id
            from documents
            where tenant_id = $1
                and document_id = $2
            for update",
            self.tenant().uuid(),
            version.document_id
        )
        .fetch_optional(self.connection())
        .await?;
        let held = sqlx::query!(
            "select number
            from document_versions
            where tenant_id = $1
                and version_id = $2
                and lease_token = $3
            for update",
            self.tenant().uuid(),
            version.version_id,
            token
        )
        .fetch_optional(self.connection())
        .await?;
        let (Some(document), Some(_)) = (document, held) else { return Ok(None) };
        let Some(active) = document.active_version_id else { return Ok(Some(None)) };
        let replaced = sqlx::query_as!(
            Replaced,
            "select
                version_id,
                number,
                chunk_count,
                term_count,
                window_count
            from document_versions
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            active
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Some(Some(replaced)))
    }

    async fn insert_text(&mut self, version_id: Uuid, text: &str) -> db::Result<()> {
        sqlx::query!(
            "insert into document_texts (tenant_id, version_id, body)
            values ($1, $2, $3)",
            self.tenant().uuid(),
            version_id,
            text
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn insert_chunks(&mut self, indexed: &IndexedVersion<'_>) -> db::Result<()> {
        let chunks = &indexed.chunks;
        let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.chunk_id).collect();
        let ordinals: Vec<i32> = chunks.iter().map(|chunk| chunk.chunk.ordinal).collect();
        // unnest() takes arrays of arrays apart altogether: paths travel as JSON.
        let paths: Vec<serde_json::Value> =
            chunks.iter().map(|chunk| chunk.chunk.heading_path.clone().into()).collect();
        let anchors: Vec<Option<String>> =
            chunks.iter().map(|chunk| chunk.chunk.anchor.clone()).collect();
        let pages: Vec<Option<i32>> = chunks
            .iter()
            .map(|chunk| chunk.chunk.page.and_then(|page| page.try_into().ok()))
            .collect();
        let page_starts: Vec<serde_json::Value> =
            chunks.iter().map(|chunk| chunk.chunk.page_starts.clone().into()).collect();
        let starts: Vec<i32> = chunks.iter().map(|chunk| as_i32(chunk.chunk.start)).collect();
        let ends: Vec<i32> = chunks.iter().map(|chunk| as_i32(chunk.chunk.end)).collect();
        let bodies: Vec<String> = chunks.iter().map(|chunk| chunk.chunk.text.clone()).collect();
        let contexts: Vec<Option<String>> =
            chunks.iter().map(|chunk| chunk.context.clone()).collect();
        let digests: Vec<Vec<u8>> =
            chunks.iter().map(|chunk| chunk.embedded_sha256.to_vec()).collect();
        sqlx::query!(
            "insert into chunks (
                tenant_id,
                chunk_id,
                collection_id,
                document_id,
                version_id,
                ordinal,
                heading_path,
                anchor,
                page,
                page_starts,
                char_start,
                char_end,
                body,
                context,
                embedded_sha256,
                embedding_model
            )
            select
                $1,
                n.chunk_id,
                $2,
                $3,
                $4,
                n.ordinal,
                array(select jsonb_array_elements_text(n.heading_path)),
                n.anchor,
                n.page,
                array(select jsonb_array_elements(n.page_starts)::int),
                n.char_start,
                n.char_end,
                n.body,
                n.context,
                n.embedded_sha256,
                $5
            from unnest(
                $6::uuid[],
                $7::int[],
                $8::jsonb[],
                $9::text[],
                $10::int[],
                $11::jsonb[],
                $12::int[],
                $13::int[],
                $14::text[],
                $15::bytea[],
                $16::text[]
            ) as n (
                chunk_id,
                ordinal,
                heading_path,
                anchor,
                page,
                page_starts,
                char_start,
                char_end,
                body,
                embedded_sha256,
                context
            )",
            self.tenant().uuid(),
            indexed.version.collection_id,
            indexed.version.document_id,
            indexed.version.version_id,
            indexed.own_model,
            &ids,
            &ordinals,
            &paths,
            &anchors as &[Option<String>],
            &pages as &[Option<i32>],
            &page_starts,
            &starts,
            &ends,
            &bodies,
            &digests,
            &contexts as &[Option<String>]
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn insert_all_windows(&mut self, indexed: &IndexedVersion<'_>) -> db::Result<()> {
        let chunk_ids: Vec<Uuid> = indexed.chunks.iter().map(|chunk| chunk.chunk_id).collect();
        for (model, vectors) in &indexed.vectors {
            self.insert_windows(NewWindows {
                collection_id: indexed.version.collection_id,
                model,
                is_own: *model == indexed.own_model,
                chunk_ids: &chunk_ids,
                vectors,
            })
            .await?;
        }
        Ok(())
    }

    async fn mark_version(&mut self, indexed: &IndexedVersion<'_>, state: &str) -> db::Result<()> {
        let is_ready = state == "ready";
        let change = if is_ready { counts(indexed) } else { CountChange::default() };
        let models: Option<Vec<String>> =
            is_ready.then(|| indexed.vectors.keys().cloned().collect());
        sqlx::query!(
            "update document_versions
            set
                state = $3,
                title = $4,
                language = $5,
                char_count = $6,
                chunk_count = $7,
                term_count = $8,
                window_count = $9,
                embedding_models = $10,
                lease_token = null,
                lease_expires_at = null,
                ready_at = now(),
                ended_at = now()
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            indexed.version.version_id,
            state,
            indexed.title,
            indexed.language,
            as_i32(indexed.text.chars().count()),
            clamp(change.chunks),
            clamp(change.terms),
            clamp(change.windows),
            models.as_deref()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn activate(&mut self, indexed: &IndexedVersion<'_>) -> db::Result<()> {
        sqlx::query!(
            "update documents
            set
                active_version_id = $3,
                title = coalesce($4, name),
                updated_at = now()
            where tenant_id = $1
                and document_id = $2",
            self.tenant().uuid(),
            indexed.version.document_id,
            indexed.version.version_id,
            indexed.title
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a version out of search; its text stays, so that citations of it can still be read.
    async fn retire(&mut self, version_id: Uuid) -> db::Result<()> {
        let tenant = self.tenant().uuid();
        sqlx::query!(
            "delete from chunks
            where tenant_id = $1
                and version_id = $2",
            tenant,
            version_id
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "delete from chunk_terms
            where tenant_id = $1
                and version_id = $2",
            tenant,
            version_id
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "update document_versions
            set state = 'superseded'
            where tenant_id = $1
                and version_id = $2",
            tenant,
            version_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl IndexedChunk {
    /// What it is found by in the search by words.
    fn posting(&self) -> PassageTerms<'_> {
        PassageTerms { chunk_id: self.chunk_id, terms: &self.terms }
    }
}

struct Replaced {
    version_id: Uuid,
    number: i32,
    chunk_count: i32,
    term_count: i32,
    window_count: i32,
}

fn counts(indexed: &IndexedVersion<'_>) -> CountChange {
    let chunks = &indexed.chunks;
    CountChange {
        chunks: i64::try_from(chunks.len()).unwrap_or(i64::MAX),
        terms: chunks.iter().map(|chunk| i64::from(chunk.posting().length())).sum(),
        windows: indexed.vectors.get(&indexed.own_model).map_or(0, |passages| {
            passages.iter().map(|windows| i64::try_from(windows.len()).unwrap_or(0)).sum()
        }),
    }
}

fn clamp(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn as_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
