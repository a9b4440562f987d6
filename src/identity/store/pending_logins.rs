//! Rows of `pending_logins`: logins on their way, before any tenant is known.

use std::time::Duration;

use chrono::{TimeDelta, Utc};

use crate::db::{self, SystemTx};
use crate::identity::{Identity, InvitationProof};
use crate::kernel::ids::new_id;

/// A login on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    /// Login provider.
    pub provider: String,
    /// What it waits for.
    pub step: PendingStep,
    /// Path of this server to go to afterwards.
    pub return_to: String,
    /// Invitation that is to be accepted.
    pub invitation: Option<InvitationProof>,
}

/// What a login waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingStep {
    /// The issuer's answer.
    Issuer {
        /// Must stand in the ID token.
        nonce: String,
        /// Proves that who redeems the code began the login.
        pkce_verifier: String,
    },
    /// The person's choice of a tenant; the issuer has vouched for them.
    Choice(Identity),
}

/// What ties a row to one browser and to one text that is used once.
#[derive(Clone, Copy, Debug)]
pub struct PendingKey<'a> {
    /// SHA-256 of the browser's cookie.
    pub browser: &'a [u8],
    /// SHA-256 of the state, or of the text in the form.
    pub state: &'a [u8],
}

impl SystemTx {
    /// Stores a login on its way; of one browser at most `most`, the oldest go first.
    pub(in crate::identity) async fn insert_pending_login(
        &mut self,
        key: PendingKey<'_>,
        login: &PendingLogin,
        lifetime: Duration,
        most: i64,
    ) -> db::Result<()> {
        let now = Utc::now();
        let (nonce, verifier, identity) = match &login.step {
            PendingStep::Issuer { nonce, pkce_verifier } => {
                (Some(nonce), Some(pkce_verifier), None)
            }
            PendingStep::Choice(identity) => (None, None, Some(identity)),
        };
        let invitation = login.invitation.as_ref();
        sqlx::query!(
            "insert into pending_logins (
                pending_login_id,
                browser_sha256,
                state_sha256,
                provider,
                nonce,
                pkce_verifier,
                issuer,
                subject,
                return_to,
                invited_to,
                invitation_id,
                invitation_sha256,
                created_at,
                expires_at
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            new_id(),
            key.browser,
            key.state,
            login.provider,
            nonce,
            verifier,
            identity.map(|identity| &identity.issuer),
            identity.map(|identity| &identity.subject),
            login.return_to,
            invitation.map(|invitation| invitation.tenant.uuid()),
            invitation.map(|invitation| invitation.invitation_id),
            invitation.map(|invitation| invitation.secret_sha256.as_slice()),
            now,
            now + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::zero())
        )
        .execute(self.connection())
        .await?;
        sqlx::query!(
            "delete from pending_logins
            where pending_login_id in (
                select pending_login_id
                from pending_logins
                where browser_sha256 = $1
                order by pending_login_id desc
                offset $2
            )",
            key.browser,
            most
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes out the login that waits for the issuer, or (`chooses`) for the person, so that no second request finds it.
    pub(in crate::identity) async fn take_pending_login(
        &mut self,
        key: PendingKey<'_>,
        chooses: bool,
    ) -> db::Result<Option<PendingLogin>> {
        let row = sqlx::query!(
            "delete from pending_logins
            where state_sha256 = $1
                and browser_sha256 = $2
                and (nonce is null) = $3
                and expires_at > now()
            returning
                provider,
                nonce,
                pkce_verifier,
                issuer,
                subject,
                return_to,
                invited_to,
                invitation_id,
                invitation_sha256",
            key.state,
            key.browser,
            chooses
        )
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let step = match (row.nonce, row.pkce_verifier, row.issuer, row.subject) {
            (Some(nonce), Some(pkce_verifier), ..) => PendingStep::Issuer { nonce, pkce_verifier },
            (_, _, Some(issuer), Some(subject)) => {
                PendingStep::Choice(Identity { issuer, subject })
            }
            _ => {
                return Err(db::Error::Inconsistent {
                    table: "pending_logins",
                    detail: "a row waits for nothing".to_owned(),
                });
            }
        };
        let invitation = match (row.invited_to, row.invitation_id, row.invitation_sha256) {
            (Some(tenant), Some(invitation_id), Some(secret_sha256)) => {
                Some(InvitationProof { tenant: tenant.into(), invitation_id, secret_sha256 })
            }
            _ => None,
        };
        Ok(Some(PendingLogin {
            provider: row.provider,
            step,
            return_to: row.return_to,
            invitation,
        }))
    }

    /// How many logins are on their way; no more than `most` are counted.
    pub(in crate::identity) async fn count_pending_logins(&mut self, most: i64) -> db::Result<i64> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!"
            from (
                select
                from pending_logins
                limit $1
            ) as counted"#,
            most
        )
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// Removes logins whose time is over; how many there were.
    pub async fn sweep_pending_logins(&mut self) -> db::Result<u64> {
        let swept = sqlx::query!("delete from pending_logins where expires_at <= now()")
            .execute(self.connection())
            .await?;
        Ok(swept.rows_affected())
    }
}
