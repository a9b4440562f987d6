//! Collections whose enrichment stands still, and those that nobody looks after.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

impl TenantTx {
    /// Says why the whole collection stands still, or that it does not.
    pub(in crate::enrichment) async fn set_enrichment_wait(
        &mut self,
        collection_id: Uuid,
        waits_for: Option<&str>,
    ) -> db::Result<()> {
        sqlx::query!(
            "update collections
            set enrichment_waits_for = $3
            where tenant_id = $1
                and collection_id = $2
                and enrichment = 'on'
                and enrichment_waits_for is distinct from $3",
            self.tenant().uuid(),
            collection_id,
            waits_for
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that there is a model, where none was before.
    pub(in crate::enrichment) async fn note_model(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update collections
            set enrichment_waits_for = null
            where tenant_id = $1
                and collection_id = $2
                and enrichment_waits_for = 'no_model'",
            self.tenant().uuid(),
            collection_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Whether somebody was at work on a collection within so long.
    pub(in crate::enrichment) async fn was_enriched_within(
        &mut self,
        collection_id: Uuid,
        within: Duration,
    ) -> db::Result<bool> {
        let was_enriched = sqlx::query_scalar!(
            r#"select exists (
                select
                from enrichments
                where tenant_id = $1
                    and collection_id = $2
                    and updated_at > now() - make_interval(secs => $3)
            ) as "was_enriched!""#,
            self.tenant().uuid(),
            collection_id,
            within.as_secs_f64()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(was_enriched)
    }

    /// Collections that are switched on, have something to do and have no message that has it done. Those that wait for a
    /// model are left out unless there is one.
    pub(in crate::enrichment) async fn list_lost_enrichments(
        &mut self,
        has_model: bool,
        lost_after: Duration,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select c.collection_id
            from collections c
            where c.tenant_id = $1
                and c.enrichment = 'on'
                and ($2 or c.enrichment_waits_for is distinct from 'no_model')
                and not exists (
                    select
                    from outbox o
                    where o.for_tenant = c.tenant_id
                        and o.subject_id = c.collection_id
                )
                and (c.enrichment_waits_for = 'no_model' or exists (
                    select
                    from documents d
                    left join enrichments e
                        on e.tenant_id = d.tenant_id
                        and e.document_id = d.document_id
                        and e.version_id = d.active_version_id
                    where d.tenant_id = c.tenant_id
                        and d.collection_id = c.collection_id
                        and d.active_version_id is not null
                        and (
                            e.document_id is null and d.updated_at <= now() - make_interval(secs => $3)
                            or e.state in ('waiting', 'running')
                                and greatest(e.due_at, e.updated_at, e.lease_expires_at)
                                    <= now() - make_interval(secs => $3)
                        )
                ))
            order by c.collection_id",
            self.tenant().uuid(),
            has_model,
            lost_after.as_secs_f64()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
