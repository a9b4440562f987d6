//! Rows of `uploads`: large files that are sent in parts.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::idempotency::Outcome;
use crate::db::{self, Keyset, Page, TenantTx};
use crate::knowledge::reach::Reach;

/// One upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Id.
    pub upload_id: Uuid,
    /// Version that it will be the original of.
    pub version_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Name of the document.
    pub name: String,
    /// Media type that the sender declared.
    pub declared_type: Option<String>,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object.
    pub metadata: Option<Value>,
    /// Size of the whole file.
    pub size_bytes: i64,
    /// Size of each part but the last one.
    pub part_bytes: i64,
    /// SHA-256 of the whole file, where it was declared.
    pub declared_sha256: Option<Vec<u8>>,
    /// The store's own id.
    pub store_id: Option<String>,
    /// `opening`, `open`, `completing`, `completed` or `failed`.
    pub state: String,
    /// Why it failed, for programs.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// Status of the answer to its completion.
    pub answer_status: Option<i16>,
    /// Body of that answer.
    pub answer: Option<String>,
    /// Who began it.
    pub created_by: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From then on no part is taken.
    pub expires_at: DateTime<Utc>,
}

impl TenantTx {
    /// How many uploads go on; who asks next waits until the end of this transaction. One that the store did not begin within
    /// `patience` takes nobody's place.
    pub(in crate::knowledge) async fn count_uploads(
        &mut self,
        patience: Duration,
    ) -> db::Result<i64> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('uploads ' || $1::text, 0))",
            self.tenant().to_string()
        )
        .execute(self.connection())
        .await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from uploads
            where tenant_id = $1
                and expires_at > now()
                and (
                    state in ('open', 'completing')
                    or state = 'opening' and created_at > now() - make_interval(secs => $2)
                )"#,
            self.tenant().uuid(),
            patience.as_secs_f64()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores an upload that the store is about to begin.
    pub(in crate::knowledge) async fn insert_upload(&mut self, upload: &Upload) -> db::Result<()> {
        sqlx::query!(
            "insert into uploads (
                tenant_id,
                upload_id,
                version_id,
                collection_id,
                name,
                declared_type,
                source_url,
                metadata,
                size_bytes,
                part_bytes,
                declared_sha256,
                created_by,
                created_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            self.tenant().uuid(),
            upload.upload_id,
            upload.version_id,
            upload.collection_id,
            upload.name,
            upload.declared_type,
            upload.source_url,
            upload.metadata,
            upload.size_bytes,
            upload.part_bytes,
            upload.declared_sha256,
            upload.created_by,
            upload.created_at,
            upload.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that the store has begun an upload. False when it is gone.
    pub(in crate::knowledge) async fn open_upload(
        &mut self,
        upload_id: Uuid,
        store_id: &str,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update uploads
            set
                store_id = $3,
                state = 'open'
            where tenant_id = $1
                and upload_id = $2
                and state = 'opening'",
            self.tenant().uuid(),
            upload_id,
            store_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// One upload, whatever became of it.
    pub(in crate::knowledge) async fn find_upload(
        &mut self,
        upload_id: Uuid,
    ) -> db::Result<Option<Upload>> {
        let upload = sqlx::query_as!(
            Upload,
            "select
                upload_id,
                version_id,
                collection_id,
                name,
                declared_type,
                source_url,
                metadata,
                size_bytes,
                part_bytes,
                declared_sha256,
                store_id,
                state,
                failure_code,
                failure_detail,
                answer_status,
                answer,
                created_by,
                created_at,
                expires_at
            from uploads
            where tenant_id = $1
                and upload_id = $2",
            self.tenant().uuid(),
            upload_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(upload)
    }

    /// Uploads within reach of which somebody was told, newest first: in this state only, where one is given. `expired` is the
    /// state of those whose time was over at `now` before they came to an end.
    pub(in crate::knowledge) async fn list_uploads(
        &mut self,
        reach: &Reach,
        state: Option<&str>,
        now: DateTime<Utc>,
        keyset: Keyset,
    ) -> db::Result<Page<Upload>> {
        let rows = sqlx::query_as!(
            Upload,
            "select
                upload_id,
                version_id,
                collection_id,
                name,
                declared_type,
                source_url,
                metadata,
                size_bytes,
                part_bytes,
                declared_sha256,
                store_id,
                state,
                failure_code,
                failure_detail,
                answer_status,
                answer,
                created_by,
                created_at,
                expires_at
            from uploads
            where tenant_id = $1
                and state <> 'opening'
                and (
                    $2::text is null
                    or $2 = case
                        when state in ('open', 'completing') and expires_at <= $3 then 'expired'
                        else state
                    end
                )
                and ($4::uuid is null or upload_id < $4)
                and ($5::uuid[] is null or collection_id = any($5))
                and collection_id <> all($6)
            order by upload_id desc
            limit $7",
            self.tenant().uuid(),
            state,
            now,
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |upload| upload.upload_id))
    }

    /// The same as [`Self::find_upload`], kept from changing until the end of the transaction.
    pub(in crate::knowledge) async fn lock_upload(
        &mut self,
        upload_id: Uuid,
    ) -> db::Result<Option<Upload>> {
        sqlx::query!(
            "select upload_id
            from uploads
            where tenant_id = $1
                and upload_id = $2
            for update",
            self.tenant().uuid(),
            upload_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.find_upload(upload_id).await
    }

    /// Notes that the parts are being made into an object.
    pub(in crate::knowledge) async fn begin_completing(
        &mut self,
        upload_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update uploads
            set state = 'completing'
            where tenant_id = $1
                and upload_id = $2",
            self.tenant().uuid(),
            upload_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets parts come again, unless it is at an end meanwhile.
    pub(in crate::knowledge) async fn reopen_upload(&mut self, upload_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "update uploads
            set state = 'open'
            where tenant_id = $1
                and upload_id = $2
                and state = 'completing'",
            self.tenant().uuid(),
            upload_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that there is a document, and what was answered.
    pub(in crate::knowledge) async fn finish_upload(
        &mut self,
        upload_id: Uuid,
        outcome: &Outcome,
    ) -> db::Result<()> {
        sqlx::query!(
            "update uploads
            set
                state = 'completed',
                answer_status = $3,
                answer = $4
            where tenant_id = $1
                and upload_id = $2",
            self.tenant().uuid(),
            upload_id,
            i16::try_from(outcome.status).unwrap_or_default(),
            outcome.body.as_deref().unwrap_or_default()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes why there will be no document.
    pub(in crate::knowledge) async fn fail_upload(
        &mut self,
        upload_id: Uuid,
        code: &str,
        detail: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update uploads
            set
                state = 'failed',
                failure_code = $3,
                failure_detail = $4
            where tenant_id = $1
                and upload_id = $2",
            self.tenant().uuid(),
            upload_id,
            code,
            detail
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends the time of an upload that nobody was told of. False when somebody was, or it is gone.
    pub(in crate::knowledge) async fn expire_opening_upload(
        &mut self,
        upload_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update uploads
            set expires_at = now()
            where tenant_id = $1
                and upload_id = $2
                and state = 'opening'",
            self.tenant().uuid(),
            upload_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes an upload. False when it is gone.
    pub(in crate::knowledge) async fn delete_upload(
        &mut self,
        upload_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from uploads
            where tenant_id = $1
                and upload_id = $2",
            self.tenant().uuid(),
            upload_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Uploads whose time is over, after one of these ids; at most `rows`, by id.
    pub(in crate::knowledge) async fn list_expired_uploads(
        &mut self,
        after: Option<Uuid>,
        rows: i64,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select upload_id
            from uploads
            where tenant_id = $1
                and expires_at <= now()
                and ($2::uuid is null or upload_id > $2)
            order by upload_id
            limit $3",
            self.tenant().uuid(),
            after,
            rows
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
