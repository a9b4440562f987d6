//! What the SDK's errors mean: before the answer and inside its stream.

use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;

use chrono::Utc;

use crate::adapters::models::{ModelError, retry_after};

/// Words of the service that are passed on.
const MOST_MESSAGE_CHARS: usize = 300;

/// Why a request got no answer.
pub(in crate::adapters) fn of_request<E: ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_bedrockruntime::config::http::HttpResponse>,
) -> ModelError {
    match error {
        SdkError::ServiceError(refused) => ModelError::Status {
            code: refused.raw().status().as_u16(),
            message: words(refused.err()),
            retry_after: retry_after::read(|name| refused.raw().headers().get(name), Utc::now()),
        },
        SdkError::ResponseError(_) => {
            ModelError::Malformed("the response is not that of Bedrock".to_owned())
        }
        SdkError::TimeoutError(_) => ModelError::Connect("no connection in time".to_owned()),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().and_then(std::error::Error::source);
            ModelError::Connect(
                cause.map_or_else(|| "no connection".to_owned(), ToString::to_string),
            )
        }
        _ => ModelError::Connect(
            "the request could not be made; check region and credentials".to_owned(),
        ),
    }
}

/// Why a stream ended before its end. The codes are those with which the service answers outside a stream.
pub(super) fn of_stream<R>(error: &SdkError<ConverseStreamOutputError, R>) -> ModelError {
    let SdkError::ServiceError(failed) = error else { return ModelError::Cut };
    let code = match failed.err() {
        ConverseStreamOutputError::ThrottlingException(_) => 429,
        ConverseStreamOutputError::ServiceUnavailableException(_) => 503,
        ConverseStreamOutputError::ValidationException(_) => 400,
        // `ModelStreamErrorException` has the status 424 and may succeed when it is tried again.
        _ => 500,
    };
    ModelError::status(code, words(failed.err()))
}

fn words(error: &impl ProvideErrorMetadata) -> String {
    let text = [error.code(), error.message()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    text.chars().take(MOST_MESSAGE_CHARS).collect()
}
