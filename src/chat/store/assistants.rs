//! Rows of `assistants` and `assistant_versions`. A version is inserted and never changed.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::chat::assistants::Configuration;
use crate::db::{self, Keyset, Page, TenantTx};

/// An assistant, with the configuration that is published.
#[derive(Clone, Debug)]
pub struct Assistant {
    /// Id.
    pub assistant_id: Uuid,
    /// Unique within the tenant.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it answers where a request names none.
    pub is_default: bool,
    /// Configuration that is being worked on.
    pub draft: Configuration,
    /// Number of the version that answers.
    pub published_version: Option<i32>,
    /// Configuration that answers.
    pub published: Option<Configuration>,
    /// Highest number so far.
    pub latest_version: i32,
    /// Counts the changes.
    pub revision: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A configuration as it was published.
#[derive(Clone, Debug)]
pub struct AssistantVersion {
    /// Id.
    pub version_id: Uuid,
    /// Counts from 1 within the assistant.
    pub number: i32,
    /// What was published.
    pub configuration: Configuration,
    /// Who published it; absent for the first version of a default assistant.
    pub published_by: Option<Uuid>,
    /// When it was published.
    pub created_at: DateTime<Utc>,
}

struct AssistantRow {
    assistant_id: Uuid,
    name: String,
    description: String,
    is_default: bool,
    draft: Json<Configuration>,
    published_version: Option<i32>,
    published: Option<Json<Configuration>>,
    latest_version: i32,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

struct VersionRow {
    version_id: Uuid,
    number: i32,
    configuration: Json<Configuration>,
    published_by: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl TenantTx {
    /// One assistant that is not deleted.
    pub async fn find_assistant(&mut self, assistant_id: Uuid) -> db::Result<Option<Assistant>> {
        self.find_answering_assistant(Some(assistant_id)).await
    }

    /// The same, which nobody else changes until the end of the transaction.
    pub(in crate::chat) async fn lock_assistant(
        &mut self,
        assistant_id: Uuid,
    ) -> db::Result<Option<Assistant>> {
        sqlx::query!(
            "select assistant_id
            from assistants
            where tenant_id = $1
                and assistant_id = $2
            for no key update",
            self.tenant().uuid(),
            assistant_id
        )
        .fetch_optional(self.connection())
        .await?;
        self.find_assistant(assistant_id).await
    }

    /// The assistant that is to answer: the one named, else the default one.
    pub(in crate::chat) async fn find_answering_assistant(
        &mut self,
        assistant_id: Option<Uuid>,
    ) -> db::Result<Option<Assistant>> {
        let row = sqlx::query_as!(
            AssistantRow,
            r#"select
                a.assistant_id,
                a.name,
                a.description,
                a.is_default,
                a.draft as "draft: Json<Configuration>",
                a.published_version,
                v.configuration as "published?: Json<Configuration>",
                a.latest_version,
                a.revision,
                a.created_at,
                a.updated_at
            from assistants a
            left join assistant_versions v
                on v.tenant_id = a.tenant_id
                and v.assistant_id = a.assistant_id
                and v.number = a.published_version
            where a.tenant_id = $1
                and ($2::uuid is null and a.is_default or a.assistant_id = $2)
                and a.deleted_at is null"#,
            self.tenant().uuid(),
            assistant_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(Into::into))
    }

    /// Assistants, oldest first; `published` leaves out those of which nothing is.
    pub async fn list_assistants(
        &mut self,
        published: bool,
        keyset: Keyset,
    ) -> db::Result<Page<Assistant>> {
        let rows = sqlx::query_as!(
            AssistantRow,
            r#"select
                a.assistant_id,
                a.name,
                a.description,
                a.is_default,
                a.draft as "draft: Json<Configuration>",
                a.published_version,
                v.configuration as "published?: Json<Configuration>",
                a.latest_version,
                a.revision,
                a.created_at,
                a.updated_at
            from assistants a
            left join assistant_versions v
                on v.tenant_id = a.tenant_id
                and v.assistant_id = a.assistant_id
                and v.number = a.published_version
            where a.tenant_id = $1
                and a.deleted_at is null
                and ($2::uuid is null or a.assistant_id > $2)
                and (not $3 or a.published_version is not null)
            order by a.assistant_id
            limit $4"#,
            self.tenant().uuid(),
            keyset.after,
            published,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        let rows = rows.into_iter().map(Assistant::from).collect();
        Ok(Page::new(rows, keyset, |assistant| assistant.assistant_id))
    }

    /// How many assistants there are.
    pub(in crate::chat) async fn count_assistants(&mut self) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from assistants
            where tenant_id = $1
                and deleted_at is null"#,
            self.tenant().uuid()
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Stores an assistant. The index `assistants_name_idx` refuses a name that is taken.
    pub(in crate::chat) async fn insert_assistant(
        &mut self,
        assistant_id: Uuid,
        name: &str,
        description: &str,
        draft: &Configuration,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into assistants (tenant_id, assistant_id, name, description, draft)
            values ($1, $2, $3, $4, $5)",
            self.tenant().uuid(),
            assistant_id,
            name,
            description,
            Json(draft) as _
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what can change of an assistant, and counts the change. The same index refuses a name that is taken.
    pub(in crate::chat) async fn update_assistant(
        &mut self,
        assistant: &Assistant,
    ) -> db::Result<Assistant> {
        let id = assistant.assistant_id;
        sqlx::query!(
            "update assistants
            set
                name = $3,
                description = $4,
                draft = $5,
                published_version = $6,
                latest_version = $7,
                revision = revision + 1,
                updated_at = now()
            where tenant_id = $1
                and assistant_id = $2",
            self.tenant().uuid(),
            id,
            assistant.name,
            assistant.description,
            Json(&assistant.draft) as _,
            assistant.published_version,
            assistant.latest_version
        )
        .execute(self.connection())
        .await?;
        let missing = || db::Error::Inconsistent {
            table: "assistants",
            detail: format!("assistant {id} is gone while it is locked"),
        };
        self.find_assistant(id).await?.ok_or_else(missing)
    }

    /// Marks an assistant as deleted.
    pub(in crate::chat) async fn delete_assistant(&mut self, assistant_id: Uuid) -> db::Result<()> {
        sqlx::query!(
            "update assistants
            set
                deleted_at = now(),
                revision = revision + 1
            where tenant_id = $1
                and assistant_id = $2",
            self.tenant().uuid(),
            assistant_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores a version.
    pub(in crate::chat) async fn insert_assistant_version(
        &mut self,
        assistant_id: Uuid,
        number: i32,
        version_id: Uuid,
        configuration: &Configuration,
        published_by: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into assistant_versions (
                tenant_id,
                assistant_id,
                number,
                version_id,
                configuration,
                published_by
            )
            values ($1, $2, $3, $4, $5, $6)",
            self.tenant().uuid(),
            assistant_id,
            number,
            version_id,
            Json(configuration) as _,
            published_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// One version of an assistant.
    pub async fn find_assistant_version(
        &mut self,
        assistant_id: Uuid,
        number: i32,
    ) -> db::Result<Option<AssistantVersion>> {
        let row = sqlx::query_as!(
            VersionRow,
            r#"select
                version_id,
                number,
                configuration as "configuration: Json<Configuration>",
                published_by,
                created_at
            from assistant_versions
            where tenant_id = $1
                and assistant_id = $2
                and number = $3"#,
            self.tenant().uuid(),
            assistant_id,
            number
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(Into::into))
    }

    /// Versions of an assistant, newest first.
    pub async fn list_assistant_versions(
        &mut self,
        assistant_id: Uuid,
        keyset: Keyset,
    ) -> db::Result<Page<AssistantVersion>> {
        let rows = sqlx::query_as!(
            VersionRow,
            r#"select
                version_id,
                number,
                configuration as "configuration: Json<Configuration>",
                published_by,
                created_at
            from assistant_versions
            where tenant_id = $1
                and assistant_id = $2
                and ($3::uuid is null or version_id < $3)
            order by version_id desc
            limit $4"#,
            self.tenant().uuid(),
            assistant_id,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        let rows = rows.into_iter().map(AssistantVersion::from).collect();
        Ok(Page::new(rows, keyset, |version| version.version_id))
    }
}

impl From<AssistantRow> for Assistant {
    fn from(row: AssistantRow) -> Self {
        Self {
            assistant_id: row.assistant_id,
            name: row.name,
            description: row.description,
            is_default: row.is_default,
            draft: row.draft.0,
            published_version: row.published_version,
            published: row.published.map(|published| published.0),
            latest_version: row.latest_version,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<VersionRow> for AssistantVersion {
    fn from(row: VersionRow) -> Self {
        Self {
            version_id: row.version_id,
            number: row.number,
            configuration: row.configuration.0,
            published_by: row.published_by,
            created_at: row.created_at,
        }
    }
}
