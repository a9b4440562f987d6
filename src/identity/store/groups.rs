//! Rows of `groups` and `group_members`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// A named set of people.
#[derive(Clone, Debug)]
pub struct Group {
    /// Id.
    pub group_id: Uuid,
    /// Unique within the tenant.
    pub name: String,
    /// People in it.
    pub member_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last renamed.
    pub updated_at: DateTime<Utc>,
}

impl TenantTx {
    /// One group.
    pub async fn find_group(&mut self, group_id: Uuid) -> db::Result<Option<Group>> {
        let group = sqlx::query_as!(
            Group,
            r#"select
                g.group_id,
                g.name,
                (
                    select count(*)
                    from group_members gm
                    where gm.tenant_id = g.tenant_id
                        and gm.group_id = g.group_id
                ) as "member_count!",
                g.created_at,
                g.updated_at
            from groups g
            where g.tenant_id = $1
                and g.group_id = $2"#,
            self.tenant().uuid(),
            group_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(group)
    }

    /// Groups, oldest first.
    pub async fn list_groups(&mut self, keyset: Keyset) -> db::Result<Page<Group>> {
        let rows = sqlx::query_as!(
            Group,
            r#"select
                g.group_id,
                g.name,
                (
                    select count(*)
                    from group_members gm
                    where gm.tenant_id = g.tenant_id
                        and gm.group_id = g.group_id
                ) as "member_count!",
                g.created_at,
                g.updated_at
            from groups g
            where g.tenant_id = $1
                and ($2::uuid is null or g.group_id > $2)
            order by g.group_id
            limit $3"#,
            self.tenant().uuid(),
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |group| group.group_id))
    }

    /// Whether each of these groups is there. The ids are distinct.
    pub async fn has_groups(&mut self, group_ids: &[Uuid]) -> db::Result<bool> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from groups
            where tenant_id = $1
                and group_id = any($2)"#,
            self.tenant().uuid(),
            group_ids
        )
        .fetch_one(self.connection())
        .await?;
        Ok(usize::try_from(count).is_ok_and(|count| count == group_ids.len()))
    }

    /// Stores a group. The constraint `groups_name_key` refuses a name that is taken.
    pub(in crate::identity) async fn insert_group(
        &mut self,
        group_id: Uuid,
        name: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into groups (tenant_id, group_id, name)
            values ($1, $2, $3)",
            self.tenant().uuid(),
            group_id,
            name
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Renames a group; false when there is none.
    pub(in crate::identity) async fn rename_group(
        &mut self,
        group_id: Uuid,
        name: &str,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update groups
            set
                name = $3,
                updated_at = now()
            where tenant_id = $1
                and group_id = $2",
            self.tenant().uuid(),
            group_id,
            name
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes a group; false when there is none. The constraint `collection_groups_group_id_fkey` refuses one that limits
    /// a collection.
    pub(in crate::identity) async fn delete_group(&mut self, group_id: Uuid) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from groups
            where tenant_id = $1
                and group_id = $2",
            self.tenant().uuid(),
            group_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts a person in those of these groups that there are.
    pub(in crate::identity) async fn add_member_to_groups(
        &mut self,
        member_id: Uuid,
        group_ids: &[Uuid],
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "insert into group_members (tenant_id, group_id, member_id)
            select
                g.tenant_id,
                g.group_id,
                $2
            from groups g
            where g.tenant_id = $1
                and g.group_id = any($3)
            for key share
            on conflict on constraint group_members_pkey do nothing",
            self.tenant().uuid(),
            member_id,
            group_ids
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes a person out of a group; false when they were not in it.
    pub(in crate::identity) async fn remove_group_member(
        &mut self,
        group_id: Uuid,
        member_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "delete from group_members
            where tenant_id = $1
                and group_id = $2
                and member_id = $3",
            self.tenant().uuid(),
            group_id,
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
