//! Rows of `members`, and the one way from a person to their tenants.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, SystemTx, TenantTx};
use crate::identity::person::Identity;
use crate::identity::policy::Role;
use crate::kernel::ids::TenantId;

/// A person of a tenant.
#[derive(Clone, Debug)]
pub struct Member {
    /// Id in this tenant.
    pub member_id: Uuid,
    /// Name of the login provider.
    pub provider: String,
    /// Issuer and its name for the person.
    pub identity: Identity,
    /// Address, for people to read.
    pub email: Option<String>,
    /// Name.
    pub display_name: Option<String>,
    /// What they may do.
    pub role: Role,
    /// `active` or `suspended`.
    pub state: String,
    /// When they joined.
    pub created_at: DateTime<Utc>,
    /// Last login or use of a token, to the minute.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// What is asked of a list of people.
#[derive(Clone, Debug, Default)]
pub struct MemberFilter {
    /// With exactly this address, in whatever case.
    pub email: Option<String>,
    /// With this role.
    pub role: Option<Role>,
    /// `active` or `suspended`.
    pub state: Option<&'static str>,
}

/// A tenant that a person belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Tenant.
    pub tenant: TenantId,
    /// The person there.
    pub member_id: Uuid,
}

impl Member {
    /// Whether an admin keeps them out.
    pub fn is_suspended(&self) -> bool {
        self.state != "active"
    }

    /// What to call them.
    pub fn shown_name(&self) -> String {
        let name = self.display_name.clone().or_else(|| self.email.clone());
        name.unwrap_or_else(|| self.identity.subject.clone())
    }
}

struct MemberRow {
    member_id: Uuid,
    provider: String,
    issuer: String,
    subject: String,
    email: Option<String>,
    display_name: Option<String>,
    role: String,
    state: String,
    created_at: DateTime<Utc>,
    last_seen_at: Option<DateTime<Utc>>,
}

impl TryFrom<MemberRow> for Member {
    type Error = db::Error;

    fn try_from(row: MemberRow) -> Result<Self, db::Error> {
        let role = row.role.parse().map_err(|error| db::Error::Inconsistent {
            table: "members",
            detail: format!("{}: {error}", row.member_id),
        })?;
        Ok(Self {
            member_id: row.member_id,
            provider: row.provider,
            identity: Identity { issuer: row.issuer, subject: row.subject },
            email: row.email,
            display_name: row.display_name,
            role,
            state: row.state,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        })
    }
}

impl SystemTx {
    /// Tenants of a person, oldest first: ids only, for one exact identity.
    pub async fn list_memberships(&mut self, identity: &Identity) -> db::Result<Vec<Membership>> {
        let rows = sqlx::query!(
            r#"select
                of_tenant as "of_tenant!",
                of_member as "of_member!"
            from app.memberships_of($1)
            order by of_tenant"#,
            &identity.sha256()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Membership { tenant: row.of_tenant.into(), member_id: row.of_member })
            .collect())
    }
}

impl TenantTx {
    /// One person.
    pub async fn find_member(&mut self, member_id: Uuid) -> db::Result<Option<Member>> {
        sqlx::query_as!(
            MemberRow,
            "select
                member_id,
                provider,
                issuer,
                subject,
                email,
                display_name,
                role,
                state,
                created_at,
                last_seen_at
            from members
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id
        )
        .fetch_optional(self.connection())
        .await?
        .map(Member::try_from)
        .transpose()
    }

    /// Stores a new person.
    pub async fn insert_member(&mut self, member: &Member) -> db::Result<()> {
        sqlx::query!(
            "insert into members (
                tenant_id,
                member_id,
                provider,
                issuer,
                subject,
                identity_sha256,
                email,
                display_name,
                role,
                state,
                created_at,
                last_seen_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            self.tenant().uuid(),
            member.member_id,
            member.provider,
            member.identity.issuer,
            member.identity.subject,
            &member.identity.sha256(),
            member.email,
            member.display_name,
            member.role.to_string(),
            member.state,
            member.created_at,
            member.last_seen_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a person was here, at most once a minute.
    pub(in crate::identity) async fn note_member_seen(
        &mut self,
        member_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update members
            set last_seen_at = now()
            where tenant_id = $1
                and member_id = $2
                and (last_seen_at is null or last_seen_at < now() - interval '1 minute')",
            self.tenant().uuid(),
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// People, oldest first.
    pub async fn list_members(
        &mut self,
        filter: &MemberFilter,
        keyset: Keyset,
    ) -> db::Result<Page<Member>> {
        let rows = sqlx::query_as!(
            MemberRow,
            "select
                member_id,
                provider,
                issuer,
                subject,
                email,
                display_name,
                role,
                state,
                created_at,
                last_seen_at
            from members
            where tenant_id = $1
                and ($2::text is null or lower(email) = lower($2))
                and ($3::text is null or role = $3)
                and ($4::text is null or state = $4)
                and ($5::uuid is null or member_id > $5)
            order by member_id
            limit $6",
            self.tenant().uuid(),
            filter.email,
            filter.role.map(|role| role.to_string()),
            filter.state,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        page(rows, keyset)
    }

    /// People of a group, oldest first.
    pub async fn list_group_members(
        &mut self,
        group_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<Member>> {
        let rows = sqlx::query_as!(
            MemberRow,
            "select
                m.member_id,
                m.provider,
                m.issuer,
                m.subject,
                m.email,
                m.display_name,
                m.role,
                m.state,
                m.created_at,
                m.last_seen_at
            from group_members gm
            join members m on m.tenant_id = gm.tenant_id and m.member_id = gm.member_id
            where gm.tenant_id = $1
                and gm.group_id = $2
                and ($3::uuid is null or gm.member_id > $3)
            order by gm.member_id
            limit $4",
            self.tenant().uuid(),
            group_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        page(rows, keyset)
    }

    /// Locks a person and every active owner until commit; the ids of the active owners. Whoever changes people goes
    /// through here, so that two who take away the last two owners at once do not both succeed.
    pub(in crate::identity) async fn lock_member_and_owners(
        &mut self,
        member_id: Uuid,
    ) -> db::Result<Vec<Uuid>> {
        let rows = sqlx::query!(
            "select
                member_id,
                role,
                state
            from members
            where tenant_id = $1
                and (member_id = $2 or (role = 'owner' and state = 'active'))
            order by member_id
            for update",
            self.tenant().uuid(),
            member_id
        )
        .fetch_all(self.connection())
        .await?;
        let owners = rows.into_iter().filter(|row| row.role == "owner" && row.state == "active");
        Ok(owners.map(|row| row.member_id).collect())
    }

    /// Stores role, state and name of a person.
    pub(in crate::identity) async fn update_member(&mut self, member: &Member) -> db::Result<()> {
        sqlx::query!(
            "update members
            set
                role = $3,
                state = $4,
                display_name = $5,
                updated_at = now()
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member.member_id,
            member.role.to_string(),
            member.state,
            member.display_name
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a person with their logins, password and places in groups; conversations stay with the tenant.
    pub(in crate::identity) async fn delete_member(&mut self, member_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "delete from members
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn page(rows: Vec<MemberRow>, keyset: Keyset) -> db::Result<Page<Member>> {
    let members: db::Result<Vec<Member>> = rows.into_iter().map(Member::try_from).collect();
    Ok(Page::new(members?, keyset, |member| member.member_id))
}
