//! All parameters beneath a path of Parameter Store.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::Builder;
use tokio::sync::OnceCell;

use super::fault::Service;
use super::{Setting, SettingsSource, SourceError, SourceLimits};
use crate::adapters::aws::Aws;

/// Most parameters of one answer, which is all that the service gives.
const PAGE: i32 = 10;

/// A path. The name of a setting is what stands behind it.
#[derive(Debug)]
pub struct ParameterStore {
    aws: Aws,
    /// Begins and ends with a slash.
    path: String,
    limits: SourceLimits,
    client: OnceCell<Client>,
}

impl ParameterStore {
    /// The parameters beneath a path. Nothing is sent yet.
    pub fn new(aws: Aws, path: impl Into<String>, limits: SourceLimits) -> Self {
        Self { aws, path: path.into(), limits, client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        let patience = self.limits.patience();
        let mut config = Builder::from(self.aws.config().await)
            .retry_config(patience.retries())
            .timeout_config(patience.timeouts());
        if let Some(endpoint) = self.aws.ssm_endpoint() {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }

    fn place(&self) -> String {
        format!("the path {} of Parameter Store", self.path)
    }

    async fn read_all(&self) -> Result<Vec<Setting>, SourceError> {
        let mut settings = Vec::new();
        let mut bytes = 0;
        let mut token = None;
        loop {
            let request = self
                .client()
                .await
                .get_parameters_by_path()
                .path(&self.path)
                .recursive(true)
                .with_decryption(true)
                .max_results(PAGE)
                .set_next_token(token.take());
            let page = request
                .send()
                .await
                .map_err(|error| Service::Parameters.failed(&self.place(), &error))?;
            for parameter in page.parameters.unwrap_or_default() {
                let full = parameter.name.unwrap_or_default();
                let value = parameter.value.unwrap_or_default();
                bytes += full.len() + value.len();
                if bytes > self.limits.max_bytes {
                    return Err(self.too_large());
                }
                let name = full.strip_prefix(&self.path).unwrap_or(&full).to_owned();
                settings.push(Setting { name, value, place: format!("the parameter {full}") });
            }
            // A page may be empty and yet not the last one.
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return if settings.is_empty() { Err(self.empty()) } else { Ok(settings) };
            }
        }
    }

    fn too_large(&self) -> SourceError {
        SourceError::one(format!(
            "{} holds more than {} bytes (PIDIMA_SETTINGS_MAX_BYTES): take out what is no setting",
            self.place(),
            self.limits.max_bytes
        ))
    }

    /// A path that was mistyped must not pass for one that leaves everything as it is by default.
    fn empty(&self) -> SourceError {
        SourceError::one(format!(
            "{} holds nothing: mend PIDIMA_PARAMETERS_PATH or AWS_REGION, or put a parameter there",
            self.place()
        ))
    }
}

#[async_trait]
impl SettingsSource for ParameterStore {
    async fn read(&self) -> Result<Vec<Setting>, SourceError> {
        self.limits.in_time(&self.place(), Box::pin(self.read_all())).await
    }
}
