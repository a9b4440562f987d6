//! Rows of `collections` that are documentation: those have a name. Those of attachments have statements of their own.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantRead, TenantTx};
use crate::knowledge::reach::{Reach, Reader};

/// A set of documents that is searched together.
#[derive(Clone, Debug)]
pub struct Collection {
    /// Id.
    pub collection_id: Uuid,
    /// Unique within the tenant.
    pub name: String,
    /// What is in it.
    pub description: String,
    /// Passages in search.
    pub chunk_count: i64,
    /// `on`, or `off`: whether a model writes about its documents.
    pub enrichment: String,
    /// Tokens that this may use in a month; as many as the settings say when absent.
    pub enrichment_monthly_tokens: Option<i64>,
    /// Why it stands still.
    pub enrichment_waits_for: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When name or description were last changed.
    pub updated_at: DateTime<Utc>,
}

/// What changes of the counts that search needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct CountChange {
    /// Passages more or fewer.
    pub chunks: i64,
    /// Terms more or fewer.
    pub terms: i64,
    /// Embedded windows more or fewer.
    pub windows: i64,
}

impl TenantRead {
    /// One collection with the groups that it is limited to, when its reader reaches it.
    pub async fn collection(
        mut self,
        reader: &Reader,
        collection_id: Uuid,
    ) -> db::Result<Option<(Collection, Vec<Uuid>)>> {
        let hiding = reader.hiding();
        let row = sqlx::query!(
            r#"with tenant as materialized (
                select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
            )
            select found.*
            from tenant t
            cross join lateral (
                select
                    c.name as "name!",
                    c.description,
                    c.chunk_count,
                    c.enrichment,
                    c.enrichment_monthly_tokens,
                    c.enrichment_waits_for,
                    c.created_at,
                    c.updated_at,
                    array(
                        select cg.group_id
                        from collection_groups cg
                        where cg.tenant_id = c.tenant_id
                            and cg.collection_id = c.collection_id
                        order by cg.group_id
                    ) as "group_ids!",
                    case
                        when $3::boolean then array(select app.hidden_collections(t.tenant_id, $4))
                        else '{}'
                    end as "hidden!"
                from collections c
                where c.tenant_id = t.tenant_id
                    and c.collection_id = $2
                    and c.name is not null
                offset 0
            ) found"#,
            self.tenant().uuid(),
            collection_id,
            hiding.is_some(),
            hiding.and_then(|hiding| hiding.member_id)
        )
        .fetch_optional(self.connection())
        .await?;
        self.done();
        let found =
            row.filter(|row| Reach::resolved(reader, row.hidden.clone()).holds(collection_id));
        Ok(found.map(|row| {
            let collection = Collection {
                collection_id,
                name: row.name,
                description: row.description,
                chunk_count: row.chunk_count,
                enrichment: row.enrichment,
                enrichment_monthly_tokens: row.enrichment_monthly_tokens,
                enrichment_waits_for: row.enrichment_waits_for,
                created_at: row.created_at,
                updated_at: row.updated_at,
            };
            (collection, row.group_ids)
        }))
    }
}

impl TenantTx {
    /// One collection.
    pub async fn find_collection(&mut self, collection_id: Uuid) -> db::Result<Option<Collection>> {
        let collection = sqlx::query_as!(
            Collection,
            r#"select
                collection_id,
                name as "name!",
                description,
                chunk_count,
                enrichment,
                enrichment_monthly_tokens,
                enrichment_waits_for,
                created_at,
                updated_at
            from collections
            where tenant_id = $1
                and collection_id = $2
                and name is not null"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(collection)
    }

    /// Collections, oldest first.
    pub async fn list_collections(
        &mut self,
        reach: &Reach,
        keyset: Keyset,
    ) -> db::Result<Page<Collection>> {
        let rows = sqlx::query_as!(
            Collection,
            r#"select
                collection_id,
                name as "name!",
                description,
                chunk_count,
                enrichment,
                enrichment_monthly_tokens,
                enrichment_waits_for,
                created_at,
                updated_at
            from collections
            where tenant_id = $1
                and ($2::uuid is null or collection_id > $2)
                and name is not null
                and ($3::uuid[] is null or collection_id = any($3))
                and collection_id <> all($4)
            order by collection_id
            limit $5"#,
            self.tenant().uuid(),
            keyset.after,
            reach.only(),
            reach.hidden(),
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |collection| collection.collection_id))
    }

    /// How many of these collections there are: fewer than asked means that one is missing.
    pub async fn count_collections(&mut self, collection_ids: &[Uuid]) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from collections
            where tenant_id = $1
                and collection_id = any($2)"#,
            self.tenant().uuid(),
            collection_ids
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores a collection. The constraint `collections_name_key` refuses a name that is taken.
    pub async fn insert_collection(
        &mut self,
        collection_id: Uuid,
        name: &str,
        description: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into collections (tenant_id, collection_id, name, description)
            values ($1, $2, $3, $4)",
            self.tenant().uuid(),
            collection_id,
            name,
            description
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The collection of a name, made when there is none; `None` when it was deleted this very moment.
    pub async fn ensure_collection(
        &mut self,
        new_id: Uuid,
        name: &str,
    ) -> db::Result<Option<Uuid>> {
        sqlx::query!(
            "insert into collections (tenant_id, collection_id, name)
            values ($1, $2, $3)
            on conflict on constraint collections_name_key do nothing",
            self.tenant().uuid(),
            new_id,
            name
        )
        .execute(self.connection())
        .await?;
        let id = sqlx::query_scalar!(
            "select collection_id
            from collections
            where tenant_id = $1
                and name = $2",
            self.tenant().uuid(),
            name
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(id)
    }

    /// Changes what is given; false when there is no such collection.
    pub async fn update_collection(
        &mut self,
        collection_id: Uuid,
        name: Option<&str>,
        description: Option<&str>,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update collections
            set
                name = coalesce($3, name),
                description = coalesce($4, description),
                updated_at = now()
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id,
            name,
            description
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps a collection as it is until the end of the transaction. Whoever changes or deletes it waits.
    pub(in crate::knowledge) async fn share_collection(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "select collection_id
            from collections
            where tenant_id = $1
                and collection_id = $2
            for share",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps others from adding versions to a collection that is to be deleted.
    pub(in crate::knowledge) async fn lock_collection(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<()> {
        // Documents before their collection, as whoever publishes a version locks them.
        sqlx::query!(
            "select document_id
            from documents
            where tenant_id = $1
                and collection_id = $2
            order by document_id
            for update",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_all(self.connection())
        .await?;
        sqlx::query!(
            "select collection_id
            from collections
            where tenant_id = $1
                and collection_id = $2
            for update",
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(())
    }

    /// Deletes a collection with its documents; false when there is no such collection.
    pub async fn delete_collection(&mut self, collection_id: Uuid) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from collections
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps the counts that search needs. Last in a transaction: it locks the collection's row.
    pub(in crate::knowledge) async fn change_collection_counts(
        &mut self,
        collection_id: Uuid,
        change: CountChange,
    ) -> db::Result<()> {
        sqlx::query!(
            "update collections
            set
                chunk_count = chunk_count + $3,
                term_count = term_count + $4,
                window_count = window_count + $5
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id,
            change.chunks,
            change.terms,
            change.windows
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
