//! Rows of `local_accounts`: passwords of people who log in without an outside issuer.

use uuid::Uuid;

use crate::db::{self, OnConstraint, TenantTx};

/// An account, with the hash of its password.
#[derive(Clone)]
pub struct LocalAccount {
    /// Person.
    pub member_id: Uuid,
    /// E-mail address in lower case.
    pub login_name: String,
    /// Hash of the password, with its parameters.
    pub password_phc: String,
    /// The next login must choose a new password.
    pub must_change: bool,
}

/// What a login is decided on, read in one statement whatever is found.
pub struct LocalLogin {
    /// The account.
    pub account: LocalAccount,
    /// Neither the person nor the tenant is suspended, and the tenant admits local accounts.
    pub may_enter: bool,
    /// The person logged in from this network within 30 days.
    pub knows_address: bool,
}

impl TenantTx {
    /// The account of a login name, and what stands in the way of a login from a network.
    pub(in crate::identity) async fn find_local_login(
        &mut self,
        login_name: &str,
        network: Option<&str>,
    ) -> db::Result<Option<LocalLogin>> {
        let row = sqlx::query!(
            r#"select
                a.member_id,
                a.login_name,
                a.password_phc,
                a.must_change,
                (m.state = 'active'
                    and t.state = 'active'
                    and (t.login_providers is null or 'local' = any (t.login_providers))
                ) as "may_enter!",
                exists (
                    select
                    from browser_sessions b
                    where b.tenant_id = $1
                        and b.member_id = a.member_id
                        and b.address::inet <<= $3::text::inet
                        and b.created_at > now() - interval '30 days'
                ) as "knows_address!"
            from local_accounts a
            join members m on m.tenant_id = $1
                and m.member_id = a.member_id
            join tenants t on t.tenant_id = $1
            where a.tenant_id = $1
                and a.login_name = $2"#,
            self.tenant().uuid(),
            login_name,
            network
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| LocalLogin {
            account: LocalAccount {
                member_id: row.member_id,
                login_name: row.login_name,
                password_phc: row.password_phc,
                must_change: row.must_change,
            },
            may_enter: row.may_enter,
            knows_address: row.knows_address,
        }))
    }

    /// The account of a person.
    pub(in crate::identity) async fn find_local_account(
        &mut self,
        member_id: Uuid,
    ) -> db::Result<Option<LocalAccount>> {
        let account = sqlx::query_as!(
            LocalAccount,
            "select
                member_id,
                login_name,
                password_phc,
                must_change
            from local_accounts
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(account)
    }

    /// Holds the account until the end of the transaction, if its password is still the one that was compared.
    pub(in crate::identity) async fn lock_local_account(
        &mut self,
        account: &LocalAccount,
    ) -> db::Result<bool> {
        let found = sqlx::query_scalar!(
            "select member_id
            from local_accounts
            where tenant_id = $1
                and member_id = $2
                and password_phc = $3
            for update",
            self.tenant().uuid(),
            account.member_id,
            account.password_phc
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// Stores an account.
    pub(in crate::identity) async fn insert_local_account<E: From<db::Error>>(
        &mut self,
        account: &LocalAccount,
        name_taken: impl FnOnce() -> E,
    ) -> Result<(), E> {
        let stored = sqlx::query!(
            "insert into local_accounts (
                tenant_id,
                member_id,
                login_name,
                password_phc,
                must_change
            )
            values ($1, $2, $3, $4, $5)",
            self.tenant().uuid(),
            account.member_id,
            account.login_name,
            account.password_phc,
            account.must_change
        )
        .execute(self.connection())
        .await;
        stored
            .map_err(db::Error::from)
            .on_constraint("local_accounts_login_name_key", name_taken)?;
        Ok(())
    }

    /// Gives an account another password.
    pub(in crate::identity) async fn update_password(
        &mut self,
        member_id: Uuid,
        password_phc: &str,
        must_change: bool,
    ) -> db::Result<()> {
        sqlx::query!(
            "update local_accounts
            set
                password_phc = $3,
                must_change = $4,
                changed_at = now()
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id,
            password_phc,
            must_change
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores the same password hashed at a higher cost.
    pub(in crate::identity) async fn rehash_password(
        &mut self,
        member_id: Uuid,
        password_phc: &str,
    ) -> db::Result<()> {
        sqlx::query!(
            "update local_accounts
            set password_phc = $3
            where tenant_id = $1
                and member_id = $2",
            self.tenant().uuid(),
            member_id,
            password_phc
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The person of a login name.
    pub async fn find_member_by_login_name(
        &mut self,
        login_name: &str,
    ) -> db::Result<Option<Uuid>> {
        let found = sqlx::query_scalar!(
            "select member_id
            from local_accounts
            where tenant_id = $1
                and login_name = $2",
            self.tenant().uuid(),
            login_name
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }
}
