//! Re-embeddings that somebody must look after: work without a message, vectors whose time is over, versions of older processes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, SystemTx, TenantTx};

/// When a re-embedding without a message is looked at.
#[derive(Clone, Copy, Debug)]
pub struct WaitingTimes {
    /// Work that nobody touched for so long is lost.
    pub lost_after: Duration,
    /// Time between two looks through the collection of one that is ready or switched to.
    pub look_after: Duration,
    /// For how long after it is completed that is still done.
    pub late: Duration,
}

impl TenantTx {
    /// Re-embeddings that are in nobody's hands and without a message, and that have work to be done: they were lost, vectors
    /// are to be removed, or a version came in without vectors that its collection needs. At most so many are looked at; all of
    /// them count as touched now, so that a collection is not looked through each time.
    pub(in crate::knowledge) async fn touch_waiting_reembeddings(
        &mut self,
        own_model: &str,
        times: WaitingTimes,
        most: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            r#"with waiting as materialized (
                select r.reembedding_id
                from reembeddings r
                where r.tenant_id = $1
                    and (r.lease_expires_at is null or r.lease_expires_at <= now())
                    and (
                        r.drop_at <= now()
                        or (
                            r.state in ('queued', 'running')
                            and r.touched_at <= now() - make_interval(secs => $3)
                        )
                        or (
                            r.state in ('ready', 'switched')
                            and r.touched_at <= now() - make_interval(secs => $5)
                        )
                        or (
                            r.state = 'completed'
                            and r.finished_at > now() - make_interval(secs => $6)
                            and r.touched_at <= now() - make_interval(secs => $5)
                            and exists (
                                select
                                from collections k
                                where k.tenant_id = $1
                                    and k.collection_id = r.collection_id
                                    and k.embedding_model = r.to_model
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
            ),
            touched as (
                update reembeddings r
                set touched_at = now()
                from waiting w
                where r.tenant_id = $1
                    and r.reembedding_id = w.reembedding_id
                returning
                    r.reembedding_id,
                    r.collection_id,
                    r.from_model,
                    r.to_model,
                    r.state,
                    r.drop_at
            )
            select t.reembedding_id as "reembedding_id!"
            from touched t
            where t.drop_at <= now()
                or t.state in ('queued', 'running')
                or exists (
                    select
                    from documents d
                    join document_versions v on v.tenant_id = d.tenant_id and v.version_id = d.active_version_id
                    where d.tenant_id = $1
                        and d.collection_id = t.collection_id
                        and v.chunk_count > 0
                        and (
                            t.to_model <> all(coalesce(v.embedding_models, array[$2::text]))
                            or t.from_model <> all(coalesce(v.embedding_models, array[$2::text]))
                                and t.state <> 'completed'
                        )
                )"#,
            self.tenant().uuid(),
            own_model,
            times.lost_after.as_secs_f64(),
            most,
            times.look_after.as_secs_f64(),
            times.late.as_secs_f64()
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
