//! Turns every error of handlers and framework into a problem (RFC 9457).

use poem::error::{MethodNotAllowedError, NotFoundError, ParseMultipartError as NoForm};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Error, IntoResponse, Middleware, Request, Response, Result};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};

use super::allow::AllowedMethods;
use super::observe::request_id;
use crate::web::body::{explain, invalid_value};
use crate::web::problem::{ApiError, ProblemCode};

/// The layer.
pub struct Problems {
    /// Which methods each path has.
    pub allowed: AllowedMethods,
}

impl<E: Endpoint> Middleware<E> for Problems {
    type Output = ProblemsEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ProblemsEndpoint { allowed: self.allowed.clone(), inner }
    }
}

pub struct ProblemsEndpoint<E> {
    allowed: AllowedMethods,
    inner: E,
}

impl<E: Endpoint> Endpoint for ProblemsEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let id = request_id(&request);
        let path = request.uri().path().to_owned();
        let error = match self.inner.call(request).await {
            Ok(output) => return Ok(output.into_response()),
            Err(error) => error,
        };
        let mut response = respond(error, id.as_deref());
        if response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Some(methods) = self.allowed.of(&path)
            && let Ok(value) = HeaderValue::from_str(methods)
        {
            response.headers_mut().insert(header::ALLOW, value);
        }
        Ok(response)
    }
}

fn respond(error: Error, request_id: Option<&str>) -> Response {
    if let Some(api) = error.downcast_ref::<ApiError>() {
        if let Some(cause) = api.cause() {
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        return api.response(request_id);
    }
    translate(&error).response(request_id)
}

/// What a framework's error means to a client.
fn translate(error: &Error) -> ApiError {
    if error.is::<NotFoundError>() {
        return ApiError::new(
            ProblemCode::NotFound,
            "there is no such path; /docs lists what there is",
        );
    }
    if error.is::<MethodNotAllowedError>() {
        return ApiError::new(
            ProblemCode::MethodNotAllowed,
            "the path has no such method; /docs lists what there is",
        );
    }
    if error.is::<AuthorizationError>() {
        return ApiError::new(
            ProblemCode::Unauthenticated,
            "send an API key as Authorization: Bearer pdm_…",
        );
    }
    if let Some(cause) = error.downcast_ref::<ContentTypeError>() {
        return ApiError::new(ProblemCode::UnsupportedMediaType, cause.to_string());
    }
    if error.is::<ParsePathError>() {
        // An id that is no id is an id that does not exist.
        return ApiError::new(
            ProblemCode::NotFound,
            "the address holds something that is no id; check it",
        );
    }
    if let Some(cause) = error.downcast_ref::<ParseParamError>() {
        return ApiError::invalid(cause.name, explain(&cause.reason));
    }
    if let Some(cause) = error.downcast_ref::<ParseMultipartError>() {
        return invalid_form(&cause.reason);
    }
    if let Some(cause) = error.downcast_ref::<NoForm>() {
        return match cause {
            NoForm::InvalidContentType(_) | NoForm::ContentTypeRequired => {
                ApiError::new(ProblemCode::UnsupportedMediaType, cause.to_string())
            }
            _ => invalid_form(&cause.to_string()),
        };
    }
    if let Some(cause) = error.downcast_ref::<ParseRequestPayloadError>() {
        return ApiError::new(ProblemCode::MalformedRequest, cause.reason.clone());
    }
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(ProblemCode::PayloadTooLarge, "the body is too large")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::new(ProblemCode::UnsupportedMediaType, error.to_string())
        }
        status if status.is_client_error() => {
            ApiError::new(ProblemCode::MalformedRequest, error.to_string())
        }
        _ => ApiError::internal(anyhow::anyhow!("{error}")),
    }
}

/// 422 when a field of a form is not acceptable; 400 when the form is none.
fn invalid_form(reason: &str) -> ApiError {
    if reason.contains("field `") {
        return invalid_value(reason);
    }
    ApiError::new(
        ProblemCode::MalformedRequest,
        format!(
            "the form can not be read: {reason}; send multipart/form-data with a field \"file\""
        ),
    )
}
