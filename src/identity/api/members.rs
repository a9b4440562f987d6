//! `/v1/members`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::names::RoleName;
use crate::adapters::oidc::ProviderRegistry;
use crate::db::Db;
use crate::identity::{
    Action, Member, MemberChange, MemberError, MemberFilter, change_member, remove_member,
};
use crate::web::body::JsonBody;
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "members";

/// Whether somebody's logins are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "MemberState", rename_all = "snake_case")]
pub enum MemberStateName {
    /// They are.
    Active,
    /// They are not, until somebody makes the member active again.
    Suspended,
}

/// A person of the tenant.
#[derive(Debug, Object)]
#[oai(rename = "Member", skip_serializing_if_is_none)]
pub struct MemberView {
    /// Id of the person in this tenant.
    id: Uuid,
    /// Login provider that vouches for them; `local` for a password kept here.
    #[oai(validator(max_length = 30))]
    provider: String,
    /// Address, as the provider or the invitation says.
    #[oai(validator(max_length = 254))]
    email: Option<String>,
    /// Name.
    #[oai(validator(max_length = 200))]
    display_name: Option<String>,
    /// What they may do.
    role: RoleName,
    /// Whether their logins are let in.
    state: MemberStateName,
    /// When they joined.
    created_at: DateTime<Utc>,
    /// Last login or use, exact to a minute; absent when they were never here.
    last_seen_at: Option<DateTime<Utc>>,
}

/// What to change of a person; what is absent stays.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct MemberUpdate {
    /// New role; at most your own.
    role: Option<RoleName>,
    /// Whether their logins are let in.
    state: Option<MemberStateName>,
    /// New name.
    #[oai(validator(min_length = 1, max_length = 200))]
    display_name: Option<String>,
}

impl Example for MemberUpdate {
    fn example() -> Self {
        Self { role: Some(RoleName::Editor), state: None, display_name: None }
    }
}

/// A page of people.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct MemberList {
    /// People, in the order in which they joined.
    #[oai(validator(max_items = 100))]
    pub(super) items: Vec<MemberView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub(super) next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum RemoveResponse {
    /// The person does not belong to the tenant any more.
    #[oai(status = 204)]
    Removed,
}

/// Operations on people.
pub struct MembersApi {
    /// The database.
    pub db: Db,
    /// Login providers of the operator.
    pub providers: ProviderRegistry,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl MembersApi {
    /// List members
    ///
    /// People of the tenant, in the order in which they joined. Needs the role admin.
    #[oai(path = "/members", method = "get", operation_id = "list_members")]
    async fn list_members(
        &self,
        caller: Caller,
        /// Who has exactly this address, in whatever case.
        #[oai(validator(max_length = 254))]
        email: Query<Option<String>>,
        /// Who has this role.
        role: Query<Option<RoleName>>,
        /// Who is in this state.
        state: Query<Option<MemberStateName>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<MemberList>, ApiError> {
        let actor = caller.require(Action::MemberRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        // No address holds a NUL, which the database could not even compare.
        let email = email.0.map(|email| email.replace('\0', "\u{fffd}"));
        let filter = MemberFilter {
            email,
            role: role.0.map(Into::into),
            state: state.0.map(MemberStateName::as_str),
        };
        let page = self.db.tenant(actor.tenant).await?.list_members(&filter, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(MemberList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Get a member
    ///
    /// Shows one person. Needs the role admin.
    #[oai(path = "/members/:member_id", method = "get", operation_id = "get_member")]
    async fn get_member(
        &self,
        caller: Caller,
        /// Id of the person.
        member_id: Path<Uuid>,
    ) -> Result<Json<MemberView>, ApiError> {
        let actor = caller.require(Action::MemberRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_member(member_id.0).await?;
        Ok(Json(found.ok_or_else(|| ApiError::not_found("member"))?.into()))
    }

    /// Update a member
    ///
    /// Changes role, state or name; what is absent stays. Nobody changes somebody above their own role or gives a role
    /// above it, the last active owner stays one, and a role that
    /// groups of the login provider decide stays as they say (409). A suspension ends the person's logins within 5 seconds. Needs the
    /// role admin.
    #[oai(path = "/members/:member_id", method = "patch", operation_id = "update_member")]
    async fn update_member(
        &self,
        caller: Caller,
        /// Id of the person.
        member_id: Path<Uuid>,
        body: JsonBody<MemberUpdate>,
    ) -> Result<Json<MemberView>, ApiError> {
        let actor = caller.require(Action::MemberWrite)?;
        let MemberUpdate { role, state, display_name } = body.0;
        let name = display_name.map(|name| readable_text("/display_name", &name)).transpose()?;
        let change = MemberChange {
            role: role.map(Into::into),
            state: state.map(MemberStateName::as_str),
            display_name: name,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let changed = change_member(&mut tx, actor, member_id.0, change, &self.providers).await?;
        tx.commit().await?;
        Ok(Json(changed.into()))
    }

    /// Remove a member
    ///
    /// The person loses every login here within 5 seconds, and their places in groups. Their conversations stay with the
    /// tenant. The last active owner can not be removed. Needs the role admin.
    #[oai(path = "/members/:member_id", method = "delete", operation_id = "delete_member")]
    async fn delete_member(
        &self,
        caller: Caller,
        /// Id of the person.
        member_id: Path<Uuid>,
    ) -> Result<RemoveResponse, ApiError> {
        let actor = caller.require(Action::MemberWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        remove_member(&mut tx, actor, member_id.0).await?;
        tx.commit().await?;
        Ok(RemoveResponse::Removed)
    }
}

impl MemberStateName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        let suspended = member.is_suspended();
        Self {
            id: member.member_id,
            provider: member.provider,
            email: member.email,
            display_name: member.display_name,
            role: member.role.into(),
            state: if suspended { MemberStateName::Suspended } else { MemberStateName::Active },
            created_at: member.created_at,
            last_seen_at: member.last_seen_at,
        }
    }
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Unknown => Self::not_found("member"),
            MemberError::AboveOwn { .. } | MemberError::Grant(_) => {
                Self::new(ProblemCode::Forbidden, error.to_string())
            }
            MemberError::LastOwner | MemberError::RoleByProvider => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            MemberError::Database(error) => error.into(),
        }
    }
}
