//! Columns of `members` that belong to memberships which a claim of the login provider gave.

use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::identity::policy::Role;

impl TenantTx {
    /// Whether a claim gave the membership, so that it ends with the claim.
    pub(in crate::identity) async fn is_held_by_claims(
        &mut self,
        member_id: Uuid,
    ) -> db::Result<bool> {
        let held = sqlx::query_scalar!(
            "select held_by_claims
            from members
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(held.unwrap_or(false))
    }

    /// Notes that a claim gave the membership.
    pub(in crate::identity) async fn hold_by_claims(&mut self, member_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "update members
            set held_by_claims = true
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Gives the role that the claim says now.
    pub(in crate::identity) async fn set_role_by_claims(
        &mut self,
        member_id: Uuid,
        role: Role,
    ) -> db::Result<()> {
        sqlx::query!(
            "update members
            set
                role = $3,
                updated_at = now()
            where tenant_id = $1
                and member_id = $2
                and held_by_claims",
            self.tenant().uuid(),
            member_id,
            role.to_string()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
