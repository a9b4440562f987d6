//! Where rows and originals lie.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::Env;

/// How a server is told that it is us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignInKind {
    /// By a password that stands in its address.
    #[default]
    Password,
    /// By passwords that the role of AWS signs.
    Iam,
}

impl FromStr for SignInKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "password" => Ok(Self::Password),
            "iam" => Ok(Self::Iam),
            _ => Err("give password or iam".to_owned()),
        }
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`: connection string of the role `pidima_app`; required.
    pub url: SecretString,
    /// `PIDIMA_DATABASE_AUTH`: `password` or `iam`; default password.
    pub sign_in: SignInKind,
    /// `PIDIMA_DATABASE_POOL_SIZE`: open connections of this process; default 20.
    pub pool_size: u32,
    /// `PIDIMA_DATABASE_ACQUIRE_TIMEOUT_MS`: wait for a free connection before 503; default 3000.
    pub acquire_timeout: Duration,
}

impl DatabaseConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let url = env.required("DATABASE_URL", "give the connection string of the role pidima_app");
        let sign_in = env.parse("PIDIMA_DATABASE_AUTH", SignInKind::default());
        if sign_in == SignInKind::Iam && !url.is_empty() {
            check_signed("DATABASE_URL", &url, env);
            let encrypted = ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"];
            if !encrypted.iter().any(|mode| url.contains(mode)) {
                env.fault(
                    "DATABASE_URL has no TLS, and PIDIMA_DATABASE_AUTH=iam needs it: add sslmode=verify-full (or require)"
                        .to_owned(),
                );
            }
        }
        Self {
            url: url.into(),
            sign_in,
            pool_size: env.number("PIDIMA_DATABASE_POOL_SIZE", 20, 2, 500),
            acquire_timeout: env.millis("PIDIMA_DATABASE_ACQUIRE_TIMEOUT_MS", 3_000, 100, 60_000),
        }
    }
}

/// An address whose passwords are signed names a host and a user, and no password. Never tells the address itself.
pub(super) fn check_signed(name: &str, address: &str, env: &Env) {
    let Ok(address) = Url::parse(address) else {
        return env
            .fault(format!("{name} can not be read as an address: give scheme://user@host:port/"));
    };
    if address.password().is_some() {
        env.fault(format!("{name} has a password, but passwords are signed: leave it out"));
    }
    // In the query they win over what stands before the host.
    if address.query_pairs().any(|(key, _)| ["user", "password", "host"].contains(&&*key)) {
        env.fault(format!("{name} names user, password or host behind a question mark: write scheme://user@host:port/"));
    }
    if address.username().is_empty() || address.host_str().is_none_or(str::is_empty) {
        env.fault(format!("{name} must name a user and a host, for which passwords are signed"));
    }
}

/// What keeps originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectStore {
    /// A folder.
    Directory,
    /// A bucket of Amazon S3.
    S3,
}

impl FromStr for ObjectStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "directory" => Ok(Self::Directory),
            "s3" => Ok(Self::S3),
            _ => Err("give directory or s3".to_owned()),
        }
    }
}

/// Originals of documents.
#[derive(Clone, Debug)]
pub struct ObjectsConfig {
    /// `PIDIMA_OBJECTS`: directory or s3; default directory.
    pub store: ObjectStore,
    /// `PIDIMA_OBJECTS_DIR`: folder that keeps them; default `.pidima/objects`.
    pub directory: PathBuf,
    /// The bucket, where they are kept in one.
    pub s3: S3Config,
}

/// A bucket of Amazon S3.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// `PIDIMA_OBJECTS_S3_BUCKET`: its name, or the ARN of an access point; required for s3.
    pub bucket: String,
    /// `PIDIMA_OBJECTS_S3_KMS_KEY`: key that encrypts objects; default as the bucket does it.
    pub kms_key: Option<String>,
    /// `PIDIMA_OBJECTS_S3_PART_BYTES`: above this an object is sent in parts of this size; default 8 MiB.
    pub part_bytes: usize,
    /// `PIDIMA_OBJECTS_S3_CONCURRENCY`: parts of an object sent at once; default 4.
    pub concurrency: usize,
    /// `PIDIMA_OBJECTS_S3_TIMEOUT_MS`: time for one try of a request; default 30000.
    pub timeout: Duration,
    /// `PIDIMA_OBJECTS_S3_COPY_TIMEOUT_MS`: time for one try of copying an object inside the bucket; default 600000.
    pub copy_timeout: Duration,
    /// `PIDIMA_OBJECTS_S3_TRIES`: tries of one request; default 3.
    pub tries: u32,
}

impl ObjectsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let store = env.parse("PIDIMA_OBJECTS", ObjectStore::Directory);
        Self {
            store,
            directory: env.parse("PIDIMA_OBJECTS_DIR", PathBuf::from(".pidima/objects")),
            s3: S3Config::from_env(env, store),
        }
    }
}

impl S3Config {
    fn from_env(env: &Env, store: ObjectStore) -> Self {
        let bucket = env.text("PIDIMA_OBJECTS_S3_BUCKET");
        match &bucket {
            None if store == ObjectStore::S3 => env.fault(
                "PIDIMA_OBJECTS_S3_BUCKET is not set: PIDIMA_OBJECTS=s3 needs the name of a bucket"
                    .to_owned(),
            ),
            Some(name) if name.contains('/') && !name.starts_with("arn:") => env.fault(format!(
                "PIDIMA_OBJECTS_S3_BUCKET is \"{name}\": give the bucket's name alone, without address and folder"
            )),
            _ => {}
        }
        Self {
            bucket: bucket.unwrap_or_default(),
            kms_key: env.text("PIDIMA_OBJECTS_S3_KMS_KEY"),
            // S3 takes no smaller parts than 5 MiB, but for the last.
            part_bytes: env.number("PIDIMA_OBJECTS_S3_PART_BYTES", 8 << 20, 5 << 20, 1 << 30),
            concurrency: env.number("PIDIMA_OBJECTS_S3_CONCURRENCY", 4, 1, 64),
            timeout: env.millis("PIDIMA_OBJECTS_S3_TIMEOUT_MS", 30_000, 100, 600_000),
            copy_timeout: env.millis("PIDIMA_OBJECTS_S3_COPY_TIMEOUT_MS", 600_000, 100, 3_600_000),
            tries: env.number("PIDIMA_OBJECTS_S3_TRIES", 3, 1, 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
        let env = Env::from_pairs(pairs.iter().copied());
        ObjectsConfig::from_env(&env);
        env.finish().err().map(|error| error.faults).unwrap_or_default()
    }

    #[test]
    fn a_bucket_is_wanted_by_s3_alone_and_by_its_name() {
        assert_eq!(faults(&[]), [""; 0]);
        assert_eq!(faults(&[("PIDIMA_OBJECTS", "s3"), ("PIDIMA_OBJECTS_S3_BUCKET", "b")]), [""; 0]);
        for (pairs, variable) in [
            (&[("PIDIMA_OBJECTS", "s3")][..], "PIDIMA_OBJECTS_S3_BUCKET"),
            (&[("PIDIMA_OBJECTS", "bucket")], "PIDIMA_OBJECTS "),
            (&[("PIDIMA_OBJECTS_S3_BUCKET", "s3://b")], "PIDIMA_OBJECTS_S3_BUCKET"),
            (&[("PIDIMA_OBJECTS_S3_PART_BYTES", "5242879")], "PIDIMA_OBJECTS_S3_PART_BYTES"),
        ] {
            let told = faults(pairs);
            assert!(matches!(&told[..], [fault] if fault.starts_with(variable)), "{told:?}");
        }
    }
}
