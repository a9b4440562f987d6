//! The security scheme: a bearer credential, verified before anything else of a request is read.

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;

use crate::identity::{Action, Actor, Denied, Verifier};
use crate::web::problem::{ApiError, ProblemCode};

/// An API key as `Authorization: Bearer pdm_…`. It carries its tenant.
#[derive(Debug, SecurityScheme)]
#[oai(
    rename = "api_key",
    ty = "bearer",
    bearer_format = "pdm_<tenant>_<key id>_<secret>",
    checker = "check"
)]
pub struct Caller(Actor);

impl Caller {
    /// The actor, when they may do this.
    ///
    /// # Errors
    /// 403 that names the missing role or scope.
    pub fn require(&self, action: Action) -> Result<&Actor, ApiError> {
        self.0.require(action)
    }
}

async fn check(request: &Request, bearer: Bearer) -> poem::Result<Actor> {
    let verifier = request
        .data::<Verifier>()
        .ok_or_else(|| ApiError::internal(anyhow::anyhow!("no verifier in the application")))?;
    verifier.verify(&bearer.token).await.map_err(|denied| {
        match denied {
            Denied::Database(error) => ApiError::from(error),
            other => ApiError::new(ProblemCode::Unauthenticated, other.to_string()),
        }
        .into()
    })
}
