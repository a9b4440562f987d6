//! Rows of `run_leases`: who makes a run that goes on. They hold ids only; times are those of the database's clock.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, SystemTx, TenantTx};
use crate::kernel::ids::TenantId;

/// A lease that ran out.
#[derive(Clone, Copy, Debug)]
pub(in crate::chat) struct Orphan {
    /// Run.
    pub run_id: Uuid,
    /// Its tenant.
    pub tenant: TenantId,
    /// Number of the last event that is stored.
    pub event_count: i32,
}

/// A lease, locked.
#[derive(Clone, Debug)]
pub(in crate::chat) struct Lease {
    /// Instance that holds it.
    pub instance_id: Uuid,
    /// Number of the last event that is stored.
    pub event_count: i32,
    /// Collections whose text the model was given; absent until that is known.
    pub read_collection_ids: Option<Vec<Uuid>>,
    /// Whether its time is over.
    pub is_expired: bool,
    /// Whether somebody asked to stop the run.
    pub is_cancel_requested: bool,
}

impl SystemTx {
    /// Extends leases of an instance; those of them that it still holds. Locked in the order of their ids, as by whoever adds
    /// events to many.
    pub(in crate::chat) async fn renew_run_leases(
        &mut self,
        instance_id: Uuid,
        run_ids: &[Uuid],
        lease: Duration,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "with locked as materialized (
                select run_id
                from run_leases
                where run_id = any($2)
                    and instance_id = $1
                order by run_id
                for update
            )
            update run_leases
            set expires_at = now() + make_interval(secs => $3)
            from locked
            where run_leases.run_id = locked.run_id
            returning run_leases.run_id",
            instance_id,
            run_ids,
            lease.as_secs_f64()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Runs of an instance that somebody asked to stop.
    pub(in crate::chat) async fn list_runs_to_cancel(
        &mut self,
        instance_id: Uuid,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select run_id
            from run_leases
            where instance_id = $1
                and cancel_requested_at is not null",
            instance_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Runs whose instance is gone, those that wait longest first.
    pub(in crate::chat) async fn list_orphans(&mut self, most: i64) -> db::Result<Vec<Orphan>> {
        let rows = sqlx::query!(
            "select
                run_id,
                for_tenant,
                event_count
            from run_leases
            where expires_at < now()
            order by expires_at
            limit $1",
            most
        )
        .fetch_all(self.connection())
        .await?;
        let orphans = rows.into_iter().map(|row| Orphan {
            run_id: row.run_id,
            tenant: row.for_tenant.into(),
            event_count: row.event_count,
        });
        Ok(orphans.collect())
    }
}

impl TenantTx {
    /// The lease of a run that goes on, locked until the end of the transaction.
    pub(in crate::chat) async fn lock_run_lease(
        &mut self,
        run_id: Uuid,
    ) -> db::Result<Option<Lease>> {
        let lease = sqlx::query_as!(
            Lease,
            r#"select
                instance_id,
                event_count,
                read_collection_ids,
                expires_at < now() as "is_expired!",
                cancel_requested_at is not null as "is_cancel_requested!"
            from run_leases
            where run_id = $2
                and for_tenant = $1
            for update"#,
            self.tenant().uuid(),
            run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(lease)
    }

    /// The run of a session that goes on, and whether it is orphaned.
    pub(in crate::chat) async fn find_active_run(
        &mut self,
        session_id: Uuid,
    ) -> db::Result<Option<(Orphan, bool)>> {
        let row = sqlx::query!(
            r#"select
                run_id,
                event_count,
                expires_at < now() as "is_expired!"
            from run_leases
            where for_tenant = $1
                and session_id = $2"#,
            self.tenant().uuid(),
            session_id
        )
        .fetch_optional(self.connection())
        .await?;
        let tenant = self.tenant();
        Ok(row.map(|row| {
            let orphan = Orphan { run_id: row.run_id, tenant, event_count: row.event_count };
            (orphan, row.is_expired)
        }))
    }

    /// Asks whoever holds a run to stop it; asking again changes nothing.
    pub(in crate::chat) async fn request_cancel(&mut self, run_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "update run_leases
            set cancel_requested_at = now()
            where run_id = $2
                and for_tenant = $1
                and cancel_requested_at is null",
            self.tenant().uuid(),
            run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives up a lease of which there is no run any more.
    pub(in crate::chat) async fn delete_run_lease(&mut self, run_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "delete from run_leases
            where run_id = $2
                and for_tenant = $1",
            self.tenant().uuid(),
            run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives up the lease of a session's run, so that whoever makes it finds out that the session is gone.
    pub(in crate::chat) async fn delete_session_lease(
        &mut self,
        session_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from run_leases
            where for_tenant = $1
                and session_id = $2",
            self.tenant().uuid(),
            session_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
