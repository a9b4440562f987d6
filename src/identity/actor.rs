//! The caller of a request, once the credential was verified.

use std::net::IpAddr;

use uuid::Uuid;

use super::policy::{self, Action, Role, Scope};
use crate::db::audit::{AuditActor, AuditEntry};
use crate::kernel::ids::TenantId;
use crate::web::problem::{ApiError, ProblemCode};

/// Who asks, for which tenant, with what rights.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Tenant of the credential: the only one whose rows can be reached.
    pub tenant: TenantId,
    /// Who it is.
    pub principal: Principal,
    /// Name of the key, or of the person.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Scopes that narrow the role.
    pub scopes: Vec<Scope>,
    /// Web origins whose pages may read the responses: those of the tenant and of the key.
    pub allowed_origins: Vec<String>,
    /// Where the request came from; the same actor asks from several places.
    pub request: RequestOrigin,
}

/// Kinds of callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A program.
    ApiKey {
        /// The key.
        api_key_id: Uuid,
        /// May stand in a web page.
        publishable: bool,
        /// Collections that it reaches; empty for those open to the whole tenant.
        collection_ids: Vec<Uuid>,
    },
    /// A person of the tenant.
    Member {
        /// The person.
        member_id: Uuid,
        /// The login of their browser; absent for a token of the issuer.
        browser_session_id: Option<Uuid>,
    },
    /// Somebody whom a customer's own server vouches for.
    EndUser {
        /// The publishable key of the widget.
        api_key_id: Uuid,
        /// Made of the key and the customer's name for the person.
        end_user_id: Uuid,
        /// Collections that the key reaches.
        collection_ids: Vec<Uuid>,
    },
}

/// Where a request came from: for the audit log and the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// Id of the request.
    pub request_id: Option<String>,
    /// Address of the client.
    pub address: Option<IpAddr>,
    /// Web origin of the page that asks, where a browser says it.
    pub web_origin: Option<String>,
}

impl Principal {
    /// What the kind of caller allows at all, whatever role and scopes say. Everybody who sees a page has its publishable
    /// key, so that it has no conversations: one visitor would read another's.
    fn may(&self, action: Action) -> bool {
        match self {
            Self::ApiKey { publishable: true, .. } => {
                matches!(action, Action::MeRead | Action::Ask | Action::SuggestionRead)
            }
            Self::EndUser { .. } => matches!(
                action,
                Action::MeRead
                    | Action::Ask
                    | Action::SuggestionRead
                    | Action::Converse
                    | Action::ConversationRead
                    | Action::FeedbackWrite
            ),
            Self::ApiKey { .. } | Self::Member { .. } => true,
        }
    }

    /// Collections that it is limited to; empty for none.
    pub fn collection_ids(&self) -> &[Uuid] {
        match self {
            Self::ApiKey { collection_ids, .. } | Self::EndUser { collection_ids, .. } => {
                collection_ids
            }
            Self::Member { .. } => &[],
        }
    }
}

impl Actor {
    /// Id that the actor's conversations and limits belong to.
    pub fn id(&self) -> Uuid {
        match self.principal {
            Principal::ApiKey { api_key_id, .. } => api_key_id,
            Principal::Member { member_id, .. } => member_id,
            Principal::EndUser { end_user_id, .. } => end_user_id,
        }
    }

    /// Passes when role and scopes allow the action.
    ///
    /// # Errors
    /// 403 that names what is missing.
    pub fn require(&self, action: Action) -> Result<&Self, ApiError> {
        if !self.principal.may(action) {
            return Err(ApiError::new(
                ProblemCode::Forbidden,
                "credentials for web pages ask questions and do nothing else; conversations need a widget token, the rest a secret key",
            ));
        }
        let rule = policy::rule(action);
        if !rule.roles.contains(&self.role) {
            let roles: Vec<String> = rule.roles.iter().map(ToString::to_string).collect();
            return Err(ApiError::new(
                ProblemCode::Forbidden,
                format!("this needs the role {}; yours is {}", roles.join(" or "), self.role),
            ));
        }
        match rule.scope {
            Some(scope) if !self.scopes.contains(&scope) => Err(ApiError::new(
                ProblemCode::Forbidden,
                format!("this needs the scope {scope}, which the credential lacks"),
            )),
            _ => Ok(self),
        }
    }

    /// Whether role and scopes allow the action, for what is shown besides.
    pub fn may(&self, action: Action) -> bool {
        self.require(action).is_ok()
    }

    /// Whether the actor sees conversations of others in the tenant.
    pub fn sees_all_sessions(&self) -> bool {
        matches!(self.role, Role::Analyst | Role::Admin | Role::Owner)
    }

    /// An entry of the audit log in the actor's name.
    pub fn audit(&self, action: &'static str) -> AuditEntry {
        let kind = match self.principal {
            Principal::ApiKey { .. } => "api_key",
            Principal::Member { .. } => "member",
            Principal::EndUser { .. } => "end_user",
        };
        let actor = AuditActor { kind, id: Some(self.id()), name: self.name.clone() };
        AuditEntry {
            request_id: self.request.request_id.clone(),
            address: self.request.address.map(|address| address.to_string()),
            ..AuditEntry::new(actor, action)
        }
    }
}
