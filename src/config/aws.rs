//! AWS: region, credentials and endpoints, under the names that AWS's own tools read. What is absent here is found as they
//! find it, e.g. by the role of the task.

use secrecy::SecretString;

use super::Env;

/// What all services of AWS share.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// `AWS_REGION`: region; default that of the profile or the instance.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`: id of an access key; default the credentials of the role.
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`: its secret.
    pub secret_access_key: Option<SecretString>,
    /// `AWS_SESSION_TOKEN`: token of its session.
    pub session_token: Option<SecretString>,
    /// `AWS_ENDPOINT_URL`: where all services are, if not at AWS.
    pub endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`: where S3 is.
    pub s3_endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`: where SQS is.
    pub sqs_endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`: where Bedrock is.
    pub bedrock_endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`: where Secrets Manager is.
    pub secrets_endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SSM`: where Systems Manager is, to which Parameter Store belongs.
    pub ssm_endpoint_url: Option<String>,
}

impl AwsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        let config = Self {
            region: env.text("AWS_REGION"),
            access_key_id: env.text("AWS_ACCESS_KEY_ID"),
            secret_access_key: env.secret("AWS_SECRET_ACCESS_KEY"),
            session_token: env.secret("AWS_SESSION_TOKEN"),
            endpoint_url: endpoint(env, "AWS_ENDPOINT_URL"),
            s3_endpoint_url: endpoint(env, "AWS_ENDPOINT_URL_S3"),
            sqs_endpoint_url: endpoint(env, "AWS_ENDPOINT_URL_SQS"),
            bedrock_endpoint_url: endpoint(env, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
            secrets_endpoint_url: endpoint(env, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            ssm_endpoint_url: endpoint(env, "AWS_ENDPOINT_URL_SSM"),
        };
        if config.access_key_id.is_some() != config.secret_access_key.is_some() {
            env.fault(
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both, or neither".to_owned(),
            );
        }
        config
    }
}

fn endpoint(env: &Env, name: &'static str) -> Option<String> {
    let address = env.text(name)?;
    if !is_address(&address) {
        env.fault(format!(
            "{name} is \"{address}\": give an address such as http://127.0.0.1:4566"
        ));
    }
    Some(address)
}

/// Whether a text begins as an address of HTTP does.
pub(super) fn is_address(text: &str) -> bool {
    ["https://", "http://"].into_iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_key_and_what_is_no_address_are_faults() {
        let env = Env::from_pairs([
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_ENDPOINT_URL_S3", "localhost:4566"),
            ("AWS_ENDPOINT_URL_SQS", "http://localhost:4566"),
        ]);
        AwsConfig::from_env(&env);
        let faults = env.finish().expect_err("two faults").faults;
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.starts_with("AWS_ENDPOINT_URL_S3 ")), "{faults:?}");
    }
}
