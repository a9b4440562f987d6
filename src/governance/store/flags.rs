//! Rows of `tenant_flags`.

use crate::db::{self, TenantTx};
use crate::governance::Flag;

impl TenantTx {
    /// A flag of the tenant's own.
    pub async fn find_flag(&mut self, flag: Flag) -> db::Result<Option<bool>> {
        let is_on = sqlx::query_scalar!(
            "select is_on
            from tenant_flags
            where tenant_id = $1
                and flag = $2",
            self.tenant().uuid(),
            flag.as_str()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(is_on)
    }

    /// Sets a flag of the tenant's own.
    pub async fn set_flag(&mut self, flag: Flag, is_on: bool) -> db::Result<()> {
        sqlx::query!(
            "insert into tenant_flags (tenant_id, flag, is_on)
            values ($1, $2, $3)
            on conflict on constraint tenant_flags_pkey do update
            set
                is_on = excluded.is_on,
                updated_at = now()",
            self.tenant().uuid(),
            flag.as_str(),
            is_on
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes away a flag of the tenant's own.
    pub async fn clear_flag(&mut self, flag: Flag) -> db::Result<()> {
        sqlx::query!(
            "delete from tenant_flags
            where tenant_id = $1
                and flag = $2",
            self.tenant().uuid(),
            flag.as_str()
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
