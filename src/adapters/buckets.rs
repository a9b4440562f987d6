//! Buckets of S3 that hold what is to become documents: listed and read with the role of this process, never written. Which
//! bucket may be read for whom is not known here.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Builder, Region, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use tokio::sync::Mutex;

use crate::adapters::aws::{Aws, Failed, Patience};

/// How the service is called in the log.
const S3: &str = "S3";
/// Tries of one request.
const TRIES: u32 = 3;

/// How much is read, and how patiently.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// Bucket that is never read so: the one where originals of all tenants lie.
    pub own: Option<String>,
    /// Time for one try of a request; all of an object may take three times as long.
    pub timeout: Duration,
    /// Longest object, in bytes.
    pub max_object_bytes: u64,
}

/// Which bucket, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    /// Name of the bucket.
    pub bucket: String,
    /// Its region; that of this process when absent.
    pub region: Option<String>,
    /// Account that it must belong to.
    pub owner_account: Option<String>,
}

/// A part of what a bucket lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Keys, in their order.
    pub keys: Vec<String>,
    /// To ask for the next part; absent at the end.
    pub next: Option<String>,
}

/// What came of asking for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// Its bytes, and what S3 calls them.
    Content(Vec<u8>, Option<String>),
    /// It is that which was known.
    NotModified,
    /// There is none of this key.
    Missing,
    /// It has more bytes than are taken.
    TooLong(u64),
}

/// Why a bucket could not be read; without S3's own words, which name roles and accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// The role may not, or the bucket belongs to somebody else.
    #[error("S3 does not let the server read it; the operator can look at the rights of its role")]
    Denied,
    /// There is no such bucket, or it is in another region.
    #[error("there is no such bucket where the operator says that it is")]
    NoBucket,
    /// The object lies in an archive of S3, from which it has to be restored first.
    #[error("the object is in an archive class of S3; restore it first")]
    Archived,
    /// S3 was not reached, or failed: worth trying again.
    #[error("S3 could not be reached, or failed")]
    Failed,
}

impl BucketError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied => "bucket_denied",
            Self::NoBucket => "bucket_missing",
            Self::Archived => "object_archived",
            Self::Failed => "bucket_failed",
        }
    }
}

/// Reads buckets.
#[derive(Debug)]
pub struct Buckets {
    aws: Aws,
    settings: BucketSettings,
    /// By region.
    clients: Mutex<HashMap<Option<String>, Client>>,
}

impl Buckets {
    /// A reader. Nothing is sent yet.
    pub fn new(aws: Aws, settings: BucketSettings) -> Self {
        Self { aws, settings, clients: Mutex::default() }
    }

    /// Whether a bucket is the one where originals lie.
    pub fn is_own(&self, bucket: &str) -> bool {
        self.settings.own.as_deref() == Some(bucket)
    }

    /// Keys that begin so, a part of them at a time.
    ///
    /// # Errors
    /// See [`BucketError`].
    pub async fn list(
        &self,
        place: &BucketPlace,
        prefix: &str,
        after: Option<String>,
    ) -> Result<Listing, BucketError> {
        let client = self.client(place).await;
        let listed = client
            .list_objects_v2()
            .bucket(&place.bucket)
            .prefix(prefix)
            .set_continuation_token(after)
            .set_expected_bucket_owner(place.owner_account.clone())
            .send()
            .await
            .map_err(|error| told(&error))?;
        let keys = listed.contents().iter().filter_map(|object| object.key().map(str::to_owned));
        let goes_on = listed.is_truncated().unwrap_or_default();
        let next = listed.next_continuation_token().filter(|_| goes_on).map(str::to_owned);
        if goes_on && next.is_none() {
            // As if it ended here: what is not listed would be taken for gone.
            return Err(BucketError::Failed);
        }
        Ok(Listing { keys: keys.collect(), next })
    }

    /// An object, unless it is the one that is known by its mark.
    ///
    /// # Errors
    /// See [`BucketError`].
    pub async fn get(
        &self,
        place: &BucketPlace,
        key: &str,
        known: Option<&str>,
    ) -> Result<Object, BucketError> {
        let time = self.settings.timeout * TRIES;
        let late = |_| Err(BucketError::Failed);
        tokio::time::timeout(time, self.fetch(place, key, known)).await.unwrap_or_else(late)
    }

    async fn fetch(
        &self,
        place: &BucketPlace,
        key: &str,
        known: Option<&str>,
    ) -> Result<Object, BucketError> {
        let client = self.client(place).await;
        let asked = client
            .get_object()
            .bucket(&place.bucket)
            .key(key)
            .set_if_none_match(known.map(str::to_owned))
            .set_expected_bucket_owner(place.owner_account.clone())
            .send()
            .await;
        match asked {
            Ok(object) => self.read(object).await,
            Err(error) => match status(&error) {
                Some(304) => Ok(Object::NotModified),
                Some(404) if error.code() != Some("NoSuchBucket") => Ok(Object::Missing),
                _ => Err(told(&error)),
            },
        }
    }

    /// Reads the body as it comes: what S3 says of its length may be less than there is.
    async fn read(&self, mut object: GetObjectOutput) -> Result<Object, BucketError> {
        let most = self.settings.max_object_bytes;
        let told = object.content_length().and_then(|length| u64::try_from(length).ok());
        if told.is_some_and(|length| length > most) {
            return Ok(Object::TooLong(most));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = object.body.try_next().await.map_err(|_| BucketError::Failed)? {
            bytes.extend_from_slice(&piece);
            if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
                return Ok(Object::TooLong(most));
            }
        }
        Ok(Object::Content(bytes, object.e_tag().map(str::to_owned)))
    }

    async fn client(&self, place: &BucketPlace) -> Client {
        let mut clients = self.clients.lock().await;
        if let Some(client) = clients.get(&place.region) {
            return client.clone();
        }
        let shared = self.aws.config().await;
        let patience = Patience { timeout: self.settings.timeout, tries: TRIES };
        let own = self.aws.s3_endpoint();
        let mut config = Builder::from(shared)
            // A stand-in has no host name for each bucket.
            .force_path_style(own.is_some() || shared.endpoint_url().is_some())
            .retry_config(patience.retries())
            .timeout_config(patience.timeouts())
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = own {
            config = config.endpoint_url(endpoint);
        }
        if let Some(region) = &place.region {
            config = config.region(Region::new(region.clone()));
        }
        let client = Client::from_conf(config.build());
        clients.insert(place.region.clone(), client.clone());
        client
    }
}

fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|raw| raw.status().as_u16())
}

/// What a refusal means. S3's own words go to the log alone.
fn told<E>(error: &SdkError<E, HttpResponse>) -> BucketError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let failed = Failed::of(S3, error);
    tracing::warn!(error = %failed, "a bucket of a source can not be read");
    match (failed.code.as_deref(), status(error)) {
        (Some("InvalidObjectState"), _) => BucketError::Archived,
        (Some("NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed"), _)
        | (_, Some(301)) => BucketError::NoBucket,
        (_, Some(401 | 403)) => BucketError::Denied,
        _ => BucketError::Failed,
    }
}
