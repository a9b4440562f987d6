//! Which collections are limited, and to whom: rows of `collection_groups` and `sealed_collections`.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::knowledge::reach::Reach;

impl TenantTx {
    /// Collections that are limited to groups which the person is not in, gone ones included; for no person, all that are
    /// limited. One look at two small indexes, which are empty in a tenant without limits.
    pub(in crate::knowledge) async fn list_hidden_collections(
        &mut self,
        member_id: Option<Uuid>,
    ) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            r#"select app.hidden_collections($1, $2) as "collection_id!""#,
            self.tenant().uuid(),
            member_id
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Collections there are within reach.
    pub async fn list_reached_collections(&mut self, reach: &Reach) -> db::Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar!(
            "select collection_id
            from collections
            where tenant_id = $1
                and case when $2::uuid[] is null then name is not null else collection_id = any($2) end
                and collection_id <> all($3)",
            self.tenant().uuid(),
            reach.only(),
            reach.hidden()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Whether each of these collections is there and within reach. The ids are distinct.
    pub async fn has_collections(
        &mut self,
        reach: &Reach,
        collection_ids: &[Uuid],
    ) -> db::Result<bool> {
        if collection_ids.is_empty() {
            return Ok(true);
        }
        // Counted in any case, so that what is out of reach takes as long as what is not there.
        let known = self.count_collections(collection_ids).await?;
        let all_known = usize::try_from(known).is_ok_and(|known| known == collection_ids.len());
        Ok(all_known && reach.holds_all(collection_ids))
    }

    /// Groups of collections, by collection.
    pub async fn list_collection_groups(
        &mut self,
        collection_ids: &[Uuid],
    ) -> db::Result<HashMap<Uuid, Vec<Uuid>>> {
        let rows = sqlx::query!(
            "select
                collection_id,
                group_id
            from collection_groups
            where tenant_id = $1
                and collection_id = any($2)
            order by
                collection_id,
                group_id",
            self.tenant().uuid(),
            collection_ids
        )
        .fetch_all(self.connection())
        .await?;
        let mut groups: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for row in rows {
            groups.entry(row.collection_id).or_default().push(row.group_id);
        }
        Ok(groups)
    }

    /// Limits a collection to these groups; none opens it to the tenant. The constraint `collection_groups_group_id_fkey`
    /// refuses a group that there is not.
    pub(in crate::knowledge) async fn replace_collection_groups(
        &mut self,
        collection_id: Uuid,
        group_ids: &[Uuid],
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from collection_groups
            where tenant_id = $1
                and collection_id = $2
                and group_id <> all($3)",
            self.tenant().uuid(),
            collection_id,
            group_ids
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "insert into collection_groups (tenant_id, collection_id, group_id)
            select
                $1,
                $2,
                unnest($3::uuid[])
            on conflict on constraint collection_groups_pkey do nothing",
            self.tenant().uuid(),
            collection_id,
            group_ids
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps answers made of a collection limited when it is about to be deleted, in case that it is limited.
    pub(in crate::knowledge) async fn seal_collection(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into sealed_collections (tenant_id, collection_id)
            select
                $1,
                $2
            where exists (
                select
                from collection_groups cg
                where cg.tenant_id = $1
                    and cg.collection_id = $2
            )",
            self.tenant().uuid(),
            collection_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
