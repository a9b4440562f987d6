//! Services of AWS: what the embedded defaults do, S3 and SQS do too, against ministack; and what happens when they fail.

mod faults;
mod objects;
pub mod proxy;
mod queue;
mod queue_sqs;
mod sign_in;
mod whole;

use std::process::Child;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use pidima::adapters::aws::{Aws, AwsKeys, AwsSettings};
use pidima::adapters::objects::{S3Objects, S3Settings};
use pidima::adapters::queue::{SqsQueue, SqsSettings};
use uuid::Uuid;

use crate::support::issuers::ministack;

pub const REGION: &str = "eu-central-1";

/// The stand-in of all services: one process for all tests, buckets, queues, secrets and parameters for each.
pub struct StandIn {
    pub address: String,
    _process: Child,
}

/// The two queues of a test.
#[derive(Clone)]
pub struct Queues {
    pub url: String,
    pub dead_url: String,
}

impl StandIn {
    pub async fn shared() -> &'static Self {
        static STAND_IN: OnceLock<StandIn> = OnceLock::new();
        let start = || {
            let (address, process) = ministack("s3,sqs,secretsmanager,ssm");
            StandIn { address, _process: process }
        };
        tokio::task::spawn_blocking(move || STAND_IN.get_or_init(start)).await.unwrap()
    }

    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.address)
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.address)
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.address)
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    pub fn ssm(&self) -> aws_sdk_ssm::Client {
        let config = aws_sdk_ssm::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.address)
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_ssm::Client::from_conf(config)
    }

    /// A new bucket.
    pub async fn bucket(&self) -> String {
        let name = format!("pidima-{}", Uuid::new_v4().simple());
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(REGION.into())
            .build();
        let request = self.s3().create_bucket().bucket(&name).create_bucket_configuration(place);
        request.send().await.unwrap();
        name
    }

    /// A new queue, and one for its dead letters.
    pub async fn queues(&self) -> Queues {
        let name = format!("pidima-{}", Uuid::new_v4().simple());
        let make = async |name: String| {
            let made = self.sqs().create_queue().queue_name(name).send().await.unwrap();
            made.queue_url.unwrap()
        };
        Queues { url: make(name.clone()).await, dead_url: make(format!("{name}-dead")).await }
    }

    /// Bodies of the dead letters.
    pub async fn dead(&self, queues: &Queues) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let request = self.sqs().receive_message().queue_url(&queues.dead_url);
            let found = request.max_number_of_messages(10).send().await.unwrap();
            let found = found.messages.unwrap_or_default();
            if found.is_empty() {
                return bodies;
            }
            bodies.extend(found.into_iter().map(|message| message.body.unwrap()));
        }
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Settings of the service for a bucket that is reached at `address`.
    pub fn objects_settings(address: &str, bucket: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_ENDPOINT_URL", address.to_owned()),
            ("PIDIMA_OBJECTS", "s3".to_owned()),
            ("PIDIMA_OBJECTS_S3_BUCKET", bucket.to_owned()),
            ("PIDIMA_OBJECTS_S3_TIMEOUT_MS", "5000".to_owned()),
            ("PIDIMA_OBJECTS_S3_TRIES", "2".to_owned()),
        ]
    }

    /// Settings of the service for a bucket and queues that are reached at `address`.
    pub fn settings(address: &str, bucket: &str, queues: &Queues) -> Vec<(&'static str, String)> {
        let mut settings = Self::objects_settings(address, bucket);
        settings.extend([
            ("PIDIMA_QUEUE", "sqs".to_owned()),
            ("PIDIMA_QUEUE_SQS_URL", queues.url.clone()),
            ("PIDIMA_QUEUE_SQS_DEAD_URL", queues.dead_url.clone()),
            ("PIDIMA_QUEUE_SQS_TRIES", "2".to_owned()),
        ]);
        settings
    }
}

/// AWS at an address.
pub fn aws(address: &str) -> Aws {
    let keys =
        AwsKeys { id: "test".to_owned(), secret: "test".to_owned().into(), session_token: None };
    Aws::new(AwsSettings {
        region: Some(REGION.to_owned()),
        keys: Some(keys),
        endpoint: Some(address.to_owned()),
        ..AwsSettings::default()
    })
}

fn s3_settings(bucket: &str) -> S3Settings {
    S3Settings {
        bucket: bucket.to_owned(),
        kms_key: None,
        part_bytes: 5 << 20,
        concurrency: 3,
        timeout: Duration::from_secs(20),
        copy_timeout: Duration::from_secs(20),
        tries: 2,
    }
}

fn objects_at(address: &str, bucket: &str) -> S3Objects {
    S3Objects::new(aws(address), s3_settings(bucket))
}

fn sqs_settings(queues: &Queues) -> SqsSettings {
    SqsSettings {
        url: queues.url.clone(),
        dead_url: queues.dead_url.clone(),
        wait_seconds: 0,
        timeout: Duration::from_secs(20),
        tries: 3,
    }
}

fn queue_at(address: &str, queues: &Queues) -> SqsQueue {
    SqsQueue::new(aws(address), sqs_settings(queues))
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
