//! A secret of Secrets Manager: a JSON object whose keys are the names of settings.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Builder;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::fault::Service;
use super::{Setting, SettingsSource, SourceError, SourceLimits};
use crate::adapters::aws::Aws;

/// One secret.
#[derive(Debug)]
pub struct SecretSettings {
    aws: Aws,
    /// Its ARN or name.
    id: String,
    limits: SourceLimits,
    client: OnceCell<Client>,
}

impl SecretSettings {
    /// The secret of an ARN or a name. Nothing is sent yet.
    pub fn new(aws: Aws, id: impl Into<String>, limits: SourceLimits) -> Self {
        Self { aws, id: id.into(), limits, client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        let patience = self.limits.patience();
        let mut config = Builder::from(self.aws.config().await)
            .retry_config(patience.retries())
            .timeout_config(patience.timeouts());
        if let Some(endpoint) = self.aws.secrets_endpoint() {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }

    fn place(&self) -> String {
        format!("the secret {}", self.id)
    }

    async fn fetch(&self) -> Result<Vec<Setting>, SourceError> {
        let request = self.client().await.get_secret_value().secret_id(&self.id);
        let sent = request.send().await;
        let found = sent.map_err(|error| Service::Secrets.failed(&self.place(), &error))?;
        let Some(text) = found.secret_string else {
            let place = self.place();
            return Err(SourceError::one(format!("{place} is binary: store {FORM}")));
        };
        if text.len() > self.limits.max_bytes {
            return Err(SourceError::one(format!(
                "{} is larger than {} bytes (PIDIMA_SETTINGS_MAX_BYTES): take out what is no setting",
                self.place(),
                self.limits.max_bytes
            )));
        }
        parse(&self.place(), &text)
    }
}

#[async_trait]
impl SettingsSource for SecretSettings {
    async fn read(&self) -> Result<Vec<Setting>, SourceError> {
        self.limits.in_time(&self.place(), Box::pin(self.fetch())).await
    }
}

/// What a secret must be.
const FORM: &str = "a JSON object whose keys are names of settings and whose values are texts";

/// Faults tell the place in the text and nothing that stands there.
fn parse(place: &str, text: &str) -> Result<Vec<Setting>, SourceError> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        SourceError::one(format!("{place} is no JSON at line {line} column {column}: store {FORM}"))
    })?;
    let Value::Object(pairs) = value else {
        return Err(SourceError::one(format!("{place} is no JSON object: store {FORM}")));
    };
    let mut settings = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in pairs {
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                faults.push(format!("{place} has no text at {name}: store {FORM}"));
                continue;
            }
        };
        settings.push(Setting { name, value, place: place.to_owned() });
    }
    if faults.is_empty() { Ok(settings) } else { Err(SourceError { faults }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_numbers_and_switches_are_settings() {
        let read = parse("the secret s", r#"{"A": "x", "B": 7, "C": true}"#).expect("an object");
        let values: Vec<&str> = read.iter().map(|setting| setting.value.as_str()).collect();
        assert_eq!(values, ["x", "7", "true"]);
    }

    #[test]
    fn what_is_no_object_of_texts_is_told_without_its_values() {
        let texts = [
            ("hunter2", 1),
            (r#""hunter2""#, 1),
            (r#"{"A": "hunter2""#, 1),
            (r#"["hunter2"]"#, 1),
            (r#"{"A": ["hunter2"], "B": null, "C": {"hunter2": 1}}"#, 3),
        ];
        for (text, faults) in texts {
            let error = parse("the secret s", text).expect_err(text);
            assert_eq!(error.faults.len(), faults, "{text}");
            for fault in &error.faults {
                assert!(fault.starts_with("the secret s "), "{fault}");
                assert!(!fault.contains("hunter2"), "{fault}");
            }
        }
    }
}
