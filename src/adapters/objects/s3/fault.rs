//! What S3's refusals mean, and what to do about them.

use std::io::{Error, ErrorKind};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::super::{ObjectError, ObjectKey};
use crate::adapters::aws::Failed;

/// How the service is called in what is told.
pub(super) const S3: &str = "S3";

/// What became of a request, with the remedy where there is one.
pub(super) fn failed<E>(error: &SdkError<E, HttpResponse>) -> Failed
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let failed = Failed::of(S3, error);
    let remedy = failed.code.as_deref().and_then(remedy);
    failed.with_remedy(remedy.map(str::to_owned))
}

/// The same for the look at the bucket itself, whose refusals have a status alone.
pub(super) fn of_bucket<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let code = match status {
        Some(301 | 400) => Some("PermanentRedirect"),
        Some(403) => Some("AccessDenied"),
        Some(404) => Some("NoSuchBucket"),
        _ => None,
    };
    let remedy = code.and_then(remedy).map(str::to_owned);
    io(Failed::of(S3, error).with_remedy(remedy))
}

/// The store failed at an object: worth trying again.
pub(super) fn store(key: &ObjectKey, failed: Failed) -> ObjectError {
    ObjectError::Store { key: key.clone(), source: io(failed) }
}

/// What was read is not what was written.
pub(super) fn damaged(key: &ObjectKey) -> ObjectError {
    let told = "what was read has another SHA-256 than what was written";
    ObjectError::Store { key: key.clone(), source: Error::new(ErrorKind::InvalidData, told) }
}

fn io(failed: Failed) -> Error {
    let kind = match failed.code.as_deref() {
        _ if failed.is_late => ErrorKind::TimedOut,
        Some("AccessDenied") => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    Error::new(kind, failed)
}

fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "NoSuchBucket" => "make the bucket, or mend PIDIMA_OBJECTS_S3_BUCKET",
        "AccessDenied" => {
            "give the role s3:ListBucket and s3:ListBucketMultipartUploads on the bucket and s3:GetObject, s3:PutObject, s3:AbortMultipartUpload, s3:ListMultipartUploadParts and s3:DeleteObject on its objects"
        }
        "KMS.NotFoundException" | "KMS.DisabledException" | "InvalidArgument" => {
            "mend PIDIMA_OBJECTS_S3_KMS_KEY"
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" => "check the credentials",
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => "set AWS_REGION to the region of the bucket",
        _ => return None,
    })
}
