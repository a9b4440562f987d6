//! `/v1/groups`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::members::MemberList;
use crate::db::Db;
use crate::db::idempotency::Begun;
use crate::identity::{
    Action, Group, GroupError, add_group_member, create_group, delete_group, remove_group_member,
    rename_group,
};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

const LIST: &str = "groups";
const MEMBERS: &str = "group_members";

/// A named set of people, which collections can be limited to.
#[derive(Debug, Object)]
#[oai(rename = "Group")]
pub struct GroupView {
    /// Id of the group.
    id: Uuid,
    /// Unique within the tenant.
    #[oai(validator(max_length = 100))]
    name: String,
    /// How many people are in it.
    member_count: i64,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was last renamed.
    updated_at: DateTime<Utc>,
}

/// A group to be made, or its new name.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct GroupCreate {
    /// Unique within the tenant.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
}

impl Example for GroupCreate {
    fn example() -> Self {
        Self { name: "support team".to_owned() }
    }
}

/// What to change of a group.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct GroupUpdate {
    /// New name.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
}

impl Example for GroupUpdate {
    fn example() -> Self {
        Self { name: "support team, second line".to_owned() }
    }
}

/// A page of groups.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct GroupList {
    /// Groups, oldest first.
    #[oai(validator(max_items = 100))]
    items: Vec<GroupView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The group was made.
    #[oai(status = 201)]
    Created(Json<GroupView>),
}

#[derive(ApiResponse)]
enum DoneResponse {
    /// It is so now.
    #[oai(status = 204)]
    Done,
}

/// Operations on groups.
pub struct GroupsApi {
    /// The database.
    pub db: Db,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl GroupsApi {
    /// List groups
    ///
    /// Groups of the tenant, oldest first. Needs the role admin.
    #[oai(path = "/groups", method = "get", operation_id = "list_groups")]
    async fn list_groups(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<GroupList>, ApiError> {
        let actor = caller.require(Action::GroupRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.db.tenant(actor.tenant).await?.list_groups(keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(GroupList { items: page.items.into_iter().map(Into::into).collect(), next_cursor }))
    }

    /// Create a group
    ///
    /// The name must be free within the tenant. Needs the role admin.
    #[oai(path = "/groups", method = "post", operation_id = "create_group")]
    async fn create_group(
        &self,
        caller: Caller,
        body: Once<JsonBody<GroupCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::GroupWrite)?;
        let (body, claim) = body.by(actor.id());
        let name = readable_text("/name", &body.0.name)?;
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let group = create_group(&mut tx, actor, &name).await?;
        Replayable::commit(tx, CreateResponse::Created(Json(group.into()))).await
    }

    /// Get a group
    ///
    /// Shows one group; who is in it is a list of its own. Needs the role admin.
    #[oai(path = "/groups/:group_id", method = "get", operation_id = "get_group")]
    async fn get_group(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
    ) -> Result<Json<GroupView>, ApiError> {
        let actor = caller.require(Action::GroupRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_group(group_id.0).await?;
        Ok(Json(found.ok_or_else(|| ApiError::not_found("group"))?.into()))
    }

    /// Update a group
    ///
    /// Changes the name. Needs the role admin.
    #[oai(path = "/groups/:group_id", method = "patch", operation_id = "update_group")]
    async fn update_group(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
        body: JsonBody<GroupUpdate>,
    ) -> Result<Json<GroupView>, ApiError> {
        let actor = caller.require(Action::GroupWrite)?;
        let name = readable_text("/name", &body.0.name)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let group = rename_group(&mut tx, actor, group_id.0, &name).await?;
        tx.commit().await?;
        Ok(Json(group.into()))
    }

    /// Delete a group
    ///
    /// A group that limits a collection can not be deleted. Needs the role admin.
    #[oai(path = "/groups/:group_id", method = "delete", operation_id = "delete_group")]
    async fn delete_group(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
    ) -> Result<DoneResponse, ApiError> {
        let actor = caller.require(Action::GroupWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        delete_group(&mut tx, actor, group_id.0).await?;
        tx.commit().await?;
        Ok(DoneResponse::Done)
    }

    /// List members of a group
    ///
    /// People of the group, in the order in which they joined the tenant. Needs the role admin.
    #[oai(path = "/groups/:group_id/members", method = "get", operation_id = "list_group_members")]
    async fn list_group_members(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<MemberList>, ApiError> {
        let actor = caller.require(Action::GroupRead)?;
        let keyset = keyset(MEMBERS, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        if tx.find_group(group_id.0).await?.is_none() {
            return Err(ApiError::not_found("group"));
        }
        let page = tx.list_group_members(group_id.0, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(MEMBERS, actor.tenant, id));
        Ok(Json(MemberList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Put a member in a group
    ///
    /// What the group may read, the person may read at once. Doing it again changes nothing. Needs the role admin.
    #[oai(
        path = "/groups/:group_id/members/:member_id",
        method = "put",
        operation_id = "update_group_member"
    )]
    async fn update_group_member(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
        /// Id of the person.
        member_id: Path<Uuid>,
    ) -> Result<DoneResponse, ApiError> {
        let actor = caller.require(Action::GroupWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        add_group_member(&mut tx, actor, group_id.0, member_id.0).await?;
        tx.commit().await?;
        Ok(DoneResponse::Done)
    }

    /// Take a member out of a group
    ///
    /// What only the group may read, the person may not read any more, at once. Doing it again changes nothing. Needs the
    /// role admin.
    #[oai(
        path = "/groups/:group_id/members/:member_id",
        method = "delete",
        operation_id = "delete_group_member"
    )]
    async fn delete_group_member(
        &self,
        caller: Caller,
        /// Id of the group.
        group_id: Path<Uuid>,
        /// Id of the person.
        member_id: Path<Uuid>,
    ) -> Result<DoneResponse, ApiError> {
        let actor = caller.require(Action::GroupWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        remove_group_member(&mut tx, actor, group_id.0, member_id.0).await?;
        tx.commit().await?;
        Ok(DoneResponse::Done)
    }
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let Group { group_id, name, member_count, created_at, updated_at } = group;
        Self { id: group_id, name, member_count, created_at, updated_at }
    }
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Unknown => Self::not_found("group"),
            GroupError::UnknownMember => Self::not_found("member"),
            GroupError::NameTaken(_) | GroupError::LimitsCollection => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            GroupError::Grant(_) => Self::new(ProblemCode::Forbidden, error.to_string()),
            GroupError::Database(error) => error.into(),
        }
    }
}
