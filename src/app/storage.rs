//! Where originals lie and how work is handed over, as the settings say.

use std::sync::Arc;

use anyhow::Context;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use crate::adapters::aws::{Aws, AwsKeys, AwsSettings, SignedServer};
use crate::adapters::objects::{DirectoryObjects, Objects, S3Objects, S3Settings};
use crate::adapters::queue::{Queue, SqsQueue, SqsSettings};
use crate::adapters::redis::Redis;
use crate::config::{
    AwsConfig, Config, DatabaseConfig, ObjectStore, ObjectsConfig, QueueKind, RedisConfig,
    S3Config, SignInKind, SqsConfig,
};
use crate::db::{Db, PostgresQueue};

/// Port of PostgreSQL where none is named.
const POSTGRES: u16 = 5432;

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

/// The connection string of the database, with a password that is signed for it where none stands in it.
///
/// # Errors
/// Nothing could be signed.
pub(super) async fn database_url(
    config: &DatabaseConfig,
    aws: &Aws,
) -> anyhow::Result<SecretString> {
    if config.sign_in == SignInKind::Password {
        return Ok(config.url.clone());
    }
    let mut url = Url::parse(config.url.expose_secret()).context("DATABASE_URL is no address")?;
    let server = SignedServer::Database {
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port().unwrap_or(POSTGRES),
        user: url.username().to_owned(),
    };
    let password = aws.password_for(&server).await.context("PIDIMA_DATABASE_AUTH=iam")?;
    // It holds `%2F` and the like, which must arrive as they are: whoever reads the address decodes it once, and `Url` encodes
    // everything but the sign itself. Refused for addresses without a host, which settings are not.
    let _ = url.set_password(Some(&password.expose_secret().replace('%', "%25")));
    Ok(String::from(url).into())
}

/// Redis as the settings say it is to be signed in to.
pub(super) fn signed_in(redis: Redis, config: &RedisConfig, aws: &Aws) -> Redis {
    if config.sign_in == SignInKind::Password {
        return redis;
    }
    let url = config.url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
    let server = SignedServer::Cache {
        name: config.iam_cache.clone(),
        user: url.map(|url| url.username().to_owned()).unwrap_or_default(),
        is_serverless: config.is_serverless,
    };
    redis.signed_in(aws.clone(), server)
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
        copy_timeout: config.copy_timeout,
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
