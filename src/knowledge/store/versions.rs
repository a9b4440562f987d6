//! Rows of `document_versions` and `ingestion_attempts`, as they are listed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// One version of a document.
#[derive(Clone, Debug)]
pub struct Version {
    /// Id.
    pub version_id: Uuid,
    /// Counts from 1 within the document.
    pub number: i32,
    /// Where it stands.
    pub state: String,
    /// Why it failed.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// What the bytes are.
    pub media_type: String,
    /// Size of the original.
    pub size_bytes: i64,
    /// SHA-256 of the original.
    pub content_sha256: Vec<u8>,
    /// Characters of the extracted text.
    pub char_count: Option<i32>,
    /// Passages made of it.
    pub chunk_count: i32,
    /// How often a worker began.
    pub attempts: i32,
    /// When it was received.
    pub created_at: DateTime<Utc>,
    /// When readers first saw it.
    pub ready_at: Option<DateTime<Utc>>,
}

/// A version to be stored.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Id.
    pub version_id: Uuid,
    /// Document that it is a version of.
    pub document_id: Uuid,
    /// What the bytes are.
    pub media_type: String,
    /// Size of the original.
    pub size_bytes: i64,
    /// SHA-256 of the original.
    pub content_sha256: Vec<u8>,
    /// Where the original lies.
    pub object_key: String,
    /// Key that uploaded it.
    pub created_by: Option<Uuid>,
    /// Version whose bytes it reads; its own when absent.
    pub original_version_id: Option<Uuid>,
}

/// What became of a version.
#[derive(Clone, Debug)]
pub struct VersionOutcome {
    /// Document that it is a version of.
    pub document_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Number within the document.
    pub number: i32,
    /// Where it stands.
    pub state: String,
    /// Why it failed.
    pub failure_code: Option<String>,
}

/// What the newest version of a document was made of.
#[derive(Clone, Debug)]
pub struct NewestVersion {
    /// Id.
    pub version_id: Uuid,
    /// Where it stands.
    pub state: String,
    /// What the bytes are.
    pub media_type: String,
    /// Size of the original.
    pub size_bytes: i64,
    /// SHA-256 of the original.
    pub content_sha256: Vec<u8>,
    /// Where the original lies.
    pub object_key: String,
    /// Version whose bytes it reads; its own when absent.
    pub original_version_id: Option<Uuid>,
}

impl TenantTx {
    /// Versions of a document, newest first.
    pub async fn list_versions(
        &mut self,
        document_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Version>> {
        let rows = sqlx::query_as!(
            Version,
            "select
                version_id,
                number,
                state,
                failure_code,
                failure_detail,
                media_type,
                size_bytes,
                content_sha256,
                char_count,
                chunk_count,
                attempts,
                created_at,
                ready_at
            from document_versions
            where tenant_id = $1
                and document_id = $2
                and ($3::uuid is null or version_id < $3)
            order by version_id desc
            limit $4",
            self.tenant().uuid(),
            document_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |version| version.version_id))
    }

    /// Digest of the newest version that has not failed: the same bytes again are nothing new.
    pub(in crate::knowledge) async fn latest_digest(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<Option<Vec<u8>>> {
        let digest = sqlx::query_scalar!(
            "select v.content_sha256
            from documents d
            join document_versions v
                on v.tenant_id = d.tenant_id
                and v.document_id = d.document_id
                and v.number = d.latest_version_number
            where d.tenant_id = $1
                and d.document_id = $2
                and v.state not in ('failed', 'cancelled')",
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(digest)
    }

    /// What became of a version; `None` when it is gone.
    pub(in crate::knowledge) async fn find_version_outcome(
        &mut self,
        version_id: Uuid,
    ) -> db::Result<Option<VersionOutcome>> {
        let outcome = sqlx::query_as!(
            VersionOutcome,
            "select
                v.document_id,
                d.collection_id,
                v.number,
                v.state,
                v.failure_code
            from document_versions v
            join documents d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
            where v.tenant_id = $1
                and v.version_id = $2",
            self.tenant().uuid(),
            version_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(outcome)
    }

    /// The newest version of a document, whose row is locked; `None` when there is no such document.
    pub(in crate::knowledge) async fn lock_newest_version(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<Option<NewestVersion>> {
        // The document first, as whoever uploads or publishes locks it; the statement after sees what they did.
        let number = sqlx::query_scalar!(
            "select latest_version_number
            from documents
            where tenant_id = $1
                and document_id = $2
            for update",
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        let version = sqlx::query_as!(
            NewestVersion,
            "select
                version_id,
                state,
                media_type,
                size_bytes,
                content_sha256,
                object_key,
                original_version_id
            from document_versions
            where tenant_id = $1
                and document_id = $2
                and number = $3",
            self.tenant().uuid(),
            document_id,
            number
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(version)
    }

    /// Stores a version under the next number. The document's row must be locked.
    pub(in crate::knowledge) async fn insert_version(
        &mut self,
        version: &NewVersion,
    ) -> db::Result<i32> {
        let NewVersion {
            version_id,
            document_id,
            media_type,
            size_bytes,
            content_sha256,
            object_key,
            created_by,
            original_version_id,
        } = version;
        let number = sqlx::query_scalar!(
            "update documents
            set
                latest_version_number = latest_version_number + 1,
                updated_at = now()
            where tenant_id = $1
                and document_id = $2
            returning latest_version_number",
            self.tenant().uuid(),
            document_id
        )
        .fetch_one(self.connection())
        .await?;
        sqlx::query!(
            "insert into document_versions (
                tenant_id,
                version_id,
                document_id,
                number,
                media_type,
                size_bytes,
                content_sha256,
                object_key,
                created_by,
                original_version_id
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.tenant().uuid(),
            version_id,
            document_id,
            number,
            media_type,
            size_bytes,
            content_sha256.as_slice(),
            object_key,
            created_by.as_ref(),
            original_version_id.as_ref()
        )
        .execute(self.connection())
        .await?;
        Ok(number)
    }

    /// Ids of a document's versions, whose originals are to be removed with it.
    pub(in crate::knowledge) async fn list_version_ids(
        &mut self,
        document_id: Option<Uuid>,
        collection_id: Option<Uuid>,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select v.version_id
            from document_versions v
            join documents d on d.tenant_id = v.tenant_id and d.document_id = v.document_id
            where v.tenant_id = $1
                and ($2::uuid is null or d.document_id = $2)
                and ($3::uuid is null or d.collection_id = $3)",
            self.tenant().uuid(),
            document_id,
            collection_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
