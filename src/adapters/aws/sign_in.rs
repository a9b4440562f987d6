//! Passwords that a role of AWS makes for itself, in place of stored ones: for Aurora and RDS, and for ElastiCache.
//!
//! Such a password is the address of a request that is signed and never sent. Making one asks the network for nothing but,
//! now and then, the role's own credentials. Sources: "IAM database authentication" in the user guide of Amazon Aurora, and
//! "Authenticating with IAM" in that of Amazon ElastiCache.

use std::iter;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::{Credentials, ProvideCredentials};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::Url;
use secrecy::SecretString;

use super::Aws;

/// How long a password is good for new connections: as long as AWS allows. Connections that are open outlive it.
pub const PASSWORD_LIFETIME: Duration = Duration::from_secs(900);

/// A server that takes such passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedServer {
    /// A cluster of Aurora, or an instance of RDS.
    Database {
        /// Its own name, not another that leads there.
        host: String,
        /// Port.
        port: u16,
        /// Role that was granted `rds_iam`.
        user: String,
    },
    /// A cache of ElastiCache.
    Cache {
        /// Id of the replication group, or name of the serverless cache.
        name: String,
        /// Id and name of the user, which must be the same.
        user: String,
        /// Whether it is a serverless one.
        is_serverless: bool,
    },
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No region is known.
    #[error("no region of AWS is known: set AWS_REGION")]
    NoRegion,
    /// No credentials were found.
    #[error(
        "no credentials of AWS were found: give the task a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// Where the credentials come from did not give them.
    #[error("the credentials of AWS could not be read: {0}")]
    Credentials(String),
    /// They can not sign.
    #[error("the password could not be signed: {0}")]
    Signing(String),
}

impl Aws {
    /// A password for a server, good for new connections during [`PASSWORD_LIFETIME`].
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn password_for(&self, server: &SignedServer) -> Result<SecretString, SignInError> {
        let config = self.config().await;
        let region = config.region().ok_or(SignInError::NoRegion)?;
        let provider = config.credentials_provider().ok_or(SignInError::NoCredentials)?;
        let credentials = provider.provide_credentials().await;
        // The outermost words only say that loading failed.
        let credentials = credentials.map_err(|error| {
            SignInError::Credentials(format!("{:#}", anyhow::Error::from(error)))
        })?;
        Ok(signed(credentials, region.as_ref(), server, SystemTime::now())?.into())
    }
}

/// The address without its scheme, with the signature in its query.
fn signed(
    credentials: Credentials,
    region: &str,
    server: &SignedServer,
    now: SystemTime,
) -> Result<String, SignInError> {
    let (service, scheme, mut address) = server.request()?;
    let unsigned = |error: &dyn std::fmt::Display| SignInError::Signing(error.to_string());
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(PASSWORD_LIFETIME);
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| unsigned(&error))?
        .into();
    let body = SignableBody::Bytes(&[]);
    let request = SignableRequest::new("GET", address.as_str(), iter::empty(), body)
        .map_err(|error| unsigned(&error))?;
    let signing = sign(request, &params).map_err(|error| unsigned(&error))?;
    let (instructions, _) = signing.into_parts();
    for (name, value) in instructions.params() {
        address.query_pairs_mut().append_pair(name, value);
    }
    Ok(address.as_str().trim_start_matches(scheme).to_owned())
}

impl SignedServer {
    /// The service that the signature is for, what stands before the host, and the request that is signed.
    fn request(&self) -> Result<(&'static str, &'static str, Url), SignInError> {
        let mut pairs = vec![("Action", "connect")];
        let (service, scheme, host) = match self {
            Self::Database { host, port, user } => {
                pairs.push(("DBUser", user));
                ("rds-db", "https://", format!("{host}:{port}"))
            }
            Self::Cache { name, user, is_serverless } => {
                pairs.push(("User", user));
                if *is_serverless {
                    pairs.push(("ResourceType", "ServerlessCache"));
                }
                ("elasticache", "http://", name.to_lowercase())
            }
        };
        let address = Url::parse_with_params(&format!("{scheme}{host}/"), pairs);
        Ok((service, scheme, address.map_err(|error| SignInError::Signing(error.to_string()))?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::UNIX_EPOCH;

    use super::*;

    /// 2026-11-27 12:00:00 UTC.
    const NOON: Duration = Duration::from_secs(1_795_780_800);

    fn password(server: &SignedServer, token: Option<&str>) -> String {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let token = token.map(str::to_owned);
        let credentials = Credentials::new("AKIDEXAMPLE", secret, token, None, "test");
        signed(credentials, "eu-central-1", server, UNIX_EPOCH + NOON).unwrap()
    }

    /// The order of what is in a query is nobody's concern.
    fn parts(password: &str) -> (String, BTreeSet<String>) {
        let (host, query) = password.split_once("/?").unwrap();
        (host.to_owned(), query.split('&').map(str::to_owned).collect())
    }

    fn assert_is(password: &str, host: &str, service: &str, more: &[&str]) {
        let credential = format!(
            "X-Amz-Credential=AKIDEXAMPLE%2F20261127%2Feu-central-1%2F{service}%2Faws4_request"
        );
        let common = [
            "Action=connect",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            credential.as_str(),
            "X-Amz-Date=20261127T120000Z",
            "X-Amz-Expires=900",
            "X-Amz-SignedHeaders=host",
        ];
        let wanted = common.iter().chain(more).map(|part| (*part).to_owned()).collect();
        assert_eq!(parts(password), (host.to_owned(), wanted));
    }

    // The signatures below are those of botocore 1.40.0 for the same keys, time and servers (`generate_presigned_url`).

    #[test]
    fn a_password_for_aurora_is_the_one_that_botocore_makes() {
        let (host, user) = ("db.example.com".to_owned(), "pidima_app".to_owned());
        let server = SignedServer::Database { host, port: 5432, user };
        assert_is(
            &password(&server, None),
            "db.example.com:5432",
            "rds-db",
            &[
                "DBUser=pidima_app",
                "X-Amz-Signature=ad0257d4ac075faaa55de438120a27af66794c86c1d55d98e1d36d1633278cee",
            ],
        );
        assert_is(
            &password(&server, Some("a/token+of=role")),
            "db.example.com:5432",
            "rds-db",
            &[
                "DBUser=pidima_app",
                "X-Amz-Security-Token=a%2Ftoken%2Bof%3Drole",
                "X-Amz-Signature=c9184fea66ce3a2c1b6f3c1bb3508f28b5a7088f1b324d11c488b0c353438ff0",
            ],
        );
    }

    #[test]
    fn a_password_for_elasticache_is_the_one_that_botocore_makes() {
        let server = |is_serverless| SignedServer::Cache {
            name: "Pidima-prod".to_owned(),
            user: "pidima".to_owned(),
            is_serverless,
        };
        assert_is(
            &password(&server(false), None),
            "pidima-prod",
            "elasticache",
            &[
                "User=pidima",
                "X-Amz-Signature=8874ba059e95c2a2705d9a580e1d8bc4b264b52272b7cb8f9ec4c62e6c33845b",
            ],
        );
        assert_is(
            &password(&server(true), None),
            "pidima-prod",
            "elasticache",
            &[
                "User=pidima",
                "ResourceType=ServerlessCache",
                "X-Amz-Signature=3114035ae9b72dd5783bac71e1580812f0ef7af70d47c496f2b6bde42d567ce5",
            ],
        );
    }
}
