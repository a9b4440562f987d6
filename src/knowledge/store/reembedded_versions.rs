//! What a re-embedding still has to embed or to remove: version by version, and within one passage by passage.
//!
//! `document_versions.embedding_models` says of which models all passages have vectors. What is embedded of a passage changes
//! with its context alone, and whoever changes that removes its vectors in the same transaction: so a vector that is there is
//! right, whoever made it. A version without passages lacks nothing.

use uuid::Uuid;

use super::reembedding_leases::Progress;
use crate::db::{self, TenantTx};

/// How many questions of the tenant are looked at for those of one collection.
const LAST_RUNS: i64 = 10_000;

/// A version that search reads.
#[derive(Clone, Debug)]
pub struct SearchedVersion {
    /// Id.
    pub version_id: Uuid,
    /// Its document.
    pub document_id: Uuid,
    /// Title found in the content, else the name of the document.
    pub title: String,
    /// Passages.
    pub chunk_count: i32,
}

/// A passage without a vector.
#[derive(Clone, Debug)]
pub struct LackingChunk {
    /// Id.
    pub chunk_id: Uuid,
    /// Headings above it.
    pub heading_path: Vec<String>,
    /// Context that it is embedded with.
    pub context: Option<String>,
    /// What it says.
    pub body: String,
    /// SHA-256 of what is embedded of it.
    pub embedded_sha256: Vec<u8>,
    /// Place within the version.
    pub ordinal: i32,
}

impl TenantTx {
    /// Passages of a collection, and how many of them are of versions that have vectors of a model throughout.
    pub(in crate::knowledge) async fn count_embedded_chunks(
        &mut self,
        collection_id: Uuid,
        own_model: &str,
        model: &str,
    ) -> db::Result<Progress> {
        let progress = sqlx::query_as!(
            Progress,
            r#"select
                coalesce(
                    sum(v.chunk_count) filter (where $4 = any(coalesce(v.embedding_models, array[$3::text]))),
                    0
                )::bigint as "done!",
                coalesce(sum(v.chunk_count), 0)::bigint as "total!"
            from documents d
            join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.collection_id = $2"#,
            self.tenant().uuid(),
            collection_id,
            own_model,
            model
        )
        .fetch_one(self.connection())
        .await?;
        Ok(progress)
    }

    /// The next version of a collection that lacks vectors of a model, in the order of the documents after one of them.
    pub(in crate::knowledge) async fn find_lacking_version(
        &mut self,
        collection_id: Uuid,
        own_model: &str,
        model: &str,
        after_document: Option<Uuid>,
    ) -> db::Result<Option<SearchedVersion>> {
        let found = sqlx::query_as!(
            SearchedVersion,
            r#"select
                v.version_id,
                d.document_id,
                coalesce(v.title, d.name) as "title!",
                v.chunk_count
            from documents d
            join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.collection_id = $2
                and v.chunk_count > 0
                and $4 <> all(coalesce(v.embedding_models, array[$3::text]))
                and ($5::uuid is null or d.document_id > $5)
            order by d.document_id
            limit 1"#,
            self.tenant().uuid(),
            collection_id,
            own_model,
            model,
            after_document
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }

    /// How many passages of a version have no vector of a model.
    pub(in crate::knowledge) async fn count_lacking_chunks(
        &mut self,
        version_id: Uuid,
        model: &str,
    ) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from chunks c
            where c.tenant_id = $1
                and c.version_id = $2
                and not exists (
                    select
                    from chunk_windows o
                    where o.tenant_id = $1
                        and o.chunk_id = c.chunk_id
                        and o.embedding_model = $3
                )
                and not exists (
                    select
                    from reembedded_windows b
                    where b.tenant_id = $1
                        and b.chunk_id = c.chunk_id
                        and b.embedding_model = $3
                )"#,
            self.tenant().uuid(),
            version_id,
            model
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// The next passages of a version that have no vector of a model, after a place.
    pub(in crate::knowledge) async fn list_lacking_chunks(
        &mut self,
        version_id: Uuid,
        model: &str,
        after_ordinal: i32,
        most: i64,
    ) -> db::Result<Vec<LackingChunk>> {
        let chunks = sqlx::query_as!(
            LackingChunk,
            "select
                c.chunk_id,
                c.heading_path,
                c.context,
                c.body,
                c.embedded_sha256,
                c.ordinal
            from chunks c
            where c.tenant_id = $1
                and c.version_id = $2
                and c.ordinal > $4
                and not exists (
                    select
                    from chunk_windows o
                    where o.tenant_id = $1
                        and o.chunk_id = c.chunk_id
                        and o.embedding_model = $3
                )
                and not exists (
                    select
                    from reembedded_windows b
                    where b.tenant_id = $1
                        and b.chunk_id = c.chunk_id
                        and b.embedding_model = $3
                )
            order by c.ordinal
            limit $5",
            self.tenant().uuid(),
            version_id,
            model,
            after_ordinal,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(chunks)
    }

    /// How many of these passages are still embedded as what was read of them says.
    pub(in crate::knowledge) async fn count_unchanged_chunks(
        &mut self,
        chunks: &[LackingChunk],
    ) -> db::Result<usize> {
        let ids: Vec<Uuid> = chunks.iter().map(|chunk| chunk.chunk_id).collect();
        let digests: Vec<Vec<u8>> =
            chunks.iter().map(|chunk| chunk.embedded_sha256.clone()).collect();
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from unnest($2::uuid[], $3::bytea[]) as n (chunk_id, embedded_sha256)
            join chunks c
                on c.tenant_id = $1
                and c.chunk_id = n.chunk_id
                and c.embedded_sha256 = n.embedded_sha256"#,
            self.tenant().uuid(),
            &ids,
            &digests
        )
        .fetch_one(self.connection())
        .await?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Keeps a version in search until the end of the transaction, and others from its vectors and contexts; false when it is not
    /// there any more.
    pub(in crate::knowledge) async fn hold_active_version(
        &mut self,
        document_id: Uuid,
        version_id: Uuid,
    ) -> db::Result<bool> {
        let held = sqlx::query_scalar!(
            "select document_id
            from documents
            where tenant_id = $1
                and document_id = $2
                and active_version_id = $3
            for no key update",
            self.tenant().uuid(),
            document_id,
            version_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(held.is_some())
    }

    /// Notes vectors of a version: all of a model when `is_whole`, and how many of the database's own model came.
    pub(in crate::knowledge) async fn note_embedded(
        &mut self,
        version_id: Uuid,
        models: (&str, &str),
        is_whole: bool,
        own_windows: i64,
    ) -> db::Result<()> {
        let (own_model, model) = models;
        sqlx::query!(
            "update document_versions
            set
                embedding_models = case
                    when $5 and $4 <> all(coalesce(embedding_models, array[$3::text]))
                        then array_append(coalesce(embedding_models, array[$3::text]), $4::text)
                    else embedding_models
                end,
                window_count = window_count + $6::bigint::int
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            version_id,
            own_model,
            model,
            is_whole,
            own_windows
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a version has no vectors of a model any more, and how many of the database's own model went.
    pub(in crate::knowledge) async fn note_dropped(
        &mut self,
        version_id: Uuid,
        models: (&str, &str),
        own_windows: i64,
    ) -> db::Result<()> {
        let (own_model, model) = models;
        sqlx::query!(
            "update document_versions
            set
                embedding_models = array_remove(coalesce(embedding_models, array[$3::text]), $4::text),
                window_count = window_count - $5::bigint::int
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            version_id,
            own_model,
            model,
            own_windows
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A version of a collection that has vectors of a model; document and version. First those that have all of them, in the
    /// order of the documents after one of them; and when there is none after any, those that have some, where those of a
    /// model lie: in the other table none would be found but by reading all.
    pub(in crate::knowledge) async fn find_embedded_version(
        &mut self,
        collection_id: Uuid,
        own_model: &str,
        model: &str,
        after_document: Option<Uuid>,
    ) -> db::Result<Option<(Uuid, Uuid)>> {
        let whole = sqlx::query!(
            "select
                d.document_id,
                v.version_id
            from documents d
            join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.collection_id = $2
                and v.chunk_count > 0
                and $4 = any(coalesce(v.embedding_models, array[$3::text]))
                and ($5::uuid is null or d.document_id > $5)
            order by d.document_id
            limit 1",
            self.tenant().uuid(),
            collection_id,
            own_model,
            model,
            after_document
        )
        .fetch_optional(self.connection())
        .await?;
        if whole.is_some() || after_document.is_some() {
            return Ok(whole.map(|whole| (whole.document_id, whole.version_id)));
        }
        if own_model == model {
            let some = sqlx::query!(
                r#"select
                    c.document_id as "document_id!",
                    c.version_id as "version_id!"
                from (
                    select o.chunk_id
                    from chunk_windows o
                    where o.tenant_id = $1
                        and o.collection_id = $2
                        and o.embedding_model = $3
                    limit 1
                ) w
                join chunks c on c.tenant_id = $1 and c.chunk_id = w.chunk_id"#,
                self.tenant().uuid(),
                collection_id,
                model
            )
            .fetch_optional(self.connection())
            .await?;
            return Ok(some.map(|some| (some.document_id, some.version_id)));
        }
        let some = sqlx::query!(
            r#"select
                c.document_id as "document_id!",
                c.version_id as "version_id!"
            from (
                select b.chunk_id
                from reembedded_windows b
                where b.tenant_id = $1
                    and b.collection_id = $2
                    and b.embedding_model = $3
                limit 1
            ) w
            join chunks c on c.tenant_id = $1 and c.chunk_id = w.chunk_id"#,
            self.tenant().uuid(),
            collection_id,
            model
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(some.map(|some| (some.document_id, some.version_id)))
    }

    /// Questions that were last asked of a collection, each once, the newest first. Other than texts of answers these hold no
    /// passage; they are what its searches will be like.
    pub(in crate::knowledge) async fn list_recent_questions(
        &mut self,
        collection_id: Uuid,
        most: i64,
    ) -> db::Result<Vec<String>> {
        let questions = sqlx::query_scalar!(
            r#"select q.question as "question!"
            from (
                select
                    r.standalone_question as question,
                    max(r.run_id::text) as last
                from (
                    select
                        a.run_id,
                        a.standalone_question,
                        a.collection_ids
                    from runs a
                    where a.tenant_id = $1
                    order by a.run_id desc
                    limit $4
                ) r
                where r.standalone_question is not null
                    and (r.collection_ids = '{}' or $2 = any(r.collection_ids))
                group by r.standalone_question
            ) q
            order by q.last desc
            limit $3"#,
            self.tenant().uuid(),
            collection_id,
            most,
            LAST_RUNS
        )
        .fetch_all(self.connection())
        .await?;
        Ok(questions)
    }

    /// Passages of a collection from here and there, always the same ones: id and text.
    pub(in crate::knowledge) async fn sample_chunks(
        &mut self,
        collection_id: Uuid,
        most: i64,
    ) -> db::Result<Vec<(Uuid, String)>> {
        let rows = sqlx::query!(
            "select
                chunk_id,
                body
            from chunks
            where tenant_id = $1
                and collection_id = $2
            order by md5(chunk_id::text)
            limit $3",
            self.tenant().uuid(),
            collection_id,
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.chunk_id, row.body)).collect())
    }
}
