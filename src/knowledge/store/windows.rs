//! Vectors of passages: those of the database's own model in `chunk_windows`, those of any other in `reembedded_windows`.

use std::collections::BTreeMap;

use pgvector::HalfVector;
use uuid::Uuid;

use super::search::{DenseMatch, SearchFilter, WINDOWS_PER_PASSAGE};
use crate::db::{self, TenantTx};

/// Vectors of the windows of each passage of a list, in its order, by model.
pub type VectorsByModel = BTreeMap<String, Vec<Vec<HalfVector>>>;

/// Vectors of one model on their way into the database.
#[derive(Clone, Copy, Debug)]
pub struct NewWindows<'a> {
    /// Collection of the passages.
    pub collection_id: Uuid,
    /// Model.
    pub model: &'a str,
    /// Whether it is the database's own.
    pub is_own: bool,
    /// Passages.
    pub chunk_ids: &'a [Uuid],
    /// Vectors of the windows of each, in the same order.
    pub vectors: &'a [Vec<HalfVector>],
}

impl TenantTx {
    /// Models of which each passage of a collection needs vectors: that of its searches, and those between which a
    /// re-embedding stands. None when there is no such collection.
    pub async fn list_embedding_models(
        &mut self,
        collection_id: Uuid,
        own_model: &str,
    ) -> db::Result<Vec<String>> {
        let models = sqlx::query_scalar!(
            r#"select coalesce(k.embedding_model, $3) as "model!"
            from collections k
            where k.tenant_id = $1
                and k.collection_id = $2
            union
            select m.model
            from reembeddings r
            cross join lateral unnest(array[r.from_model, r.to_model]) as m (model)
            where r.tenant_id = $1
                and r.collection_id = $2
                and r.state in ('queued', 'running', 'ready', 'switched')"#,
            self.tenant().uuid(),
            collection_id,
            own_model
        )
        .fetch_all(self.connection())
        .await?;
        Ok(models)
    }

    /// Vectors of passages that a model embedded before, by digest of what was embedded.
    pub(in crate::knowledge) async fn find_embeddings(
        &mut self,
        own_model: &str,
        embedding_model: &str,
        digests: &[Vec<u8>],
    ) -> db::Result<BTreeMap<Vec<u8>, Vec<HalfVector>>> {
        // Each passage stands under the database's own model, whatever vectors it has: so the index serves.
        let rows = sqlx::query!(
            r#"select
                c.embedded_sha256 as "embedded_sha256!",
                w.embedding as "embedding!: HalfVector"
            from (
                select distinct on (k.embedded_sha256)
                    k.embedded_sha256,
                    k.chunk_id
                from chunks k
                where k.tenant_id = $1
                    and k.embedding_model = $2
                    and k.embedded_sha256 = any($4)
                    and (
                        exists (
                            select
                            from chunk_windows o
                            where o.tenant_id = $1
                                and o.chunk_id = k.chunk_id
                                and o.embedding_model = $3
                        )
                        or exists (
                            select
                            from reembedded_windows b
                            where b.tenant_id = $1
                                and b.chunk_id = k.chunk_id
                                and b.embedding_model = $3
                        )
                    )
                order by k.embedded_sha256
            ) c
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
            order by c.embedded_sha256, w.number"#,
            self.tenant().uuid(),
            own_model,
            embedding_model,
            digests
        )
        .fetch_all(self.connection())
        .await?;
        let mut found: BTreeMap<Vec<u8>, Vec<HalfVector>> = BTreeMap::new();
        for row in rows {
            found.entry(row.embedded_sha256).or_default().push(row.embedding);
        }
        Ok(found)
    }

    /// Stores vectors; how many. Those that somebody else has stored meanwhile are as good.
    pub(in crate::knowledge) async fn insert_windows(
        &mut self,
        windows: NewWindows<'_>,
    ) -> db::Result<i64> {
        let mut ids = Vec::new();
        let mut numbers = Vec::new();
        let mut embeddings = Vec::new();
        for (chunk_id, vectors) in windows.chunk_ids.iter().zip(windows.vectors) {
            for (number, embedding) in (0_i32..).zip(vectors) {
                ids.push(*chunk_id);
                numbers.push(number);
                embeddings.push(embedding.clone());
            }
        }
        let tenant = self.tenant().uuid();
        let done = if windows.is_own {
            sqlx::query!(
                "insert into chunk_windows (
                    tenant_id,
                    chunk_id,
                    number,
                    collection_id,
                    embedding_model,
                    embedding
                )
                select
                    $1,
                    n.chunk_id,
                    n.number,
                    $2,
                    $3,
                    n.embedding
                from unnest($4::uuid[], $5::int[], $6::halfvec[]) as n (chunk_id, number, embedding)
                on conflict do nothing",
                tenant,
                windows.collection_id,
                windows.model,
                &ids,
                &numbers as &[i32],
                embeddings as _
            )
            .execute(self.connection())
            .await?
        } else {
            sqlx::query!(
                "insert into reembedded_windows (
                    tenant_id,
                    chunk_id,
                    number,
                    collection_id,
                    embedding_model,
                    embedding
                )
                select
                    $1,
                    n.chunk_id,
                    n.number,
                    $2,
                    $3,
                    n.embedding
                from unnest($4::uuid[], $5::int[], $6::halfvec[]) as n (chunk_id, number, embedding)
                on conflict do nothing",
                tenant,
                windows.collection_id,
                windows.model,
                &ids,
                &numbers as &[i32],
                embeddings as _
            )
            .execute(self.connection())
            .await?
        };
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    /// Removes the vectors of one model from a version; how many there were.
    pub(in crate::knowledge) async fn delete_windows(
        &mut self,
        version_id: Uuid,
        model: &str,
        is_own: bool,
    ) -> db::Result<i64> {
        let tenant = self.tenant().uuid();
        let done = if is_own {
            sqlx::query!(
                "delete from chunk_windows w
                using chunks c
                where c.tenant_id = $1
                    and c.version_id = $2
                    and w.tenant_id = $1
                    and w.chunk_id = c.chunk_id
                    and w.embedding_model = $3",
                tenant,
                version_id,
                model
            )
            .execute(self.connection())
            .await?
        } else {
            sqlx::query!(
                "delete from reembedded_windows w
                using chunks c
                where c.tenant_id = $1
                    and c.version_id = $2
                    and w.tenant_id = $1
                    and w.chunk_id = c.chunk_id
                    and w.embedding_model = $3",
                tenant,
                version_id,
                model
            )
            .execute(self.connection())
            .await?
        };
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    /// As [`TenantTx::search_dense`] with a model that is not the database's own.
    pub(in crate::knowledge) async fn search_dense_beside(
        &mut self,
        filter: &SearchFilter,
        embedding_model: &str,
        question: &HalfVector,
        most: i64,
    ) -> db::Result<Vec<DenseMatch>> {
        let matches = sqlx::query_as!(
            DenseMatch,
            r#"with nearest as materialized (
                select
                    w.chunk_id,
                    w.embedding <=> $5 as distance
                from reembedded_windows w
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
}
