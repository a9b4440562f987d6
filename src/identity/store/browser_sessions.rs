//! Rows of `browser_sessions`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// A login of a browser, without its secret.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    /// Id, part of the cookie.
    pub browser_session_id: Uuid,
    /// Person.
    pub member_id: Uuid,
    /// Login provider that vouched for the person.
    pub provider: String,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Address that the login came from.
    pub address: Option<String>,
    /// When the person logged in.
    pub created_at: DateTime<Utc>,
    /// Last use, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// End, however much it is used.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl TenantTx {
    /// The session and the digest of its secret.
    pub(in crate::identity) async fn find_browser_session_secret(
        &mut self,
        browser_session_id: Uuid,
    ) -> db::Result<Option<(BrowserSession, Vec<u8>)>> {
        let Some(session) = self.find_browser_session(browser_session_id).await? else {
            return Ok(None);
        };
        let secret = sqlx::query_scalar!(
            "select secret_sha256
            from browser_sessions
            where tenant_id = $1
                and browser_session_id = $2",
            self.tenant().uuid(),
            browser_session_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(secret.map(|secret| (session, secret)))
    }

    /// One session, also one that ended.
    pub async fn find_browser_session(
        &mut self,
        browser_session_id: Uuid,
    ) -> db::Result<Option<BrowserSession>> {
        let session = sqlx::query_as!(
            BrowserSession,
            "select
                browser_session_id,
                member_id,
                provider,
                user_agent,
                address,
                created_at,
                last_seen_at,
                expires_at,
                ended_at
            from browser_sessions
            where tenant_id = $1
                and browser_session_id = $2",
            self.tenant().uuid(),
            browser_session_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(session)
    }

    /// Sessions that are good now, newest first; of one member, or of the whole tenant.
    pub async fn list_browser_sessions(
        &mut self,
        member_id: Option<Uuid>,
        idle: Duration,
        keyset: Keyset,
    ) -> db::Result<Page<BrowserSession>> {
        let now = Utc::now();
        let seen_after = now - TimeDelta::from_std(idle).unwrap_or(TimeDelta::MAX);
        let rows = sqlx::query_as!(
            BrowserSession,
            "select
                browser_session_id,
                member_id,
                provider,
                user_agent,
                address,
                created_at,
                last_seen_at,
                expires_at,
                ended_at
            from browser_sessions
            where tenant_id = $1
                and ($2::uuid is null or member_id = $2)
                and ($3::uuid is null or browser_session_id < $3)
                and ended_at is null
                and expires_at > $4
                and last_seen_at >= $5
            order by browser_session_id desc
            limit $6",
            self.tenant().uuid(),
            member_id,
            keyset.after,
            now,
            seen_after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |session| session.browser_session_id))
    }

    /// Removes sessions of a member that were over long ago: nobody lists them, and the audit log has the logins.
    pub(in crate::identity) async fn remove_old_browser_sessions(
        &mut self,
        member_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from browser_sessions
            where tenant_id = $1
                and member_id = $2
                and least(ended_at, expires_at) < now() - interval '30 days'",
            self.tenant().uuid(),
            member_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores a new session.
    pub(in crate::identity) async fn insert_browser_session(
        &mut self,
        session: &BrowserSession,
        secret_sha256: &[u8],
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into browser_sessions (
                tenant_id,
                browser_session_id,
                member_id,
                secret_sha256,
                provider,
                user_agent,
                address,
                created_at,
                last_seen_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.tenant().uuid(),
            session.browser_session_id,
            session.member_id,
            secret_sha256,
            session.provider,
            session.user_agent,
            session.address,
            session.created_at,
            session.last_seen_at,
            session.expires_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes a use, at most once a minute.
    pub(in crate::identity) async fn note_browser_session_use(
        &mut self,
        browser_session_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "update browser_sessions
            set last_seen_at = now()
            where tenant_id = $1
                and browser_session_id = $2
                and last_seen_at < now() - interval '1 minute'",
            self.tenant().uuid(),
            browser_session_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends one session; whether it was there and had not ended.
    pub(in crate::identity) async fn end_browser_session(
        &mut self,
        browser_session_id: Uuid,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update browser_sessions
            set ended_at = now()
            where tenant_id = $1
                and browser_session_id = $2
                and ended_at is null",
            self.tenant().uuid(),
            browser_session_id
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends the sessions of a person, but for one; how many there were.
    pub(in crate::identity) async fn end_browser_sessions_of(
        &mut self,
        member_id: Uuid,
        except: Option<Uuid>,
    ) -> db::Result<u64> {
        let done = sqlx::query!(
            "update browser_sessions
            set ended_at = now()
            where tenant_id = $1
                and member_id = $2
                and browser_session_id is distinct from $3
                and ended_at is null",
            self.tenant().uuid(),
            member_id,
            except
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}
