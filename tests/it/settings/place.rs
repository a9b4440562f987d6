//! The places that settings stand in, each filled by its own means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use pidima::adapters::settings::{
    EnvFile, ParameterStore, SecretSettings, SettingsSource, SourceLimits,
};
use pidima::app::Sources;
use serde_json::json;
use uuid::Uuid;

use crate::aws::{StandIn, aws};

pub const LIMITS: SourceLimits =
    SourceLimits { timeout: Duration::from_secs(20), tries: 2, max_bytes: 65_536 };

#[derive(Clone, Debug)]
enum Kind {
    File(PathBuf),
    Secret(String),
    Parameters(String),
}

/// A place of a test's own.
#[derive(Clone, Debug)]
pub struct Place {
    kind: Kind,
    /// Where its service is.
    pub address: String,
}

impl Place {
    pub async fn file_place() -> Self {
        let path = std::env::temp_dir().join(format!("pidima-settings-{}.env", Uuid::new_v4()));
        Self { kind: Kind::File(path), address: StandIn::shared().await.address.clone() }
    }

    pub async fn secret() -> Self {
        let kind = Kind::Secret(format!("pidima/{}", Uuid::new_v4().simple()));
        Self { kind, address: StandIn::shared().await.address.clone() }
    }

    pub async fn parameters() -> Self {
        let kind = Kind::Parameters(format!("/pidima/{}/", Uuid::new_v4().simple()));
        Self { kind, address: StandIn::shared().await.address.clone() }
    }

    /// One of each kind.
    pub async fn all() -> [Self; 3] {
        [Self::file_place().await, Self::secret().await, Self::parameters().await]
    }

    pub fn kind(&self) -> String {
        format!("{:?}", self.kind)
    }

    pub fn is_outside(&self) -> bool {
        !matches!(self.kind, Kind::File(_))
    }

    /// What names it to the program.
    pub fn id(&self) -> String {
        match &self.kind {
            Kind::File(path) => path.display().to_string(),
            Kind::Secret(id) => id.clone(),
            Kind::Parameters(path) => path.clone(),
        }
    }

    /// How a fault of a setting names it.
    pub fn of(&self, name: &str) -> String {
        match &self.kind {
            Kind::File(path) => format!("({}:", path.display()),
            Kind::Secret(id) => format!("(the secret {id})"),
            Kind::Parameters(path) => format!("(the parameter {path}{})", parameter(name)),
        }
    }

    pub fn file(&self) -> EnvFile {
        let Kind::File(path) = &self.kind else { panic!("{self:?} is no file") };
        EnvFile::at(path)
    }

    /// The source, whose service is reached at an address.
    pub fn outside(&self, address: &str) -> Arc<dyn SettingsSource> {
        self.limited(address, LIMITS)
    }

    pub fn limited(&self, address: &str, limits: SourceLimits) -> Arc<dyn SettingsSource> {
        match &self.kind {
            Kind::File(path) => Arc::new(EnvFile::at(path)),
            Kind::Secret(id) => Arc::new(SecretSettings::new(aws(address), id, limits)),
            Kind::Parameters(path) => Arc::new(ParameterStore::new(aws(address), path, limits)),
        }
    }

    /// It alone.
    pub fn sources(&self, address: &str) -> Sources {
        match &self.kind {
            Kind::File(_) => Sources::default().then_machine(self.file()),
            _ => Sources::default().then_outside(vec![self.outside(address)]),
        }
    }

    /// Has these settings and no others from now on.
    pub async fn put(&self, pairs: &[(&str, &str)]) {
        match &self.kind {
            Kind::File(path) => {
                let lines: Vec<String> =
                    pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
                std::fs::write(path, lines.concat()).unwrap();
            }
            Kind::Secret(_) => {
                let object: serde_json::Map<String, serde_json::Value> =
                    pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                self.put_text(&json!(object).to_string()).await;
            }
            Kind::Parameters(path) => put_parameters(path, pairs).await,
        }
    }

    /// What is wrong with it in its own way: a text that is none of its form.
    pub async fn put_text(&self, text: &str) {
        match &self.kind {
            Kind::File(path) => std::fs::write(path, text).unwrap(),
            Kind::Secret(id) => {
                let client = StandIn::shared().await.secrets();
                let made = client.create_secret().name(id).secret_string(text).send().await;
                if made.is_err() {
                    let put = client.put_secret_value().secret_id(id).secret_string(text);
                    put.send().await.unwrap();
                }
            }
            Kind::Parameters(_) => panic!("parameters have no form"),
        }
    }
}

/// A flag has a path of its own.
fn parameter(name: &str) -> String {
    match name.strip_prefix("PIDIMA_FLAG_") {
        Some(flag) => format!("flags/{}", flag.to_lowercase()),
        None => name.to_owned(),
    }
}

async fn put_parameters(path: &str, pairs: &[(&str, &str)]) {
    let client = StandIn::shared().await.ssm();
    let listed = client.get_parameters_by_path().path(path).recursive(true).send().await.unwrap();
    let names: Vec<String> =
        pairs.iter().map(|(name, _)| format!("{path}{}", parameter(name))).collect();
    for old in listed.parameters() {
        let old = old.name().unwrap();
        if !names.iter().any(|name| name == old) {
            client.delete_parameter().name(old).send().await.unwrap();
        }
    }
    for (name, (_, value)) in names.iter().zip(pairs) {
        let put = client.put_parameter().name(name).value(*value).overwrite(true);
        put.r#type(ParameterType::SecureString).send().await.unwrap();
    }
}
