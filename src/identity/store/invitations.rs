//! Rows of `invitations`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};
use crate::identity::policy::Role;

/// An invitation without its secret.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Id, part of the link.
    pub invitation_id: Uuid,
    /// Address that it is for.
    pub email: String,
    /// Role of who accepts.
    pub role: Role,
    /// Groups that who accepts is put in.
    pub group_ids: Vec<Uuid>,
    /// Person or key that invited.
    pub invited_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From then on it is refused.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Member that it made.
    pub accepted_by: Option<Uuid>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Invitation {
    /// Whether it can still be accepted.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.accepted_at.is_none() && self.revoked_at.is_none() && self.expires_at > now
    }
}

struct InvitationRow {
    invitation_id: Uuid,
    email: String,
    role: String,
    group_ids: Vec<Uuid>,
    invited_by: Option<Uuid>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    accepted_by: Option<Uuid>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = db::Error;

    fn try_from(row: InvitationRow) -> Result<Self, db::Error> {
        let role = row.role.parse().map_err(|error| db::Error::Inconsistent {
            table: "invitations",
            detail: format!("{}: {error}", row.invitation_id),
        })?;
        Ok(Self {
            invitation_id: row.invitation_id,
            email: row.email,
            role,
            group_ids: row.group_ids,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            accepted_by: row.accepted_by,
            revoked_at: row.revoked_at,
        })
    }
}

impl TenantTx {
    /// One invitation.
    pub async fn find_invitation(&mut self, invitation_id: Uuid) -> db::Result<Option<Invitation>> {
        sqlx::query_as!(
            InvitationRow,
            "select
                invitation_id,
                email,
                role,
                group_ids,
                invited_by,
                created_at,
                expires_at,
                accepted_at,
                accepted_by,
                revoked_at
            from invitations
            where tenant_id = $1
                and invitation_id = $2",
            self.tenant().uuid(),
            invitation_id
        )
        .fetch_optional(self.connection())
        .await?
        .map(Invitation::try_from)
        .transpose()
    }

    /// The invitation and the digest of its secret.
    pub(in crate::identity) async fn find_invitation_secret(
        &mut self,
        invitation_id: Uuid,
    ) -> db::Result<Option<(Invitation, Vec<u8>)>> {
        let Some(invitation) = self.find_invitation(invitation_id).await? else { return Ok(None) };
        let secret = sqlx::query_scalar!(
            "select secret_sha256
            from invitations
            where tenant_id = $1
                and invitation_id = $2",
            self.tenant().uuid(),
            invitation_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Some((invitation, secret)))
    }

    /// Invitations, newest first; only those that can still be accepted when asked so.
    pub async fn list_invitations(
        &mut self,
        only_open: bool,
        keyset: Keyset,
    ) -> db::Result<Page<Invitation>> {
        let rows = sqlx::query_as!(
            InvitationRow,
            "select
                invitation_id,
                email,
                role,
                group_ids,
                invited_by,
                created_at,
                expires_at,
                accepted_at,
                accepted_by,
                revoked_at
            from invitations
            where tenant_id = $1
                and ($2::uuid is null or invitation_id < $2)
                and (not $3 or (accepted_at is null and revoked_at is null and expires_at > now()))
            order by invitation_id desc
            limit $4",
            self.tenant().uuid(),
            keyset.after,
            only_open,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        let invitations: db::Result<Vec<Invitation>> =
            rows.into_iter().map(Invitation::try_from).collect();
        Ok(Page::new(invitations?, keyset, |invitation| invitation.invitation_id))
    }

    /// How many can still be accepted.
    pub(in crate::identity) async fn count_open_invitations(&mut self) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from invitations
            where tenant_id = $1
                and accepted_at is null
                and revoked_at is null
                and expires_at > now()"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores a new invitation.
    pub(in crate::identity) async fn insert_invitation(
        &mut self,
        invitation: &Invitation,
        secret_sha256: &[u8],
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into invitations (
                tenant_id,
                invitation_id,
                email,
                role,
                group_ids,
                secret_sha256,
                invited_by,
                created_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.tenant().uuid(),
            invitation.invitation_id,
            invitation.email,
            invitation.role.to_string(),
            &invitation.group_ids,
            secret_sha256,
            invitation.invited_by,
            invitation.created_at,
            invitation.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Marks an invitation as used by a member; false when it is not open, however that came about.
    pub(in crate::identity) async fn use_invitation(
        &mut self,
        invitation_id: Uuid,
        member_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update invitations
            set
                accepted_at = now(),
                accepted_by = $3
            where tenant_id = $1
                and invitation_id = $2
                and accepted_at is null
                and revoked_at is null
                and expires_at > now()",
            self.tenant().uuid(),
            invitation_id,
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes an invitation back; false when it was used or taken back before.
    pub(in crate::identity) async fn revoke_invitation(
        &mut self,
        invitation_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update invitations
            set revoked_at = now()
            where tenant_id = $1
                and invitation_id = $2
                and accepted_at is null
                and revoked_at is null",
            self.tenant().uuid(),
            invitation_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes back the open invitations that somebody made to any of these roles; the ids.
    pub(in crate::identity) async fn revoke_invitations_by(
        &mut self,
        invited_by: Uuid,
        roles: &[Role],
    ) -> db::Result<Vec<Uuid>> {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        let ids = sqlx::query_scalar!(
            "update invitations
            set revoked_at = now()
            where tenant_id = $1
                and invited_by = $2
                and role = any($3)
                and accepted_at is null
                and revoked_at is null
            returning invitation_id",
            self.tenant().uuid(),
            invited_by,
            &roles
        )
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }
}
