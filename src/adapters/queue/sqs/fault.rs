//! What SQS's refusals mean, and what to do about them.

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::adapters::aws::Failed;
use crate::adapters::queue::QueueError;

/// How the service is called in what is told.
const SQS: &str = "SQS";

/// SQS took a request and refused a message of it.
pub(super) fn of_entry(code: &str, message: Option<&str>) -> Failed {
    Failed::because(SQS, format!("refused a message: {code} {}", message.unwrap_or_default()))
}

/// What became of a request, with the remedy where there is one.
pub(super) fn of_request<E>(error: &SdkError<E, HttpResponse>) -> Failed
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let failed = Failed::of(SQS, error);
    let remedy = failed.code.as_deref().and_then(remedy);
    failed.with_remedy(remedy.map(str::to_owned))
}

/// The same as an error of the queue.
pub(super) fn failed<E>(error: &SdkError<E, HttpResponse>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    QueueError::Unavailable(Box::new(of_request(error)))
}

/// Whether the receipt holds nothing any more: another worker has the message, or it is gone.
pub(super) fn is_lost<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    // SQS words it in three ways, the last of them for a message whose visibility has ended.
    let code = error.code().map(|code| code.rsplit('.').next().unwrap_or(code));
    matches!(code, Some("MessageNotInflight" | "ReceiptHandleIsInvalid" | "InvalidParameterValue"))
}

fn remedy(code: &str) -> Option<&'static str> {
    let code = code.rsplit('.').next().unwrap_or(code);
    Some(match code {
        "QueueDoesNotExist" | "NonExistentQueue" | "InvalidAddress" => {
            "make the queue, or mend PIDIMA_QUEUE_SQS_URL, PIDIMA_QUEUE_SQS_DEAD_URL or AWS_REGION"
        }
        "AccessDenied" | "AccessDeniedException" => {
            "give the role sqs:SendMessage, sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on both queues"
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "ExpiredToken" => {
            "check the credentials"
        }
        _ => return None,
    })
}
