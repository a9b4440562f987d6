//! `/v1/widget_tokens`.

use chrono::{DateTime, Utc};
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::json;
use uuid::Uuid;

use super::Caller;
use crate::db::Db;
use crate::identity::key_rights::within_reach;
use crate::identity::widget_token::DEFAULT_SECONDS;
use crate::identity::{Action, KeyKind, Principal, WidgetSigner};
use crate::web::body::JsonBody;
use crate::web::problem::{ApiError, ProblemCode};
use crate::web::reading::readable_text;
use crate::web::spec::Tag;

/// Whom a widget token is for, as your own server knows them.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct EndUser {
    /// Your id of the person: whoever has it sees the person's conversations, so take one that never changes hands.
    #[oai(validator(min_length = 1, max_length = 200))]
    id: String,
    /// Name shown to those who read conversations; the id when absent.
    #[oai(validator(min_length = 1, max_length = 200))]
    name: Option<String>,
}

/// A widget token to be made.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct WidgetTokenCreate {
    /// Publishable key of the widget.
    api_key_id: Uuid,
    /// Whom it is for.
    end_user: EndUser,
    /// How long it is good: 60 to 3600 seconds; 900 when absent.
    #[oai(validator(minimum(value = "60"), maximum(value = "3600")))]
    expires_in_seconds: Option<u32>,
}

impl Example for WidgetTokenCreate {
    fn example() -> Self {
        Self {
            api_key_id: Uuid::nil(),
            end_user: EndUser { id: "customer-4711".to_owned(), name: Some("Ada".to_owned()) },
            expires_in_seconds: None,
        }
    }
}

/// A widget token, to be handed to the page of that one person.
#[derive(Debug, Object)]
#[oai(rename = "WidgetToken")]
pub struct WidgetTokenView {
    /// The token to send as `Authorization: Bearer …` from the page.
    #[oai(validator(max_length = 4096))]
    token: String,
    /// From then on it is refused.
    expires_at: DateTime<Utc>,
}

#[derive(ApiResponse)]
enum CreateResponse {
    /// The token was made; it is stored nowhere.
    #[oai(status = 201)]
    Created(Json<WidgetTokenView>),
}

/// Operations on widget tokens.
pub struct WidgetTokensApi {
    /// The database.
    pub db: Db,
    /// Signs tokens; absent without the setting.
    pub signer: Option<WidgetSigner>,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Identity")]
impl WidgetTokensApi {
    /// Create a widget token
    ///
    /// Vouches for an end user of yours: the token lets a page of the publishable key's origins ask in their name and read
    /// their own conversations, and nothing else. Call it from your server, never from a page. Nothing is stored, so that
    /// doing it again makes another token, as good as the first. Needs the scope widgets:sign: a key that
    /// names it, or the role admin.
    #[oai(path = "/widget_tokens", method = "post", operation_id = "create_widget_token")]
    async fn create_widget_token(
        &self,
        caller: Caller,
        body: JsonBody<WidgetTokenCreate>,
    ) -> Result<CreateResponse, ApiError> {
        let actor = caller.require(Action::WidgetTokenWrite)?;
        let signer = self.signer.as_ref().ok_or_else(|| {
            let detail =
                "this installation signs no widget tokens: the operator sets PIDIMA_SIGNING_SECRET";
            ApiError::new(ProblemCode::Conflict, detail)
        })?;
        let WidgetTokenCreate { api_key_id, end_user, expires_in_seconds } = body.0;
        let id = readable_text("/end_user/id", &end_user.id)?;
        if id != end_user.id {
            let detail = "must hold no control characters and no blanks at its ends: two ids must never become one";
            return Err(ApiError::invalid("/end_user/id", detail));
        }
        let name = end_user.name.map(|name| readable_text("/end_user/name", &name)).transpose()?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let key = tx.find_api_key(api_key_id).await?;
        let key = key.ok_or_else(|| ApiError::not_found("API key"))?;
        if key.kind != KeyKind::Publishable {
            return Err(ApiError::invalid("/api_key_id", "must be a publishable key"));
        }
        if key.is_over(Utc::now()) {
            let detail = "the publishable key was revoked or has expired; make a new one";
            return Err(ApiError::new(ProblemCode::Conflict, detail));
        }
        within_reach(actor, &key.collection_ids)?;
        let seconds = expires_in_seconds.unwrap_or(DEFAULT_SECONDS);
        let signed = signer.sign(actor.tenant, key.api_key_id, (id.clone(), name), seconds);
        let (token, expires_at) = signed.map_err(ApiError::internal)?;
        // Programs do it all day; a person who does speaks in the name of another.
        if matches!(actor.principal, Principal::Member { .. }) {
            let entry = actor.audit("widget_token.created").on("api_key", key.api_key_id);
            let after = json!({ "end_user": id, "expires_at": expires_at.to_rfc3339() });
            tx.append_audit(entry.after(after)).await?;
            tx.commit().await?;
        }
        Ok(CreateResponse::Created(Json(WidgetTokenView { token, expires_at })))
    }
}
