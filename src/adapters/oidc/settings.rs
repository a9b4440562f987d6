//! What the registry is told: the providers as the operator set them up, and the limits on what is asked of them.

use std::time::Duration;

use secrecy::SecretString;

/// One provider. The fields are those of the settings `PIDIMA_OIDC_<NAME>_*`.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Name by which tenants choose it.
    pub name: String,
    /// The issuer, exactly as its tokens say it.
    pub issuer: String,
    /// Client of the browser login; access tokens must be for it.
    pub client_id: String,
    /// Secret of that client; absent for a public client.
    pub client_secret: Option<SecretString>,
    /// Further clients or audiences whose access tokens are let in.
    pub audiences: Vec<String>,
    /// Where the metadata are; below the issuer when absent.
    pub discovery_url: Option<String>,
    /// Where the keys are; from the metadata when absent.
    pub jwks_uri: Option<String>,
    /// Where a login begins; from the metadata when absent.
    pub authorization_endpoint: Option<String>,
    /// Where a code becomes tokens; from the metadata when absent.
    pub token_endpoint: Option<String>,
    /// Where a logout goes; from the metadata when absent.
    pub end_session_endpoint: Option<String>,
    /// Scopes of a browser login.
    pub scopes: Vec<String>,
    /// Claim that names the tenant; absent: no claim does.
    pub tenant_claim: Option<String>,
    /// Claim that lists groups.
    pub groups_claim: String,
    /// What groups that make members begin with; absent: groups decide nothing.
    pub group_prefix: Option<String>,
    /// Public client with which the Swagger page logs in.
    pub swagger_client_id: Option<String>,
}

/// How much is asked of an issuer, and how long its answers hold.
#[derive(Clone, Debug)]
pub struct OidcLimits {
    /// Time for one document, from the connection to its last byte.
    pub timeout: Duration,
    /// Largest document, in bytes.
    pub max_document_bytes: usize,
    /// Most keys of an issuer; a document with more is refused.
    pub max_keys: usize,
    /// After an answer that did not help, the issuer is left alone this long.
    pub pause: Duration,
    /// Keys older than this are fetched anew in the background.
    pub refresh_after: Duration,
    /// Keys older than this are waited for, so that a key that was withdrawn while nobody asked is not taken.
    pub wait_after: Duration,
    /// Keys older than this are not used, even when the issuer is away.
    pub stale_for: Duration,
    /// Metadata older than this are fetched anew; the old ones hold while that fails.
    pub metadata_for: Duration,
}

impl Default for OidcLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3),
            max_document_bytes: 64 * 1024,
            max_keys: 20,
            pause: Duration::from_secs(10),
            refresh_after: Duration::from_secs(3_600),
            wait_after: Duration::from_secs(2 * 3_600),
            stale_for: Duration::from_secs(24 * 3_600),
            metadata_for: Duration::from_secs(24 * 3_600),
        }
    }
}
