//! The caller of a request, once the credential was verified.

use uuid::Uuid;

use super::policy::{self, Action, Role, Scope};
use crate::kernel::ids::TenantId;
use crate::web::problem::{ApiError, ProblemCode};

/// Who asks, for which tenant, with what rights.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Tenant of the credential: the only one whose rows can be reached.
    pub tenant: TenantId,
    /// The API key.
    pub api_key_id: Uuid,
    /// Name of the key.
    pub name: String,
    /// Role of the key.
    pub role: Role,
    /// Scopes that narrow the role.
    pub scopes: Vec<Scope>,
}

impl Actor {
    /// Passes when role and scopes allow the action.
    ///
    /// # Errors
    /// 403 that names what is missing.
    pub fn require(&self, action: Action) -> Result<&Self, ApiError> {
        let rule = policy::rule(action);
        if self.role < rule.least_role {
            return Err(ApiError::new(
                ProblemCode::Forbidden,
                format!(
                    "this needs the role {} or above; the key has {}",
                    rule.least_role, self.role
                ),
            ));
        }
        match rule.scope {
            Some(scope) if !self.scopes.contains(&scope) => Err(ApiError::new(
                ProblemCode::Forbidden,
                format!("this needs the scope {scope}, which the key lacks"),
            )),
            _ => Ok(self),
        }
    }

    /// Whether the actor sees conversations of others in the tenant.
    pub fn sees_all_sessions(&self) -> bool {
        self.role >= Role::Admin
    }
}
