//! The passages of a version that is in search, and what changes of them when contexts are written: what they are embedded as
//! and looked up by. The passages themselves stay as they are, with their ids.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::collections::CountChange;
use super::postings::PassageTerms;
use super::windows::{NewWindows, VectorsByModel};
use crate::db::{self, TenantTx};

/// A passage as it is in search.
#[derive(Clone, Debug)]
pub struct StoredPassage {
    /// Id.
    pub chunk_id: Uuid,
    /// Counts from 0 within the version.
    pub ordinal: i32,
    /// Headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// The passage.
    pub body: String,
    /// Context that it is embedded with.
    pub context: Option<String>,
}

/// A passage that is to be embedded otherwise.
#[derive(Clone, Debug)]
pub struct PassageChange {
    /// Id.
    pub chunk_id: Uuid,
    /// Context that it is embedded with from now on.
    pub context: Option<String>,
    /// SHA-256 of what was embedded.
    pub embedded_sha256: [u8; 32],
}

/// What of a version is looked up otherwise.
#[derive(Debug)]
pub struct VersionChange<'a> {
    /// Document.
    pub document_id: Uuid,
    /// Version.
    pub version_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// The database's own model.
    pub own_model: &'a str,
    /// Passages that change.
    pub passages: &'a [PassageChange],
    /// Their vectors, in the same order, by model.
    pub vectors: &'a VectorsByModel,
    /// Models that could not be asked for any: a worker of the re-embedding makes theirs.
    pub left_out: &'a BTreeSet<String>,
    /// How often each term stands in each passage, of all passages of the version.
    pub terms: &'a [(Uuid, BTreeMap<String, u32>)],
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Searches find the passages otherwise, once this is committed.
    Done,
    /// The version is not in search any more: nothing changed.
    VersionGone,
    /// Vectors that the collection needs are neither there nor left out, or some are that it does not need: nothing may be
    /// committed.
    OtherModels,
}

impl TenantTx {
    /// Passages of a version, in their order; none when it is not in search.
    pub async fn list_stored_passages(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<Vec<StoredPassage>> {
        let passages = sqlx::query_as!(
            StoredPassage,
            "select
                chunk_id,
                ordinal,
                heading_path,
                body,
                context
            from chunks
            where tenant_id = $1
                and version_id = $2
            order by ordinal",
            self.tenant().uuid(),
            version_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(passages)
    }

    /// Lets passages be found otherwise, by vectors of each model that their collection needs: those of any other model, or of one
    /// that was left out, were of what the passages were embedded as before, and go.
    pub async fn change_passages(&mut self, change: &VersionChange<'_>) -> db::Result<Changed> {
        let Some(window_count) = self.lock_searched_version(change).await? else {
            return Ok(Changed::VersionGone);
        };
        self.update_passages(change).await?;
        let chunk_ids: Vec<Uuid> = change.passages.iter().map(|passage| passage.chunk_id).collect();
        let removed = self.delete_lookups(change.version_id, &chunk_ids).await?;
        let mut added = 0;
        for (model, vectors) in change.vectors {
            let is_own = model == change.own_model;
            let windows = NewWindows {
                collection_id: change.collection_id,
                model,
                is_own,
                chunk_ids: &chunk_ids,
                vectors,
            };
            let count = self.insert_windows(windows).await?;
            added += if is_own { count } else { 0 };
        }
        let terms: Vec<PassageTerms<'_>> = change
            .terms
            .iter()
            .map(|(chunk_id, terms)| PassageTerms { chunk_id: *chunk_id, terms })
            .collect();
        self.insert_terms(change.version_id, change.collection_id, &terms).await?;
        let term_count: i64 = terms.iter().map(|passage| i64::from(passage.length())).sum();
        self.count_lookups(change, term_count, window_count - removed + added).await?;
        // The collection's row is locked now, as when a version is published: whoever begins a re-embedding, switches or ends
        // one does so before, and is seen here, or after, and sees these vectors.
        let needed = self.list_embedding_models(change.collection_id, change.own_model).await?;
        let searched = self.find_searched_model(change.collection_id).await?.flatten();
        let is_there = |model: &str| change.vectors.contains_key(model);
        let fits = is_there(searched.as_deref().unwrap_or(change.own_model))
            && needed.iter().all(|model| is_there(model) || change.left_out.contains(model))
            && change.vectors.keys().all(|model| needed.contains(model));
        Ok(if fits { Changed::Done } else { Changed::OtherModels })
    }

    /// Locks document and version, as whoever publishes a version does; how many windows the version has, when it is in
    /// search.
    async fn lock_searched_version(
        &mut self,
        change: &VersionChange<'_>,
    ) -> db::Result<Option<i64>> {
        let active = sqlx::query_scalar!(
            "select active_version_id
            from documents
            where tenant_id = $1
                and document_id = $2
            for update",
            self.tenant().uuid(),
            change.document_id
        )
        .fetch_optional(self.connection())
        .await?;
        if active.flatten() != Some(change.version_id) {
            return Ok(None);
        }
        let window_count = sqlx::query_scalar!(
            "select window_count
            from document_versions
            where tenant_id = $1
                and version_id = $2
            for update",
            self.tenant().uuid(),
            change.version_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(window_count.map(i64::from))
    }

    async fn update_passages(&mut self, change: &VersionChange<'_>) -> db::Result<()> {
        let passages = change.passages;
        let ids: Vec<Uuid> = passages.iter().map(|passage| passage.chunk_id).collect();
        let contexts: Vec<Option<String>> =
            passages.iter().map(|passage| passage.context.clone()).collect();
        let digests: Vec<Vec<u8>> =
            passages.iter().map(|passage| passage.embedded_sha256.to_vec()).collect();
        sqlx::query!(
            "update chunks c
            set
                context = n.context,
                embedded_sha256 = n.embedded_sha256
            from unnest($3::uuid[], $4::text[], $5::bytea[]) as n (chunk_id, context, embedded_sha256)
            where c.tenant_id = $1
                and c.version_id = $2
                and c.chunk_id = n.chunk_id",
            self.tenant().uuid(),
            change.version_id,
            &ids,
            &contexts as &[Option<String>],
            &digests
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes the vectors of these passages, of all models, and the terms of all of the version; how many vectors there were of
    /// the database's own model.
    async fn delete_lookups(&mut self, version_id: Uuid, chunk_ids: &[Uuid]) -> db::Result<i64> {
        let windows = sqlx::query!(
            "delete from chunk_windows
            where tenant_id = $1
                and chunk_id = any($2)",
            self.tenant().uuid(),
            chunk_ids
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "delete from reembedded_windows
            where tenant_id = $1
                and chunk_id = any($2)",
            self.tenant().uuid(),
            chunk_ids
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "delete from chunk_terms
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            version_id
        )
        .execute(self.connection())
        .await?;
        Ok(i64::try_from(windows.rows_affected()).unwrap_or(i64::MAX))
    }

    /// Notes how many terms and windows there are, and of which models all passages have vectors: of no other than before, and of
    /// none that these do not have.
    async fn count_lookups(
        &mut self,
        change: &VersionChange<'_>,
        term_count: i64,
        window_count: i64,
    ) -> db::Result<()> {
        let models: Vec<String> = change.vectors.keys().cloned().collect();
        let before = sqlx::query!(
            r#"with before as (
                select
                    term_count,
                    window_count
                from document_versions
                where tenant_id = $1
                    and version_id = $2
            )
            update document_versions v
            set
                term_count = $3,
                window_count = $4,
                embedding_models = array(
                    select m.model
                    from unnest(coalesce(v.embedding_models, array[$5::text])) as m (model)
                    where m.model = any($6::text[])
                )
            from before b
            where v.tenant_id = $1
                and v.version_id = $2
            returning
                b.term_count as "term_count!",
                b.window_count as "window_count!""#,
            self.tenant().uuid(),
            change.version_id,
            i32::try_from(term_count).unwrap_or(i32::MAX),
            i32::try_from(window_count).unwrap_or(i32::MAX),
            change.own_model,
            &models
        )
        .fetch_one(self.connection())
        .await?;
        let counts = CountChange {
            chunks: 0,
            terms: term_count - i64::from(before.term_count),
            windows: window_count - i64::from(before.window_count),
        };
        self.change_collection_counts(change.collection_id, counts).await
    }
}
