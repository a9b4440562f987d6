//! What refusals of Secrets Manager and Parameter Store mean, and what to do about them.

use aws_sdk_ssm::config::http::HttpResponse;
use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

use super::SourceError;
use crate::adapters::aws::Failed;

/// Which of the two services.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    Secrets,
    Parameters,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Secrets => "Secrets Manager",
            Self::Parameters => "Parameter Store",
        }
    }

    /// A request about a place failed.
    pub fn failed<E>(self, place: &str, error: &SdkError<E, HttpResponse>) -> SourceError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failed = Failed::of(self.name(), error);
        let remedy = failed.code.as_deref().and_then(|code| self.remedy(code));
        let failed = failed.with_remedy(Some(remedy.unwrap_or(self.ways_out()).to_owned()));
        SourceError::one(format!("{place} was not read: {failed}"))
    }

    fn remedy(self, code: &str) -> Option<&'static str> {
        // The service words some with a prefix of its own.
        let code = code.rsplit(['.', '#']).next().unwrap_or(code);
        Some(match (self, code) {
            (Self::Secrets, "AccessDeniedException") => {
                "give the role secretsmanager:GetSecretValue on the secret and kms:Decrypt on its key"
            }
            (Self::Parameters, "AccessDeniedException") => {
                "give the role ssm:GetParametersByPath on the path and kms:Decrypt on the key of its parameters"
            }
            (Self::Secrets, "ResourceNotFoundException") => {
                "make the secret, or mend PIDIMA_SECRETS or AWS_REGION"
            }
            (Self::Secrets, "InvalidRequestException") => {
                "it has no value or is being deleted: give it one, restore it, or mend PIDIMA_SECRETS"
            }
            (_, "DecryptionFailure" | "DecryptionFailureException" | "InvalidKeyId") => {
                "see that its key of KMS is enabled, and give the role kms:Decrypt on it"
            }
            (Self::Secrets, "InvalidParameterException" | "ValidationException") => {
                "mend PIDIMA_SECRETS"
            }
            (Self::Parameters, "ValidationException") => "mend PIDIMA_PARAMETERS_PATH",
            (
                _,
                "UnrecognizedClientException"
                | "InvalidSignatureException"
                | "ExpiredTokenException"
                | "IncompleteSignature",
            ) => "check the credentials",
            _ => return None,
        })
    }

    /// Where nothing better is known.
    fn ways_out(self) -> &'static str {
        match self {
            Self::Secrets => {
                "see that the service can be reached (AWS_REGION, AWS_ENDPOINT_URL_SECRETS_MANAGER, the network), or take PIDIMA_SECRETS out"
            }
            Self::Parameters => {
                "see that the service can be reached (AWS_REGION, AWS_ENDPOINT_URL_SSM, the network), or take PIDIMA_PARAMETERS_PATH out"
            }
        }
    }
}
