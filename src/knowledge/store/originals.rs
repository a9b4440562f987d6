//! Rows of `pending_originals`: originals that are being stored and have no version yet.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

impl TenantTx {
    /// Announces that an original will be stored.
    pub(in crate::knowledge) async fn announce_original(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into pending_originals (tenant_id, version_id)
            values ($1, $2)",
            self.tenant().uuid(),
            version_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets an announcement stand for so long, of content that is none of a version; false when somebody took it away before.
    pub(in crate::knowledge) async fn hold_original(
        &mut self,
        content_id: Uuid,
        time: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update pending_originals
            set held_until = now() + make_interval(secs => $3)
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            content_id,
            time.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes the announcement away: the original is that of a version from now on, or is to be removed. False when somebody
    /// did so before.
    pub(in crate::knowledge) async fn settle_original(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from pending_originals
            where tenant_id = $1
                and version_id = $2",
            self.tenant().uuid(),
            version_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether there is a version of this id.
    pub(in crate::knowledge) async fn has_version(&mut self, version_id: Uuid) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            r#"select exists (
                select
                from document_versions
                where tenant_id = $1
                    and version_id = $2
            ) as "found!""#,
            self.tenant().uuid(),
            version_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(found)
    }

    /// Takes announcements away that are older than `patience`, at most `limit`: versions that will not be, whose originals are
    /// to be removed. Those that somebody is just settling are left to it, and those of an upload in parts until it expires: who
    /// completes it again goes on from there. And those of content that may still be held.
    pub async fn give_up_originals(
        &mut self,
        patience: Duration,
        limit: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "delete from pending_originals
            where tenant_id = $1
                and version_id in (
                    select version_id
                    from pending_originals
                    where tenant_id = $1
                        and created_at <= now() - make_interval(secs => $2)
                        and (held_until is null or held_until <= now())
                        and not exists (
                            select
                            from uploads
                            where uploads.tenant_id = $1
                                and uploads.version_id = pending_originals.version_id
                                and uploads.state in ('open', 'completing')
                                and uploads.expires_at > now()
                        )
                    limit $3
                    for update skip locked
                )
            returning version_id",
            self.tenant().uuid(),
            patience.as_secs_f64(),
            limit
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
