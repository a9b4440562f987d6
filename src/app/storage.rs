//! Where originals lie and how work is handed over, as the settings say.

use std::sync::Arc;

use crate::adapters::aws::{Aws, AwsKeys, AwsSettings};
use crate::adapters::objects::{DirectoryObjects, Objects, S3Objects, S3Settings};
use crate::adapters::queue::{Queue, SqsQueue, SqsSettings};
use crate::config::{
    AwsConfig, Config, ObjectStore, ObjectsConfig, QueueKind, S3Config, SqsConfig,
};
use crate::db::{Db, PostgresQueue};

/// AWS as this process reaches it.
pub(super) fn aws(config: &AwsConfig) -> Aws {
    let keys = config.access_key_id.clone().zip(config.secret_access_key.clone());
    Aws::new(AwsSettings {
        region: config.region.clone(),
        keys: keys.map(|(id, secret)| AwsKeys {
            id,
            secret,
            session_token: config.session_token.clone(),
        }),
        endpoint: config.endpoint_url.clone(),
        s3_endpoint: config.s3_endpoint_url.clone(),
        sqs_endpoint: config.sqs_endpoint_url.clone(),
        bedrock_endpoint: config.bedrock_endpoint_url.clone(),
        secrets_endpoint: config.secrets_endpoint_url.clone(),
        ssm_endpoint: config.ssm_endpoint_url.clone(),
    })
}

/// The store of originals.
pub(super) fn objects(config: &ObjectsConfig, aws: &Aws) -> Arc<dyn Objects> {
    match config.store {
        ObjectStore::Directory => Arc::new(DirectoryObjects::new(config.directory.clone())),
        ObjectStore::S3 => Arc::new(S3Objects::new(aws.clone(), s3(&config.s3))),
    }
}

/// The queue of work.
pub(super) fn queue(config: &Config, aws: &Aws, db: &Db) -> Arc<dyn Queue> {
    match config.queue.kind {
        QueueKind::Postgres => {
            Arc::new(PostgresQueue::new(db.clone(), config.ingestion.max_in_hand))
        }
        QueueKind::Sqs => Arc::new(SqsQueue::new(aws.clone(), sqs(&config.queue.sqs))),
    }
}

fn s3(config: &S3Config) -> S3Settings {
    S3Settings {
        bucket: config.bucket.clone(),
        kms_key: config.kms_key.clone(),
        part_bytes: config.part_bytes,
        concurrency: config.concurrency,
        timeout: config.timeout,
        tries: config.tries,
    }
}

fn sqs(config: &SqsConfig) -> SqsSettings {
    SqsSettings {
        url: config.url.clone(),
        dead_url: config.dead_url.clone(),
        wait_seconds: config.wait_seconds,
        timeout: config.timeout,
        tries: config.tries,
    }
}
