//! Rows of `sessions`. A session is seen by its maker, and by those whose role sees all.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantRead, TenantTx};

/// A conversation.
#[derive(Clone, Debug)]
pub struct Session {
    /// Id.
    pub session_id: Uuid,
    /// Given by the person, else the first question.
    pub title: Option<String>,
    /// Collections that it asks; empty for all.
    pub collection_ids: Vec<Uuid>,
    /// Assistant that answers in it; the tenant's default one when absent.
    pub assistant_id: Option<Uuid>,
    /// Key that opened it.
    pub created_by: Uuid,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last got a message.
    pub updated_at: DateTime<Utc>,
}

impl TenantRead {
    /// One session; `maker` limits the look-up to sessions of that key.
    pub async fn session(
        mut self,
        session_id: Uuid,
        maker: Option<Uuid>,
    ) -> db::Result<Option<Session>> {
        let session = sqlx::query_as!(
            Session,
            "with tenant as materialized (
                select set_config('app.tenant_id', $1::uuid::text, true)::uuid as tenant_id
            )
            select found.*
            from tenant t
            cross join lateral (
                select
                    s.session_id,
                    s.title,
                    s.collection_ids,
                    s.assistant_id,
                    s.created_by,
                    s.created_at,
                    s.updated_at
                from sessions s
                where s.tenant_id = t.tenant_id
                    and s.session_id = $2
                    and ($3::uuid is null or s.created_by = $3)
                offset 0
            ) found",
            self.tenant().uuid(),
            session_id,
            maker
        )
        .fetch_optional(self.connection())
        .await?;
        self.done();
        Ok(session)
    }
}

impl TenantTx {
    /// One session; `maker` limits the look-up to sessions of that key.
    pub async fn find_session(
        &mut self,
        session_id: Uuid,
        maker: Option<Uuid>,
    ) -> db::Result<Option<Session>> {
        let session = sqlx::query_as!(
            Session,
            "select
                session_id,
                title,
                collection_ids,
                assistant_id,
                created_by,
                created_at,
                updated_at
            from sessions
            where tenant_id = $1
                and session_id = $2
                and ($3::uuid is null or created_by = $3)",
            self.tenant().uuid(),
            session_id,
            maker
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(session)
    }

    /// Sessions, newest first; `maker` limits the list to sessions of that key.
    pub async fn list_sessions(
        &mut self,
        maker: Option<Uuid>,
        keyset: Keyset,
    ) -> db::Result<Page<Session>> {
        let rows = sqlx::query_as!(
            Session,
            "select
                session_id,
                title,
                collection_ids,
                assistant_id,
                created_by,
                created_at,
                updated_at
            from sessions
            where tenant_id = $1
                and ($2::uuid is null or created_by = $2)
                and ($3::uuid is null or session_id < $3)
            order by session_id desc
            limit $4",
            self.tenant().uuid(),
            maker,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |session| session.session_id))
    }

    /// Stores a session.
    pub async fn insert_session(
        &mut self,
        session_id: Uuid,
        title: Option<&str>,
        collection_ids: &[Uuid],
        assistant_id: Option<Uuid>,
        created_by: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into sessions (
                tenant_id,
                session_id,
                title,
                collection_ids,
                assistant_id,
                created_by
            )
            values ($1, $2, $3, $4, $5, $6)",
            self.tenant().uuid(),
            session_id,
            title,
            collection_ids,
            assistant_id,
            created_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Changes the title.
    pub async fn update_session(&mut self, session_id: Uuid, title: &str) -> db::Result<()> {
        sqlx::query!(
            "update sessions
            set title = $3
            where tenant_id = $1
                and session_id = $2",
            self.tenant().uuid(),
            session_id,
            title
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Counts a message in: the session's revision with it, or nothing when the session is gone. Until the end of the
    /// transaction nobody else adds one. The first question becomes the title of a session without one.
    pub(in crate::chat) async fn count_message_in(
        &mut self,
        session_id: Uuid,
        question: Option<&str>,
    ) -> db::Result<Option<i64>> {
        let revision = sqlx::query_scalar!(
            "update sessions
            set
                updated_at = now(),
                title = coalesce(title, left($3, 120)),
                revision = revision + 1
            where tenant_id = $1
                and session_id = $2
            returning revision",
            self.tenant().uuid(),
            session_id,
            question
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(revision)
    }

    /// Locks a session that is about to be deleted; false when it is gone.
    pub(in crate::chat) async fn lock_session(&mut self, session_id: Uuid) -> db::Result<bool> {
        let found = sqlx::query!(
            "select
            from sessions
            where tenant_id = $1
                and session_id = $2
            for update",
            self.tenant().uuid(),
            session_id
        )
        .execute(self.connection())
        .await?;
        Ok(found.rows_affected() == 1)
    }

    /// Deletes a session that is [locked](Self::lock_session), with its messages. Whoever makes an answer in it finds its lease
    /// gone. Attachments lose their session and are left to the sweep, unless they were removed before.
    pub async fn delete_session(&mut self, session_id: Uuid) -> db::Result<()> {
        self.delete_session_lease(session_id).await?;
        sqlx::query!(
            "delete from sessions
            where tenant_id = $1
                and session_id = $2",
            self.tenant().uuid(),
            session_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
