//! Rows of `tenants`, which a tenant sees one of, and of `tenant_directory`, which only operators' commands read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, SystemTx, TenantTx};
use crate::kernel::ids::TenantId;

/// A tenant as it sees itself.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Name shown to people.
    pub name: String,
    /// `active` or `suspended`.
    pub state: String,
    /// Login providers whose people may enter; every one of the operator's when absent.
    pub login_providers: Option<Vec<String>>,
    /// Web origins whose pages may call the API from a browser.
    pub allowed_origins: Vec<String>,
}

impl Tenant {
    /// Whether the operator keeps everybody of it out.
    pub fn is_suspended(&self) -> bool {
        self.state != "active"
    }

    /// Whether the tenant itself chose the login provider, instead of letting in every one.
    pub fn names(&self, provider: &str) -> bool {
        self.login_providers.is_some() && self.admits(provider)
    }

    /// Whether people of a login provider may enter.
    pub fn admits(&self, provider: &str) -> bool {
        let chosen = self.login_providers.as_ref();
        chosen.is_none_or(|names| names.iter().any(|name| name == provider))
    }
}

/// A tenant as the operator lists it.
#[derive(Clone, Debug)]
pub struct DirectoryEntry {
    /// Id.
    pub id: Uuid,
    /// Short name.
    pub slug: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl TenantTx {
    /// The transaction's tenant.
    pub async fn get_tenant(&mut self) -> db::Result<Tenant> {
        let tenant = sqlx::query_as!(
            Tenant,
            "select
                name,
                state,
                login_providers,
                allowed_origins
            from tenants
            where tenant_id = $1",
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(tenant)
    }

    /// The transaction's tenant, which nobody else changes until the end: for who writes what was read.
    pub async fn lock_tenant(&mut self) -> db::Result<Tenant> {
        sqlx::query!(
            "select tenant_id
            from tenants
            where tenant_id = $1
            for no key update",
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        self.get_tenant().await
    }

    /// Stores name, login providers and origins of the transaction's tenant.
    pub async fn update_tenant(&mut self, tenant: &Tenant) -> db::Result<()> {
        sqlx::query!(
            "update tenants
            set
                name = $2,
                login_providers = $3,
                allowed_origins = $4
            where tenant_id = $1",
            self.tenant().uuid(),
            tenant.name,
            tenant.login_providers.as_deref(),
            &tenant.allowed_origins
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores name and state of the transaction's tenant.
    pub async fn update_tenant_state(&mut self, name: &str, state: &str) -> db::Result<()> {
        sqlx::query!(
            "update tenants
            set
                name = $2,
                state = $3,
                updated_at = now()
            where tenant_id = $1",
            self.tenant().uuid(),
            name,
            state
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores the transaction's tenant, here and in the directory.
    pub(in crate::tenancy) async fn insert_tenant(
        &mut self,
        slug: &str,
        name: &str,
    ) -> db::Result<DirectoryEntry> {
        let id = self.tenant().uuid();
        let entry = sqlx::query_as!(
            DirectoryEntry,
            "insert into tenant_directory (id, slug)
            values ($1, $2)
            returning
                id,
                slug,
                created_at",
            id,
            slug
        )
        .fetch_one(self.connection())
        .await?;
        sqlx::query!(
            "insert into tenants (tenant_id, name)
            values ($1, $2)",
            id,
            name
        )
        .execute(self.connection())
        .await?;
        Ok(entry)
    }
}

impl SystemTx {
    /// The tenant of a short name.
    pub async fn find_tenant_by_slug(&mut self, slug: &str) -> db::Result<Option<TenantId>> {
        let id = sqlx::query_scalar!(
            "select id
            from tenant_directory
            where slug = $1",
            slug
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(id.map(TenantId::from))
    }

    /// Those of the short names that are there, each with its tenant.
    pub async fn list_tenants_by_slug(
        &mut self,
        slugs: &[String],
    ) -> db::Result<Vec<(String, TenantId)>> {
        let rows = sqlx::query!(
            "select
                slug,
                id
            from tenant_directory
            where slug = any($1)",
            slugs
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.slug, row.id.into())).collect())
    }

    /// A tenant as the operator lists it.
    pub async fn find_tenant(&mut self, id: Uuid) -> db::Result<Option<DirectoryEntry>> {
        let tenant = sqlx::query_as!(
            DirectoryEntry,
            "select
                id,
                slug,
                created_at
            from tenant_directory
            where id = $1",
            id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(tenant)
    }

    /// A page of tenants, newest first.
    pub async fn page_of_tenants(&mut self, keyset: Keyset) -> db::Result<Page<DirectoryEntry>> {
        let tenants = sqlx::query_as!(
            DirectoryEntry,
            "select
                id,
                slug,
                created_at
            from tenant_directory
            where ($1::uuid is null or id < $1)
            order by id desc
            limit $2",
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(tenants, keyset, |tenant| tenant.id))
    }

    /// Whether any tenant lets pages of this exact origin call.
    pub async fn origin_is_known(&mut self, origin: &str) -> db::Result<bool> {
        let is_known = sqlx::query_scalar!("select app.origin_is_known($1) as \"known!\"", origin)
            .fetch_one(self.connection())
            .await?;
        Ok(is_known)
    }

    /// All tenants, by short name.
    pub async fn list_tenants(&mut self) -> db::Result<Vec<DirectoryEntry>> {
        let tenants = sqlx::query_as!(
            DirectoryEntry,
            "select
                id,
                slug,
                created_at
            from tenant_directory
            order by slug"
        )
        .fetch_all(self.connection())
        .await?;
        Ok(tenants)
    }
}
