//! Rows of `source_items`: pages that have a document.

use uuid::Uuid;

use super::leases::ClaimedRun;
use crate::db::{self, TenantTx};
use crate::sources::fetch::Validators;

/// A page as it was when it was last read.
#[derive(Clone, Debug)]
pub struct Item {
    /// Address.
    pub url: String,
    /// Document; absent when somebody deleted it.
    pub document_id: Option<Uuid>,
    /// What the server calls its content.
    pub etag: Option<String>,
    /// When the server says that it was changed.
    pub last_modified: Option<String>,
    /// Digest of the content.
    pub content_sha256: Vec<u8>,
    /// Pages that it leads to.
    pub links: Vec<String>,
}

/// A page that a run did not find any more.
#[derive(Clone, Debug)]
pub struct MissingItem {
    /// Address.
    pub url: String,
    /// Document, when it has one.
    pub document_id: Option<Uuid>,
}

impl TenantTx {
    /// What is known of a page.
    pub(in crate::sources) async fn find_source_item(
        &mut self,
        source_id: Uuid,
        url: &str,
    ) -> db::Result<Option<Item>> {
        let item = sqlx::query_as!(
            Item,
            "select
                url,
                document_id,
                etag,
                last_modified,
                content_sha256,
                links
            from source_items
            where tenant_id = $1
                and source_id = $2
                and url = $3",
            self.tenant().uuid(),
            source_id,
            url
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(item)
    }

    /// Notes a page as it is now. Whoever comes late from an earlier run takes no page from a later one.
    pub(in crate::sources) async fn put_source_item(
        &mut self,
        run: &ClaimedRun,
        item: &Item,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into source_items (
                tenant_id,
                source_id,
                url,
                document_id,
                etag,
                last_modified,
                content_sha256,
                links,
                last_run_id
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict on constraint source_items_pkey do update
            set
                document_id = excluded.document_id,
                etag = excluded.etag,
                last_modified = excluded.last_modified,
                content_sha256 = excluded.content_sha256,
                links = excluded.links,
                last_run_id = greatest(source_items.last_run_id, excluded.last_run_id)",
            self.tenant().uuid(),
            run.source_id,
            item.url,
            item.document_id,
            item.etag.as_deref(),
            item.last_modified.as_deref(),
            item.content_sha256,
            &item.links,
            run.run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a page is there as it was.
    pub(in crate::sources) async fn touch_source_item(
        &mut self,
        run: &ClaimedRun,
        url: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_items
            set last_run_id = $4
            where tenant_id = $1
                and source_id = $2
                and url = $3",
            self.tenant().uuid(),
            run.source_id,
            url,
            run.run_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// How many pages the source has in all, and how many of them the run did not find; one whose document somebody deleted has
    /// nothing to lose.
    pub(in crate::sources) async fn count_source_items(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<(i64, i64)> {
        let counts = sqlx::query!(
            r#"select
                count(*) as "all!",
                count(*) filter (where last_run_id <> $3 and document_id is not null) as "missing!"
            from source_items
            where tenant_id = $1
                and source_id = $2"#,
            self.tenant().uuid(),
            run.source_id,
            run.run_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok((counts.all, counts.missing))
    }

    /// A page that the run did not find.
    pub(in crate::sources) async fn next_missing_item(
        &mut self,
        run: &ClaimedRun,
    ) -> db::Result<Option<MissingItem>> {
        let item = sqlx::query_as!(
            MissingItem,
            "select
                url,
                document_id
            from source_items
            where tenant_id = $1
                and source_id = $2
                and last_run_id <> $3
            order by url
            limit 1",
            self.tenant().uuid(),
            run.source_id,
            run.run_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(item)
    }

    /// Keeps a document from changing until the end of the transaction; whether no other source has it too. Of two sources that
    /// both lose it at the same moment the second one waits here, and then sees that it is the last.
    pub(in crate::sources) async fn lock_own_document(
        &mut self,
        source_id: Uuid,
        document_id: Uuid,
    ) -> db::Result<bool> {
        sqlx::query!(
            "select document_id
            from documents
            where tenant_id = $1
                and document_id = $2
            for update",
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        let is_shared = sqlx::query_scalar!(
            r#"select exists (
                select
                from source_items
                where tenant_id = $1
                    and document_id = $2
                    and source_id <> $3
            ) as "is_shared!""#,
            self.tenant().uuid(),
            document_id,
            source_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(!is_shared)
    }

    /// Forgets a page.
    pub(in crate::sources) async fn delete_source_item(
        &mut self,
        source_id: Uuid,
        url: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from source_items
            where tenant_id = $1
                and source_id = $2
                and url = $3",
            self.tenant().uuid(),
            source_id,
            url
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Documents of a source that no other source has too.
    pub(in crate::sources) async fn list_own_documents(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            r#"select distinct i.document_id as "document_id!"
            from source_items i
            where i.tenant_id = $1
                and i.source_id = $2
                and i.document_id is not null
                and not exists (
                    select
                    from source_items o
                    where o.tenant_id = i.tenant_id
                        and o.document_id = i.document_id
                        and o.source_id <> i.source_id
                )"#,
            self.tenant().uuid(),
            source_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Forgets how to ask whether pages have changed, or the archive, so that each is read anew.
    pub(in crate::sources) async fn forget_source_validators(
        &mut self,
        source_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update source_items
            set
                etag = null,
                last_modified = null
            where tenant_id = $1
                and source_id = $2",
            self.tenant().uuid(),
            source_id
        )
        .execute(self.connection())
        .await?;
        self.put_source_validators(source_id, &Validators::default()).await
    }

    /// Whether the collection has a document of this name that the source did not bring in, or not alone and that is another one
    /// than these bytes.
    pub(in crate::sources) async fn is_document_name_taken(
        &mut self,
        run: &ClaimedRun,
        name: &str,
        digest: &[u8],
    ) -> db::Result<bool> {
        let is_taken = sqlx::query_scalar!(
            r#"select exists (
                select
                from documents d
                where d.tenant_id = $1
                    and d.collection_id = $2
                    and d.name = $3
                    and (
                        not exists (
                            select
                            from source_items i
                            where i.tenant_id = d.tenant_id
                                and i.document_id = d.document_id
                                and i.source_id = $4
                        )
                        or exists (
                            select
                            from source_items i
                            where i.tenant_id = d.tenant_id
                                and i.document_id = d.document_id
                                and i.source_id <> $4
                        )
                        and not exists (
                            select
                            from document_versions v
                            where v.tenant_id = d.tenant_id
                                and v.document_id = d.document_id
                                and v.number = d.latest_version_number
                                and v.content_sha256 = $5
                        )
                    )
            ) as "is_taken!""#,
            self.tenant().uuid(),
            run.collection_id,
            name,
            run.source_id,
            digest
        )
        .fetch_one(self.connection())
        .await?;
        Ok(is_taken)
    }
}
