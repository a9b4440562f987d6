//! Responses that may be given again, byte for byte.

use std::marker::PhantomData;

use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaResponses, Registry};
use poem_openapi::types::Type;

use crate::db::TenantTx;
use crate::db::idempotency::{Kept, Outcome};
use crate::web::problem::{ApiError, ProblemCode};

/// Header of a response that was given before.
pub const REPLAYED_HEADER: &str = "Idempotency-Replayed";

/// A response of type `T`, made now or before.
#[derive(Debug)]
pub struct Replayable<T> {
    response: Response,
    of: PhantomData<fn() -> T>,
}

impl<T> Replayable<T> {
    /// Commits the transaction together with its response, so that the response can be given again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn commit(tx: TenantTx, response: T) -> Result<Self, ApiError>
    where
        T: IntoResponse,
    {
        let outcome = outcome_of(response.into_response()).await?;
        tx.commit_outcome(&outcome).await?;
        Ok(Self::anew(outcome))
    }

    /// The same for a response with a secret, which is shown once and never stored: who asks again is told what it was for,
    /// by the path of it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn commit_secret(tx: TenantTx, response: T, of: String) -> Result<Self, ApiError>
    where
        T: IntoResponse,
    {
        let shown = outcome_of(response.into_response()).await?;
        tx.commit_outcome(&Outcome::of_secret(shown.status, of)).await?;
        Ok(Self::anew(shown))
    }

    /// The response to a request that was just carried out.
    pub fn anew(outcome: Outcome) -> Self {
        Self { response: response(outcome), of: PhantomData }
    }

    /// The response to a request that was carried out before.
    ///
    /// # Errors
    /// The response held a secret.
    pub fn before(kept: Kept) -> Result<Self, ApiError> {
        if kept.outcome.secret_of.is_some() {
            return Err(secret_was_shown(&kept));
        }
        Ok(Self::of(response(kept.outcome), true))
    }

    /// The same with a header, which is not kept: who answers a request that came before gives it again.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    /// A response that was made some other way; `replayed` marks it as one to a request that came before.
    pub fn of(response: impl IntoResponse, replayed: bool) -> Self {
        let mut response = response.into_response();
        if replayed {
            let name = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(name, HeaderValue::from_static("true"));
        }
        Self { response, of: PhantomData }
    }
}

impl<T> IntoResponse for Replayable<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T: ApiResponse> ApiResponse for Replayable<T> {
    fn meta() -> MetaResponses {
        let mut meta = T::meta();
        for response in &mut meta.responses {
            response.headers.push(MetaHeader {
                name: REPLAYED_HEADER.to_owned(),
                description: Some(
                    "`true` when the request came before under this `Idempotency-Key`: nothing was done again".to_owned(),
                ),
                required: false,
                deprecated: false,
                schema: bool::schema_ref(),
            });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 409 to a request that was carried out and whose response held a secret.
pub fn secret_was_shown(kept: &Kept) -> ApiError {
    let path = kept.outcome.secret_of.as_deref().unwrap_or_default();
    let at = kept.at.to_rfc3339();
    let detail = format!(
        "this request was carried out at {at}; the secret that it made for {path} stood in that one answer and can not be shown again. If the answer was lost, the page on API conventions of the handbook says how to come by another"
    );
    ApiError::new(ProblemCode::AlreadyDone, detail).at(path)
}

/// Status and body of a response, to be kept.
///
/// # Errors
/// The body is no text, which none of ours is.
async fn outcome_of(response: Response) -> Result<Outcome, ApiError> {
    let status = response.status().as_u16();
    let body = response.into_body().into_string().await.map_err(ApiError::internal)?;
    Ok(Outcome { status, body: (!body.is_empty()).then_some(body), ..Outcome::default() })
}

fn response(outcome: Outcome) -> Response {
    let status = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::OK);
    let response = Response::builder().status(status);
    match outcome.body {
        Some(body) => response.content_type("application/json; charset=utf-8").body(body),
        None => response.finish(),
    }
}
