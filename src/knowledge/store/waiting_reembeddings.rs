//! Re-embeddings that somebody must look after: work without a message, vectors whose time is over, versions of older processes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, SystemTx, TenantTx};

impl TenantTx {
    /// Re-embeddings that are in nobody's hands and without a message, and that have work to be done: they were lost for
    /// `lost_after`, vectors are to be removed, or a version came in without vectors that its collection needs, and nobody has
    /// looked for `late_after`. At most so many; they count as touched now.
    pub(in crate::knowledge) async fn touch_waiting_reembeddings(
        &mut self,
        own_model: &str,
        lost_after: Duration,
        late_after: Duration,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with waiting as materialized (
                select r.reembedding_id
                from reembeddings r
                join collections k on k.tenant_id = r.tenant_id and k.collection_id = r.collection_id
                where r.tenant_id = $1
                    and (r.lease_expires_at is null or r.lease_expires_at <= now())
                    and (
                        r.drop_at <= now()
                        or r.state in ('queued', 'running')
                            and r.touched_at <= now() - make_interval(secs => $3)
                        or (
                            r.state in ('ready', 'switched')
                            or r.state = 'completed' and k.embedding_model = r.to_model
                        )
                        and r.touched_at <= now() - make_interval(secs => $5)
                        and exists (
                            select
                            from documents d
                            join document_versions v
                                on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
                            where d.tenant_id = $1
                                and d.collection_id = r.collection_id
                                and v.chunk_count > 0
                                and (
                                    r.to_model <> all(coalesce(v.embedding_models, array[$2::text]))
                                    or r.from_model <> all(coalesce(v.embedding_models, array[$2::text]))
                                        and r.state <> 'completed'
                                )
                        )
                    )
                    and not exists (
                        select
                        from outbox o
                        where o.for_tenant = r.tenant_id
                            and o.subject_id = r.reembedding_id
                    )
                order by r.reembedding_id
                limit $4
                for update of r skip locked
            )
            update reembeddings r
            set touched_at = now()
            from waiting w
            where r.tenant_id = $1
                and r.reembedding_id = w.reembedding_id
            returning r.reembedding_id",
            self.tenant().uuid(),
            own_model,
            lost_after.as_secs_f64(),
            most,
            late_after.as_secs_f64()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Whether a version of a collection lacks vectors of a model.
    pub(in crate::knowledge) async fn lacks_vectors(
        &mut self,
        collection_id: Uuid,
        own_model: &str,
        model: &str,
    ) -> db::Result<bool> {
        let found = self.find_lacking_version(collection_id, own_model, model, None).await?;
        Ok(found.is_some())
    }

    /// Models that the tenant's collections need at this moment, beside the database's own.
    pub(in crate::knowledge) async fn list_needed_models(&mut self) -> db::Result<Vec<String>> {
        let models = sqlx::query_scalar!(
            r#"select k.embedding_model as "model!"
            from collections k
            where k.tenant_id = $1
                and k.embedding_model is not null
            union
            select m.model
            from reembeddings r
            cross join lateral unnest(array[r.from_model, r.to_model]) as m (model)
            where r.tenant_id = $1
                and r.state in ('queued', 'running', 'ready', 'switched')"#,
            self.tenant().uuid()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(models)
    }

    /// Notes for all processes that a model is needed, which is read before they start.
    pub(in crate::knowledge) async fn note_needed_model(&mut self, model: &str) -> db::Result<()> {
        sqlx::query!(
            "update embedding_space
            set
                other_models = array_append(array_remove(other_models, $1::text), $1::text),
                other_models_at = now()
            where model <> $1",
            model
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl SystemTx {
    /// Models that collections came to need beside the database's own, and a mark of what was noted last.
    pub(in crate::knowledge) async fn list_other_models(
        &mut self,
    ) -> db::Result<(Vec<String>, Option<DateTime<Utc>>)> {
        let found = sqlx::query!(
            "select
                other_models,
                other_models_at
            from embedding_space"
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.map(|row| (row.other_models, row.other_models_at)).unwrap_or_default())
    }

    /// Leaves these of them, unless somebody has come to need one since the mark.
    pub(in crate::knowledge) async fn retain_other_models(
        &mut self,
        models: &[String],
        mark: Option<DateTime<Utc>>,
    ) -> db::Result<()> {
        sqlx::query!(
            "update embedding_space
            set other_models = $1
            where other_models_at is not distinct from $2",
            models,
            mark
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
