//! `/v1/invitations`.

use chrono::{DateTime, Utc};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use super::Caller;
use super::names::RoleName;
use crate::db::Db;
use crate::db::idempotency::Begun;
use crate::identity::{
    Action, Invitation, InvitationLink, InviteError, NewInvitation, email_address, invite_member,
    revoke_invitation,
};
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::spec::Tag;

const LIST: &str = "invitations";

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "InvitationState", rename_all = "snake_case")]
pub enum InvitationStateName {
    /// Can be accepted.
    Open,
    /// Was accepted.
    Accepted,
    /// Was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

/// An invitation, without the secret of its link.
#[derive(Debug, Object)]
#[oai(rename = "Invitation", skip_serializing_if_is_none)]
pub struct InvitationView {
    /// Id of the invitation.
    id: Uuid,
    /// Address that it is for.
    #[oai(validator(max_length = 254))]
    email: String,
    /// Role of who accepts.
    role: RoleName,
    /// Groups that who accepts is put in.
    #[oai(validator(max_items = 50))]
    group_ids: Vec<Uuid>,
    /// Where it stands.
    state: InvitationStateName,
    /// Person or key that invited.
    invited_by: Option<Uuid>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// From then on it is refused.
    expires_at: DateTime<Utc>,
    /// When it was accepted.
    accepted_at: Option<DateTime<Utc>>,
    /// Member that it made.
    accepted_by: Option<Uuid>,
    /// When it was taken back.
    revoked_at: Option<DateTime<Utc>>,
}

/// A new invitation with its link, which is shown this once.
#[derive(Debug, Object)]
pub struct InvitationCreated {
    /// The page to send to the person. It can not be shown again. A path of this server when no public address is set.
    #[oai(validator(max_length = 2500))]
    link: String,
    /// The part of the link that lets in, for programs.
    #[oai(validator(max_length = 200))]
    secret: String,
    /// The invitation as it is listed.
    invitation: InvitationView,
}

/// An invitation to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct InvitationCreate {
    /// Address of the person; nothing is sent there.
    #[oai(validator(min_length = 3, max_length = 254))]
    email: String,
    /// Role of who accepts; at most your own.
    role: RoleName,
    /// Groups that who accepts is put in; none when absent.
    #[oai(validator(max_items = 50))]
    group_ids: Option<Vec<Uuid>>,
    /// From then on the link is refused; 7 days from now when absent, 30 at most.
    expires_at: Option<DateTime<Utc>>,
}

impl Example for InvitationCreate {
    fn example() -> Self {
        Self {
            email: "ada@example.com".to_owned(),
            role: RoleName::Member,
            group_ids: None,
            expires_at: None,
        }
    }
}

/// A page of invitations.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct InvitationList {
    /// Invitations, newest first.
    #[oai(validator(max_items = 100))]
    items: Vec<InvitationView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    next_cursor: Option<String>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The invitation was made; the link is shown this once.
    #[oai(status = 201)]
    Created(Json<InvitationCreated>),
}

#[derive(ApiResponse)]
enum RevokeResponse {
    /// The link is refused from now on.
    #[oai(status = 204)]
    Revoked,
}

/// Operations on invitations.
pub struct InvitationsApi {
    /// The database.
    pub db: Db,
    /// Address of this server as browsers see it.
    pub public_url: Option<String>,
    /// Most invitations of a tenant that are open at once.
    pub max_open: u32,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl InvitationsApi {
    /// List invitations
    ///
    /// Invitations, newest first, used and revoked ones included. Needs the role admin.
    #[oai(path = "/invitations", method = "get", operation_id = "list_invitations")]
    async fn list_invitations(
        &self,
        caller: Caller,
        /// Only those that can still be accepted, when true.
        open: Query<Option<bool>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<InvitationList>, ApiError> {
        let actor = caller.require(Action::InvitationRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let page = tx.list_invitations(open.0.unwrap_or(false), keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        Ok(Json(InvitationList {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor,
        }))
    }

    /// Invite a person
    ///
    /// Makes a link that lets one person in, once. It is shown in this answer and never again, and nothing is sent: pass
    /// it on yourself. Needs the role admin, and at least the role that the link gives.
    #[oai(path = "/invitations", method = "post", operation_id = "create_invitation")]
    async fn create_invitation(
        &self,
        caller: Caller,
        body: Once<JsonBody<InvitationCreate>>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::InvitationWrite)?;
        let (body, claim) = body.by(actor.id());
        let InvitationCreate { email, role, group_ids, expires_at } = body.0;
        let email = email_address(&email).ok_or_else(|| {
            ApiError::invalid("/email", "must be an e-mail address such as ada@example.com")
        })?;
        let group_ids = group_ids.unwrap_or_default();
        let new = NewInvitation { email, role: role.into(), group_ids, expires_at };
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let created = invite_member(&mut tx, actor, new, self.max_open).await?;
        let secret = created.link.expose();
        let server = self.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let path = format!("/v1/invitations/{}", created.invitation.invitation_id);
        let response = CreateResponse::Created(Json(InvitationCreated {
            link: format!("{server}{}{secret}", InvitationLink::PAGE),
            secret,
            invitation: created.invitation.into(),
        }));
        Replayable::commit_secret(tx, response, path).await
    }

    /// Get an invitation
    ///
    /// Shows one invitation without the secret of its link. Needs the role admin.
    #[oai(path = "/invitations/:invitation_id", method = "get", operation_id = "get_invitation")]
    async fn get_invitation(
        &self,
        caller: Caller,
        /// Id of the invitation.
        invitation_id: Path<Uuid>,
    ) -> Result<Json<InvitationView>, ApiError> {
        let actor = caller.require(Action::InvitationRead)?;
        let found = self.db.tenant(actor.tenant).await?.find_invitation(invitation_id.0).await?;
        Ok(Json(found.ok_or_else(|| ApiError::not_found("invitation"))?.into()))
    }

    /// Revoke an invitation
    ///
    /// The link is refused from now on. Doing it again, or after it was accepted, changes nothing. Needs the role admin.
    #[oai(
        path = "/invitations/:invitation_id",
        method = "delete",
        operation_id = "delete_invitation"
    )]
    async fn delete_invitation(
        &self,
        caller: Caller,
        /// Id of the invitation.
        invitation_id: Path<Uuid>,
    ) -> Result<RevokeResponse, ApiError> {
        let actor = caller.require(Action::InvitationWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        if !revoke_invitation(&mut tx, actor, invitation_id.0).await? {
            return Err(ApiError::not_found("invitation"));
        }
        tx.commit().await?;
        Ok(RevokeResponse::Revoked)
    }
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        let state = if invitation.accepted_at.is_some() {
            InvitationStateName::Accepted
        } else if invitation.revoked_at.is_some() {
            InvitationStateName::Revoked
        } else if invitation.is_open(Utc::now()) {
            InvitationStateName::Open
        } else {
            InvitationStateName::Expired
        };
        Self {
            id: invitation.invitation_id,
            email: invitation.email,
            role: invitation.role.into(),
            group_ids: invitation.group_ids,
            state,
            invited_by: invitation.invited_by,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
            accepted_at: invitation.accepted_at,
            accepted_by: invitation.accepted_by,
            revoked_at: invitation.revoked_at,
        }
    }
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        let text = error.to_string();
        match error {
            InviteError::Grant(_) => Self::new(ProblemCode::Forbidden, text),
            InviteError::UnknownGroup => Self::not_found("group"),
            InviteError::Expiry => Self::invalid("/expires_at", text),
            InviteError::TooManyOpen { .. } => Self::new(ProblemCode::Conflict, text),
            InviteError::Database(error) => error.into(),
        }
    }
}
