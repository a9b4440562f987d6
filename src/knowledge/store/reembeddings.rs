//! Rows of `reembeddings` as they are asked for, shown and steered.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// One change of a collection's embedding model.
#[derive(Clone, Debug, PartialEq)]
pub struct Reembedding {
    /// Id.
    pub reembedding_id: Uuid,
    /// Collection.
    pub collection_id: Uuid,
    /// Model of the vectors that searches read when it began.
    pub from_model: String,
    /// Model that is to take its place.
    pub to_model: String,
    /// `queued`, `running`, `ready`, `switched`, `completed`, `failed` or `cancelled`.
    pub state: String,
    /// Passages with vectors of the new model.
    pub chunks_done: i64,
    /// Passages of the collection.
    pub chunks_total: i64,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// Mean overlap of the nearest passages, 0 to 1.
    pub recall_overlap: Option<f64>,
    /// Questions that were compared.
    pub recall_sample: Option<i32>,
    /// Nearest passages that were compared for each.
    pub recall_depth: Option<i32>,
    /// `questions` or `passages`.
    pub recall_source: Option<String>,
    /// When vectors are removed, while they are not yet.
    pub drop_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When every passage had new vectors.
    pub ready_at: Option<DateTime<Utc>>,
    /// When searches began to read them.
    pub switched_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A re-embedding to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewReembedding<'a> {
    /// Id.
    pub reembedding_id: Uuid,
    /// Collection.
    pub collection_id: Uuid,
    /// Model of the vectors that searches read.
    pub from_model: &'a str,
    /// Model that is to take its place.
    pub to_model: &'a str,
    /// Key or person that asks for it.
    pub created_by: Uuid,
}

impl TenantTx {
    /// Locks a collection against publishing and against another change of its model; the model whose vectors its searches
    /// read, absent for the database's own. `None` when there is no such collection.
    pub(in crate::knowledge) async fn lock_searched_model(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<Option<String>>> {
        let model = sqlx::query_scalar!(
            "select embedding_model
            from collections
            where tenant_id = $1
                and collection_id = $2
            for no key update",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(model)
    }

    /// Model whose vectors searches of a collection read, as above, without a lock.
    pub async fn find_searched_model(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<Option<String>>> {
        let model = sqlx::query_scalar!(
            "select embedding_model
            from collections
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(model)
    }

    /// Lets searches of a collection read vectors of another model; of the database's own when absent.
    pub(in crate::knowledge) async fn put_searched_model(
        &mut self,
        collection_id: Uuid,
        model: Option<&str>,
    ) -> db::Result<()> {
        sqlx::query!(
            "update collections
            set embedding_model = $3
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id,
            model
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores a re-embedding that begins when a worker takes it.
    pub(in crate::knowledge) async fn insert_reembedding(
        &mut self,
        new: NewReembedding<'_>,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into reembeddings (tenant_id, reembedding_id, collection_id, from_model, to_model, created_by)
            values ($1, $2, $3, $4, $5, $6)",
            self.tenant().uuid(),
            new.reembedding_id,
            new.collection_id,
            new.from_model,
            new.to_model,
            new.created_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores a re-embedding of a collection that has no document yet, whose searches read vectors of the new model from its
    /// beginning: all is done, and what processes of an older version publish is looked for as after any other.
    pub(in crate::knowledge) async fn insert_completed_reembedding(
        &mut self,
        new: NewReembedding<'_>,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into reembeddings (
                tenant_id,
                reembedding_id,
                collection_id,
                from_model,
                to_model,
                created_by,
                state,
                started_at,
                ready_at,
                switched_at,
                finished_at
            )
            values ($1, $2, $3, $4, $5, $6, 'completed', now(), now(), now(), now())",
            self.tenant().uuid(),
            new.reembedding_id,
            new.collection_id,
            new.from_model,
            new.to_model,
            new.created_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// One re-embedding of a collection.
    pub(in crate::knowledge) async fn find_reembedding(
        &mut self,
        collection_id: Uuid,
        reembedding_id: Uuid,
    ) -> db::Result<Option<Reembedding>> {
        let found = sqlx::query_as!(
            Reembedding,
            "select
                reembedding_id,
                collection_id,
                from_model,
                to_model,
                state,
                chunks_done,
                chunks_total,
                failure_code,
                failure_detail,
                recall_overlap,
                recall_sample,
                recall_depth,
                recall_source,
                drop_at,
                created_at,
                started_at,
                ready_at,
                switched_at,
                finished_at
            from reembeddings
            where tenant_id = $1
                and collection_id = $2
                and reembedding_id = $3",
            self.tenant().uuid(),
            collection_id,
            reembedding_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }

    /// Id of the re-embedding of a collection that is not over, of which there is one at most.
    pub(in crate::knowledge) async fn find_live_reembedding(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<Uuid>> {
        let found = sqlx::query_scalar!(
            "select reembedding_id
            from reembeddings
            where tenant_id = $1
                and collection_id = $2
                and state in ('queued', 'running', 'ready', 'switched')",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }

    /// Re-embeddings of a collection, newest first.
    pub(in crate::knowledge) async fn list_reembeddings(
        &mut self,
        collection_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Reembedding>> {
        let rows = sqlx::query_as!(
            Reembedding,
            "select
                reembedding_id,
                collection_id,
                from_model,
                to_model,
                state,
                chunks_done,
                chunks_total,
                failure_code,
                failure_detail,
                recall_overlap,
                recall_sample,
                recall_depth,
                recall_source,
                drop_at,
                created_at,
                started_at,
                ready_at,
                switched_at,
                finished_at
            from reembeddings
            where tenant_id = $1
                and collection_id = $2
                and ($3::uuid is null or reembedding_id < $3)
            order by reembedding_id desc
            limit $4",
            self.tenant().uuid(),
            collection_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |row| row.reembedding_id))
    }

    /// Notes that searches read the new vectors and that the old ones are kept for so long; false when it is not ready.
    pub(in crate::knowledge) async fn mark_switched(
        &mut self,
        reembedding_id: Uuid,
        keep: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'switched',
                switched_at = now(),
                touched_at = now(),
                drop_model = from_model,
                drop_at = now() + make_interval(secs => $3)
            where tenant_id = $1
                and reembedding_id = $2
                and state = 'ready'",
            self.tenant().uuid(),
            reembedding_id,
            keep.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that searches read the old vectors again; false when they do not read the new ones.
    pub(in crate::knowledge) async fn mark_rolled_back(
        &mut self,
        reembedding_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'ready',
                switched_at = null,
                touched_at = now(),
                drop_model = null,
                drop_at = null
            where tenant_id = $1
                and reembedding_id = $2
                and state = 'switched'",
            self.tenant().uuid(),
            reembedding_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a re-embedding whose vectors no search reads, and has these removed; false when it is over, or switched to.
    pub(in crate::knowledge) async fn mark_cancelled(
        &mut self,
        reembedding_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update reembeddings
            set
                state = 'cancelled',
                comparison = null,
                finished_at = now(),
                touched_at = now(),
                drop_model = to_model,
                drop_at = now()
            where tenant_id = $1
                and reembedding_id = $2
                and state in ('queued', 'running', 'ready')",
            self.tenant().uuid(),
            reembedding_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
