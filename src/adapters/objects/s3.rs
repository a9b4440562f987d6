//! Objects in a bucket of Amazon S3.
//!
//! Every object is written with its SHA-256, which S3 compares with what arrived, and which is compared again when the
//! object is read. Large objects go in parts; of an object that was not written whole nothing is kept.

mod downloads;
mod fault;
mod parts;
mod uploads;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use self::fault::{S3, damaged, failed, store};
use super::{
    Download, ObjectError, ObjectKey, Objects, PartPlace, StoreUpload, StoredPart, WantedPart,
};
use crate::adapters::aws::{Aws, Failed, Patience};

/// Name under which an object's own metadata hold its SHA-256 in hexadecimal digits: of an object in parts S3 knows only
/// that of its parts.
const DIGEST: &str = "sha256";
/// Asks S3 for the checksum that it keeps. The SDK's own way would warn of each object in parts.
const CHECKSUM_MODE: &str = "x-amz-checksum-mode";

/// Most bytes for which there is room before any of an object has come.
const MOST_AHEAD: usize = 256 << 20;

/// Which bucket, and how it is written to.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket's name, or the ARN of an access point.
    pub bucket: String,
    /// Key of KMS that encrypts objects; as the bucket does it when absent.
    pub kms_key: Option<String>,
    /// Largest object that is sent in one request, and size of the parts of larger ones, in bytes.
    pub part_bytes: usize,
    /// Parts of an object that are sent at once.
    pub concurrency: usize,
    /// Time for one try of a request, and for silence while an object is read.
    pub timeout: Duration,
    /// Time for one try of copying an object, of which S3 answers when it is done.
    pub copy_timeout: Duration,
    /// Tries of a request.
    pub tries: u32,
}

/// A bucket that keeps objects.
#[derive(Debug)]
pub struct S3Objects {
    aws: Aws,
    settings: S3Settings,
    client: OnceCell<Client>,
}

impl S3Objects {
    /// Objects of a bucket. Nothing is sent yet.
    pub fn new(aws: Aws, settings: S3Settings) -> Self {
        Self { aws, settings, client: OnceCell::new() }
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        let shared = self.aws.config().await;
        let patience = Patience { timeout: self.settings.timeout, tries: self.settings.tries };
        let own = self.aws.s3_endpoint();
        let mut config = Builder::from(shared)
            // A stand-in has no host name for each bucket.
            .force_path_style(own.is_some() || shared.endpoint_url().is_some())
            .retry_config(patience.retries())
            .timeout_config(patience.timeouts())
            // Checksums are given with each request and compared here.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(endpoint) = own {
            config = config.endpoint_url(endpoint);
        }
        Client::from_conf(config.build())
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.settings.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }

    async fn put_whole(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), Failed> {
        let digest = Sha256::digest(&bytes);
        self.client()
            .await
            .put_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .metadata(DIGEST, hex::encode(digest))
            .checksum_sha256(STANDARD.encode(digest))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.settings.kms_key.clone())
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn open(&self, key: &ObjectKey) -> Result<GetObjectOutput, ObjectError> {
        let got = self
            .client()
            .await
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .customize()
            .mutate_request(|request| {
                request.headers_mut().insert(CHECKSUM_MODE, "ENABLED");
            })
            .send()
            .await;
        got.map_err(|error| unread(key, &error))
    }

    /// Reads the body piece by piece: time is measured from one to the next, since an object may be large.
    async fn read_body(
        &self,
        key: &ObjectKey,
        mut body: ByteStream,
        see: &mut (dyn for<'a> FnMut(&'a [u8]) + Send),
    ) -> Result<(), ObjectError> {
        loop {
            match tokio::time::timeout(self.settings.timeout, body.try_next()).await {
                Ok(Ok(Some(piece))) => see(&piece),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => {
                    return Err(store(key, Failed::because(S3, format!("broke off: {error}"))));
                }
                Err(_) => {
                    let mut late = Failed::because(S3, "fell silent in the middle of an object");
                    late.is_late = true;
                    return Err(store(key, late));
                }
            }
        }
    }
}

/// What is wrong with an object that was to be read.
fn unread(key: &ObjectKey, error: &SdkError<GetObjectError>) -> ObjectError {
    let is_missing = error.as_service_error().is_some_and(GetObjectError::is_no_such_key);
    if is_missing { ObjectError::Missing(key.clone()) } else { store(key, failed(error)) }
}

/// The digests that the object must have: the one that we wrote, and the one that S3 knows of a whole object.
fn is_whole(got: &Expected, bytes: &[u8]) -> bool {
    let digest = Sha256::digest(bytes);
    got.ours.as_ref().is_none_or(|ours| *ours == hex::encode(digest))
        && got.theirs.as_ref().is_none_or(|theirs| *theirs == STANDARD.encode(digest))
}

/// Room to begin with for an object of that length: whole files are large, and a buffer that grows holds them twice at times.
fn room_for(length: Option<i64>) -> usize {
    length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default().min(MOST_AHEAD)
}

struct Expected {
    ours: Option<String>,
    theirs: Option<String>,
}

impl Expected {
    fn of(got: &GetObjectOutput) -> Self {
        // "digest-3" is the digest of the digests of three parts.
        let whole = got.checksum_sha256().filter(|digest| !digest.contains('-'));
        Self {
            ours: got.metadata().and_then(|own| own.get(DIGEST)).cloned(),
            theirs: whole.map(str::to_owned),
        }
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        let bytes = Bytes::from(bytes);
        let written = if bytes.len() <= self.settings.part_bytes {
            self.put_whole(key, bytes).await
        } else {
            self.put_in_parts(key, bytes).await
        };
        written.map_err(|error| store(key, error))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        let got = self.open(key).await?;
        let expected = Expected::of(&got);
        let mut bytes = Vec::with_capacity(room_for(got.content_length()));
        self.read_body(key, got.body, &mut |piece| bytes.extend_from_slice(piece)).await?;
        if is_whole(&expected, &bytes) { Ok(bytes) } else { Err(damaged(key)) }
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        self.client()
            .await
            .delete_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .send()
            .await
            .map_err(|error| store(key, failed(&error)))?;
        Ok(())
    }

    async fn scan(
        &self,
        key: &ObjectKey,
        see: &mut (dyn for<'a> FnMut(&'a [u8]) + Send),
    ) -> Result<(), ObjectError> {
        let got = self.open(key).await?;
        self.read_body(key, got.body, see).await
    }

    async fn read(&self, key: &ObjectKey, offset: u64, length: u64) -> Result<Bytes, ObjectError> {
        let got = self.open_range(key, offset, length).await?;
        let mut bytes = Vec::new();
        self.read_body(key, got.body, &mut |piece| bytes.extend_from_slice(piece)).await?;
        Ok(bytes.into())
    }

    async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), ObjectError> {
        self.copy_inside(from, to).await.map_err(|error| downloads::fault(from, error))
    }

    async fn sign_download(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<Option<String>, ObjectError> {
        self.sign_reading(key, download).await.map(Some).map_err(|error| store(key, error))
    }

    async fn begin_upload(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
    ) -> Result<String, ObjectError> {
        self.begin(key, sha256).await.map_err(|error| store(key, error))
    }

    fn takes_parts(&self) -> bool {
        true
    }

    async fn place_part(
        &self,
        upload: &StoreUpload,
        part: WantedPart,
    ) -> Result<PartPlace, ObjectError> {
        self.sign(upload, part).await.map_err(|error| store(&upload.key, error))
    }

    async fn put_part(
        &self,
        upload: &StoreUpload,
        number: u32,
        bytes: Bytes,
    ) -> Result<String, ObjectError> {
        let sent = self.send_own_part(upload, number, bytes).await;
        sent.map_err(|error| uploads::fault(&upload.key, error))
    }

    async fn list_parts(
        &self,
        upload: &StoreUpload,
    ) -> Result<Option<Vec<StoredPart>>, ObjectError> {
        self.parts_of(upload).await.map_err(|error| store(&upload.key, error))
    }

    async fn complete_upload(
        &self,
        upload: &StoreUpload,
        parts: &[StoredPart],
    ) -> Result<bool, ObjectError> {
        self.join_parts(upload, parts).await.map_err(|error| store(&upload.key, error))
    }

    async fn abort_upload(&self, key: &ObjectKey, id: Option<&str>) -> Result<(), ObjectError> {
        let ids = match id {
            Some(id) => Ok(vec![id.to_owned()]),
            None => self.uploads_of(key).await,
        };
        for id in ids.map_err(|error| store(key, error))? {
            self.give_up(key, &id).await.map_err(|error| store(key, error))?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), ObjectError> {
        let looked = self.client().await.head_bucket().bucket(&self.settings.bucket).send().await;
        // A refusal to this request has no body and so no words: only its status says what is wrong.
        looked.map_err(|error| ObjectError::Away { source: fault::of_bucket(&error) })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_what_is_announced_up_to_a_bound() {
        let most = i64::try_from(MOST_AHEAD).expect("a length");
        for (announced, room) in [
            (None, 0),
            (Some(-1), 0),
            (Some(0), 0),
            (Some(1_000), 1_000),
            (Some(most - 1), MOST_AHEAD - 1),
            (Some(most), MOST_AHEAD),
            (Some(most + 1), MOST_AHEAD),
            (Some(i64::MAX), MOST_AHEAD),
        ] {
            assert_eq!(room_for(announced), room, "{announced:?}");
        }
    }
}
