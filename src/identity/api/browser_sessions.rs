//! `/v1/browser_sessions`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use crate::db::{Db, TenantTx};
use crate::identity::{
    Action, Actor, BrowserSession, Principal, Verifier, end_browser_session, end_other_sessions,
};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;

const LIST: &str = "browser_sessions";

/// A login of a browser.
#[derive(Debug, Object)]
#[oai(rename = "BrowserSession", skip_serializing_if_is_none)]
pub struct BrowserSessionView {
    /// Id of the login.
    id: Uuid,
    /// Person.
    member_id: Uuid,
    /// Login provider that vouched for the person.
    #[oai(validator(max_length = 30))]
    provider: String,
    /// What the browser calls itself.
    #[oai(validator(max_length = 300))]
    user_agent: Option<String>,
    /// Address that the login came from.
    #[oai(validator(max_length = 50))]
    address: Option<String>,
    /// When the person logged in.
    created_at: DateTime<Utc>,
    /// Last use, exact to a minute.
    last_seen_at: DateTime<Utc>,
    /// End, however much it is used.
    expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

/// A page of logins.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct BrowserSessionList {
    /// Logins that are good now, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<BrowserSessionView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

/// Outcome of an ending.
#[derive(ApiResponse)]
enum EndResponse {
    /// Ended: refused at once here, and within 5 seconds on every instance.
    #[oai(status = 204)]
    Ended,
}

/// Operations on logins of browsers.
pub struct BrowserSessionsApi {
    /// The database.
    pub db: Db,
    /// Forgets what ended.
    pub verifier: Verifier,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl BrowserSessionsApi {
    /// List browser sessions
    ///
    /// Logins of browsers that are good now, newest first: your own. With the right to change members, those of the whole
    /// tenant, or of one member.
    #[oai(path = "/browser_sessions", method = "get", operation_id = "list_browser_sessions")]
    async fn list_browser_sessions(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
        /// Those of this member alone.
        member_id: Query<Option<Uuid>>,
    ) -> Result<Json<BrowserSessionList>, ApiError> {
        let actor = caller.require(Action::MeWrite)?;
        let member_id = whose(actor, member_id.0)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let idle = self.verifier.browser_session_idle();
        let mut tx = self.db.tenant(actor.tenant).await?;
        let page = tx.list_browser_sessions(member_id, idle, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let current = current_session(actor);
        let items = page.items.into_iter().map(|session| view(session, current)).collect();
        Ok(Json(BrowserSessionList { items, next_cursor }))
    }

    /// End a browser session
    ///
    /// Logs a browser out: one of your own, or with the right to change members that of anybody who is not above you. Ending it again changes
    /// nothing.
    #[oai(
        path = "/browser_sessions/:browser_session_id",
        method = "delete",
        operation_id = "delete_browser_session"
    )]
    async fn delete_browser_session(
        &self,
        caller: Caller,
        /// Id of the login.
        browser_session_id: Path<Uuid>,
    ) -> Result<EndResponse, ApiError> {
        let actor = caller.require(Action::MeWrite)?;
        let may_end_all = match (actor.require(Action::MemberWrite), member_of(actor)) {
            (Ok(_), _) => true,
            (Err(_), Some(_)) => false,
            (Err(error), None) => return Err(error),
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let found = tx.find_browser_session(browser_session_id.0).await?;
        let is_theirs =
            |session: &BrowserSession| may_end_all || member_of(actor) == Some(session.member_id);
        let session =
            found.filter(is_theirs).ok_or_else(|| ApiError::not_found("browser session"))?;
        may_end(&mut tx, actor, &session).await?;
        end_browser_session(&mut tx, actor, &session).await?;
        tx.commit().await?;
        self.verifier.forget_browser_session(session.browser_session_id);
        Ok(EndResponse::Ended)
    }

    /// End your other browser sessions
    ///
    /// Logs every browser of yours out, except the one that asks. A key has none.
    #[oai(path = "/browser_sessions", method = "delete", operation_id = "delete_browser_sessions")]
    async fn delete_browser_sessions(&self, caller: Caller) -> Result<EndResponse, ApiError> {
        let actor = caller.require(Action::MeWrite)?;
        // A key has none.
        let Some(member_id) = member_of(actor) else { return Ok(EndResponse::Ended) };
        let current = current_session(actor);
        let mut tx = self.db.tenant(actor.tenant).await?;
        end_other_sessions(&mut tx, actor, member_id, current).await?;
        tx.commit().await?;
        self.verifier.forget_member(actor.tenant, member_id, current);
        Ok(EndResponse::Ended)
    }
}

/// Whose logins may be listed: those asked for, when they are one's own or one may see all. A key has none of its own.
fn whose(actor: &Actor, asked: Option<Uuid>) -> Result<Option<Uuid>, ApiError> {
    match (actor.require(Action::MemberWrite), member_of(actor)) {
        (Ok(_), _) => Ok(asked),
        (Err(error), None) => Err(error),
        (Err(_), Some(own)) if asked.is_none_or(|asked| asked == own) => Ok(Some(own)),
        (Err(error), Some(_)) => Err(error),
    }
}

/// Passes for one's own logins and those of people who are not above the actor.
async fn may_end(
    tx: &mut TenantTx,
    actor: &Actor,
    session: &BrowserSession,
) -> Result<(), ApiError> {
    if member_of(actor) == Some(session.member_id) {
        return Ok(());
    }
    let member = tx.find_member(session.member_id).await?;
    let role = member.map(|member| member.role).filter(|role| *role > actor.role);
    role.map_or(Ok(()), |role| {
        let detail = format!(
            "the role {} can not end a login of somebody of the role {role}; ask somebody of that role",
            actor.role
        );
        Err(ApiError::new(ProblemCode::Forbidden, detail))
    })
}

fn member_of(actor: &Actor) -> Option<Uuid> {
    match actor.principal {
        Principal::Member { member_id, .. } => Some(member_id),
        _ => None,
    }
}

fn current_session(actor: &Actor) -> Option<Uuid> {
    match actor.principal {
        Principal::Member { browser_session_id, .. } => browser_session_id,
        _ => None,
    }
}

fn view(session: BrowserSession, current: Option<Uuid>) -> BrowserSessionView {
    BrowserSessionView {
        id: session.browser_session_id,
        member_id: session.member_id,
        provider: session.provider,
        user_agent: session.user_agent,
        address: session.address,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
        current: current == Some(session.browser_session_id),
    }
}
