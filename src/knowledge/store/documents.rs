//! Rows of `documents`, each shown with its newest version.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantRead, TenantTx};
use crate::knowledge::reach::{Reach, Reader};

/// A document and where its newest version stands.
#[derive(Clone, Debug)]
pub struct Document {
    /// Id.
    pub document_id: Uuid,
    /// Collection that it is in.
    pub collection_id: Uuid,
    /// File name or path.
    pub name: String,
    /// Title found in the content, else the name.
    pub title: String,
    /// Where a reader finds the original.
    pub source_url: Option<String>,
    /// The tenant's own object, for filters.
    pub metadata: Value,
    /// Version in search.
    pub active_version_id: Option<Uuid>,
    /// When it was first received.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// Number of the newest version.
    pub version_number: i32,
    /// State of the newest version.
    pub state: String,
    /// Why the newest version failed.
    pub failure_code: Option<String>,
    /// The same in words.
    pub failure_detail: Option<String>,
}

/// What is asked of a list of documents.
#[derive(Clone, Debug, Default)]
pub struct DocumentFilter {
    /// Of this collection only.
    pub collection_id: Option<Uuid>,
    /// Newest version in this state only.
    pub state: Option<&'static str>,
}

/// What can be changed of a document without a new version.
#[derive(Clone, Debug, Default)]
pub struct DocumentChange {
    /// New address of the original.
    pub source_url: Option<String>,
    /// New object for filters, whole.
    pub metadata: Option<Value>,
}

impl Document {
    /// Whether the newest version is at its end: in search, or given up.
    pub fn is_settled(&self) -> bool {
        !matches!(self.state.as_str(), "received" | "parsing" | "chunking" | "embedding")
    }
}

impl TenantRead {
    /// One document, when its reader reaches it.
    pub async fn document(
        mut self,
        reader: &Reader,
        document_id: Uuid,
    ) -> db::Result<Option<Document>> {
        let hiding = reader.hiding();
        let row = sqlx::query!(
            r#"with tenant as materialized (
                select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
            )
            select found.*
            from tenant t
            cross join lateral (
                select
                    d.collection_id,
                    d.name,
                    d.title,
                    d.source_url,
                    d.metadata,
                    d.active_version_id,
                    d.created_at,
                    d.updated_at,
                    d.latest_version_number as version_number,
                    v.state,
                    v.failure_code,
                    v.failure_detail,
                    case
                        when $3::boolean then array(select app.hidden_collections(t.tenant_id, $4))
                        else '{}'
                    end as "hidden!"
                from documents d
                join document_versions v
                    on v.tenant_id = d.tenant_id
                    and v.document_id = d.document_id
                    and v.number = d.latest_version_number
                where d.tenant_id = t.tenant_id
                    and d.document_id = $2
                offset 0
            ) found"#,
            self.tenant().uuid(),
            document_id,
            hiding.is_some(),
            hiding.and_then(|hiding| hiding.member_id)
        )
        .fetch_optional(self.connection())
        .await?;
        self.done();
        let found =
            row.filter(|row| Reach::resolved(reader, row.hidden.clone()).holds(row.collection_id));
        Ok(found.map(|row| Document {
            document_id,
            collection_id: row.collection_id,
            name: row.name,
            title: row.title,
            source_url: row.source_url,
            metadata: row.metadata,
            active_version_id: row.active_version_id,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version_number: row.version_number,
            state: row.state,
            failure_code: row.failure_code,
            failure_detail: row.failure_detail,
        }))
    }
}

impl TenantTx {
    /// One document.
    pub async fn find_document(&mut self, document_id: Uuid) -> db::Result<Option<Document>> {
        let document = sqlx::query_as!(
            Document,
            "select
                d.document_id,
                d.collection_id,
                d.name,
                d.title,
                d.source_url,
                d.metadata,
                d.active_version_id,
                d.created_at,
                d.updated_at,
                d.latest_version_number as version_number,
                v.state,
                v.failure_code,
                v.failure_detail
            from documents d
            join document_versions v
                on v.tenant_id = d.tenant_id
                and v.document_id = d.document_id
                and v.number = d.latest_version_number
            where d.tenant_id = $1
                and d.document_id = $2",
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(document)
    }

    /// One document, when its collection is within reach.
    pub async fn find_reached_document(
        &mut self,
        reach: &Reach,
        document_id: Uuid,
    ) -> db::Result<Option<Document>> {
        let found = self.find_document(document_id).await?;
        Ok(found.filter(|document| reach.holds(document.collection_id)))
    }

    /// Documents, oldest first.
    pub async fn list_documents(
        &mut self,
        reach: &Reach,
        filter: &DocumentFilter,
        keyset: Keyset,
    ) -> db::Result<Page<Document>> {
        let rows = sqlx::query_as!(
            Document,
            "select
                d.document_id,
                d.collection_id,
                d.name,
                d.title,
                d.source_url,
                d.metadata,
                d.active_version_id,
                d.created_at,
                d.updated_at,
                d.latest_version_number as version_number,
                v.state,
                v.failure_code,
                v.failure_detail
            from documents d
            join document_versions v
                on v.tenant_id = d.tenant_id
                and v.document_id = d.document_id
                and v.number = d.latest_version_number
            where d.tenant_id = $1
                and ($2::uuid is null or d.collection_id = $2)
                and ($3::text is null or v.state = $3)
                and ($4::uuid is null or d.document_id > $4)
                and case
                    -- Those of no conversation: version 8 marks the collections of attachments.
                    when $5::uuid[] is null then uuid_extract_version(d.collection_id) is distinct from 8
                    else d.collection_id = any($5)
                end
                and d.collection_id <> all($6)
            order by d.document_id
            limit $7",
            self.tenant().uuid(),
            filter.collection_id,
            filter.state,
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |document| document.document_id))
    }

    /// Changes what is given; false when there is no such document.
    pub async fn update_document(
        &mut self,
        document_id: Uuid,
        change: &DocumentChange,
    ) -> db::Result<bool> {
        let DocumentChange { source_url, metadata } = change;
        let done = sqlx::query!(
            "update documents
            set
                source_url = coalesce($3, source_url),
                metadata = coalesce($4, metadata),
                updated_at = now()
            where tenant_id = $1
                and document_id = $2",
            self.tenant().uuid(),
            document_id,
            source_url.as_deref(),
            metadata.as_ref()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
