//! OpenID Connect providers: where they are, and the keys that they sign with. Called by the verifier of access tokens
//! and by the login of browsers.
//!
//! It speaks to issuers and knows nothing of tenants or people. It never follows a redirect, and reads only so much and
//! waits only so long as [`OidcLimits`] says.

mod fetch;
mod key_cache;
mod metadata;
mod settings;
mod signing_key;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use key_cache::KeyCache;
use metadata::MetadataCache;

pub use fetch::OidcError;
pub use metadata::Metadata;
pub use settings::{OidcLimits, ProviderSettings};
pub use signing_key::{SigningKey, is_key_id};

/// All providers of the operator.
#[derive(Clone, Debug, Default)]
pub struct ProviderRegistry {
    providers: Arc<[Provider]>,
}

impl ProviderRegistry {
    /// A registry that has asked nobody yet; `tasks` runs the refreshing of keys.
    ///
    /// # Errors
    /// Two providers have one name or one issuer, or no HTTP client can be made.
    pub fn new(
        providers: Vec<ProviderSettings>,
        limits: OidcLimits,
        tasks: TaskTracker,
    ) -> Result<Self, OidcError> {
        let http = fetch::client(&limits)?;
        let mut made: Vec<Provider> = Vec::new();
        for settings in providers {
            let twin = made
                .iter()
                .map(Provider::settings)
                .find(|other| other.name == settings.name || other.issuer == settings.issuer);
            if let Some(other) = twin {
                return Err(OidcError::Twins {
                    one: other.name.clone(),
                    other: settings.name.clone(),
                });
            }
            made.push(Provider::new(settings, &limits, &http, &tasks));
        }
        Ok(Self { providers: made.into() })
    }

    /// The provider of a name.
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.settings().name == name)
    }

    /// The provider of an issuer, which must be written exactly as configured.
    pub fn by_issuer(&self, issuer: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.settings().issuer == issuer)
    }

    /// All providers, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter()
    }
}

/// One provider, with what was learned from it so far.
#[derive(Clone, Debug)]
pub struct Provider {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: ProviderSettings,
    limits: OidcLimits,
    http: reqwest::Client,
    tasks: TaskTracker,
    metadata: MetadataCache,
    keys: KeyCache,
}

impl Provider {
    fn new(
        settings: ProviderSettings,
        limits: &OidcLimits,
        http: &reqwest::Client,
        tasks: &TaskTracker,
    ) -> Self {
        let inner = Inner {
            settings,
            limits: limits.clone(),
            http: http.clone(),
            tasks: tasks.clone(),
            metadata: MetadataCache::default(),
            keys: KeyCache::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What the operator set.
    pub fn settings(&self) -> &ProviderSettings {
        &self.inner.settings
    }

    /// Whether groups in its tokens decide the roles of people who are members by its claims.
    pub fn decides_roles(&self) -> bool {
        self.settings().group_prefix.is_some()
    }

    /// The client to speak with the issuer: it follows no redirect and gives up in time.
    pub fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    /// Where the provider's parts are: as set, else as the provider itself says.
    ///
    /// # Errors
    /// The provider must be asked and cannot be, or its answer is not usable.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        if let Some(complete) = metadata::complete(self.settings()) {
            return Ok(Arc::new(complete));
        }
        let inner = Arc::clone(&self.inner);
        // In a task of its own: who hangs up while the provider is asked does not undo that it was asked.
        let asked = self.inner.tasks.spawn(async move {
            let Inner { metadata, settings, limits, http, .. } = &*inner;
            metadata.get(settings, limits, http).await
        });
        asked.await.map_err(|error| OidcError::interrupted(metadata::DOCUMENT, &error))?
    }

    /// Signing keys of a key id, mostly one; none when the issuer does not know it.
    ///
    /// # Errors
    /// The keys cannot be had, and none are kept from before.
    pub async fn keys(&self, kid: &str) -> Result<Vec<Arc<SigningKey>>, OidcError> {
        Ok(self.key_set(kid).await?.find(kid))
    }

    /// The issuer's key document as text, once a key id was looked for.
    ///
    /// # Errors
    /// As [`Self::keys`].
    pub async fn jwks(&self, kid: &str) -> Result<Arc<str>, OidcError> {
        Ok(self.key_set(kid).await?.document())
    }
}
