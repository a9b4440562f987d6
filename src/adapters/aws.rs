//! What all clients of AWS share: region, credentials, endpoints and connections, as the environment tells them.
//!
//! Nothing is asked of the network until a client is first used, so that services of AWS may come up after us. What the
//! settings leave open is found as AWS's SDKs find it everywhere: profiles, the task's role, the instance's.

mod sign_in;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Credentials, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

pub use sign_in::{PASSWORD_LIFETIME, SignInError, SignedServer};

/// For a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait before the second try of a request; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// Longest wait of all.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Words of a service that are passed on.
const MOST_MESSAGE_CHARS: usize = 300;

/// What the settings say of AWS; the SDK looks for the rest.
#[derive(Clone, Debug, Default)]
pub struct AwsSettings {
    /// Region.
    pub region: Option<String>,
    /// Credentials that do not change.
    pub keys: Option<AwsKeys>,
    /// Where services are that have no endpoint of their own here.
    pub endpoint: Option<String>,
    /// Where S3 is.
    pub s3_endpoint: Option<String>,
    /// Where SQS is.
    pub sqs_endpoint: Option<String>,
    /// Where Bedrock's runtime is.
    pub bedrock_endpoint: Option<String>,
    /// Where Secrets Manager is.
    pub secrets_endpoint: Option<String>,
    /// Where Systems Manager is, to which Parameter Store belongs.
    pub ssm_endpoint: Option<String>,
}

/// Credentials that do not change.
#[derive(Clone, Debug)]
pub struct AwsKeys {
    /// Id of the access key.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Token of a session, where the key belongs to one.
    pub session_token: Option<SecretString>,
}

/// AWS as this process reaches it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    settings: Arc<AwsSettings>,
    found: Arc<OnceCell<SdkConfig>>,
}

/// How patient a client is with one request.
#[derive(Clone, Copy, Debug)]
pub(in crate::adapters) struct Patience {
    /// Time for one try.
    pub timeout: Duration,
    /// Tries.
    pub tries: u32,
}

impl Aws {
    /// AWS by these settings.
    pub fn new(settings: AwsSettings) -> Self {
        Self { settings: Arc::new(settings), found: Arc::default() }
    }

    /// Region, credentials and connections, found once.
    pub(in crate::adapters) async fn config(&self) -> &SdkConfig {
        self.found.get_or_init(|| self.load()).await
    }

    /// Where S3 is, when it is not where AWS has it.
    pub(in crate::adapters) fn s3_endpoint(&self) -> Option<&str> {
        self.endpoint_or_all(&self.settings.s3_endpoint)
    }

    /// Where SQS is, when it is not where AWS has it.
    pub(in crate::adapters) fn sqs_endpoint(&self) -> Option<&str> {
        self.endpoint_or_all(&self.settings.sqs_endpoint)
    }

    /// Where Bedrock's runtime is, when it is not where AWS has it.
    pub(in crate::adapters) fn bedrock_endpoint(&self) -> Option<&str> {
        self.endpoint_or_all(&self.settings.bedrock_endpoint)
    }

    /// Where Secrets Manager is, when it is not where AWS has it.
    pub(in crate::adapters) fn secrets_endpoint(&self) -> Option<&str> {
        self.endpoint_or_all(&self.settings.secrets_endpoint)
    }

    /// Where Systems Manager is, when it is not where AWS has it.
    pub(in crate::adapters) fn ssm_endpoint(&self) -> Option<&str> {
        self.endpoint_or_all(&self.settings.ssm_endpoint)
    }

    fn endpoint_or_all<'a>(&'a self, own: &'a Option<String>) -> Option<&'a str> {
        own.as_deref().or(self.settings.endpoint.as_deref())
    }

    async fn load(&self) -> SdkConfig {
        let mut environment = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            // Each client says how often it tries.
            .retry_config(RetryConfig::disabled());
        if let Some(region) = &self.settings.region {
            environment = environment.region(Region::new(region.clone()));
        }
        if let Some(keys) = &self.settings.keys {
            environment = environment.credentials_provider(keys.credentials());
        }
        environment.load().await
    }
}

impl AwsKeys {
    fn credentials(&self) -> Credentials {
        let token = self.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        Credentials::new(self.id.clone(), self.secret.expose_secret(), token, None, "settings")
    }
}

impl Patience {
    pub(in crate::adapters) fn retries(self) -> RetryConfig {
        RetryConfig::standard()
            .with_max_attempts(self.tries)
            .with_initial_backoff(FIRST_WAIT)
            .with_max_backoff(LONGEST_WAIT)
    }

    pub(in crate::adapters) fn timeouts(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(self.timeout))
            .operation_attempt_timeout(self.timeout)
            .build()
    }
}

/// TLS by rustls, for every service.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

/// A request that failed, for the log and for `pidima doctor`: never the request's own words.
#[derive(Debug, thiserror::Error)]
#[error("{service} {what}")]
pub(in crate::adapters) struct Failed {
    service: &'static str,
    what: String,
    /// The service's word for it, where it answered.
    pub code: Option<String>,
    /// Whether nobody answered in time.
    pub is_late: bool,
}

impl Failed {
    /// What became of a request to `service`.
    pub(in crate::adapters) fn of<E>(
        service: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (what, is_late) = match error {
            SdkError::ServiceError(refused) => {
                let status = refused.raw().status().as_u16();
                let meta = refused.err();
                let words = [meta.code(), meta.message()].into_iter().flatten();
                let words: String = words.collect::<Vec<_>>().join(": ");
                let words: String = words.chars().take(MOST_MESSAGE_CHARS).collect();
                (format!("answered {status} {words}"), false)
            }
            SdkError::TimeoutError(_) => ("did not answer in time".to_owned(), true),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                ("did not take a connection in time".to_owned(), true)
            }
            SdkError::DispatchFailure(_) => (format!("was not reached: {}", cause(error)), false),
            SdkError::ResponseError(_) => (format!("was not understood: {}", cause(error)), false),
            _ => (format!("was not asked: {}", cause(error)), false),
        };
        let code = error.code().map(str::to_owned);
        Self { service, what, code, is_late }
    }

    /// What the service did, told by us.
    pub(in crate::adapters) fn because(service: &'static str, what: impl Into<String>) -> Self {
        Self { service, what: what.into(), code: None, is_late: false }
    }

    /// The same with what to do about it.
    pub(in crate::adapters) fn with_remedy(mut self, remedy: Option<String>) -> Self {
        if let Some(remedy) = remedy {
            self.what = format!("{}; {remedy}", self.what.trim_end());
        }
        self
    }
}

/// The innermost cause: the outer ones say "dispatch failure".
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let innermost = anyhow::Chain::new(error).last().map(ToString::to_string).unwrap_or_default();
    innermost.chars().take(MOST_MESSAGE_CHARS).collect()
}
