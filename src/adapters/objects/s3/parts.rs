//! Large objects, sent part by part: all of them or nothing.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::fault::{S3, failed};
use super::{DIGEST, S3Objects};
use crate::adapters::aws::Failed;
use crate::adapters::objects::ObjectKey;

impl S3Objects {
    /// Sends an object in parts. What was sent of one that fails is removed; only a process that is killed leaves parts
    /// behind, for which a bucket has a lifecycle rule.
    pub(super) async fn put_in_parts(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), Failed> {
        let begun = self
            .client()
            .await
            .create_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .metadata(DIGEST, hex::encode(Sha256::digest(&bytes)))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.settings.kms_key.clone())
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let Some(upload) = begun.upload_id() else {
            return Err(Failed::because(S3, "began an upload without an id"));
        };
        let sent = self.send_parts(key, upload, bytes).await;
        if sent.is_err() {
            self.abort(key, upload).await;
        }
        sent
    }

    async fn send_parts(&self, key: &ObjectKey, upload: &str, bytes: Bytes) -> Result<(), Failed> {
        let size = self.settings.part_bytes;
        let parts = (0..bytes.len().div_ceil(size)).map(|index| {
            let part = bytes.slice(index * size..bytes.len().min((index + 1) * size));
            self.send_part(key, upload, index, part)
        });
        let sent: Vec<CompletedPart> =
            stream::iter(parts).buffered(self.settings.concurrency).try_collect().await?;
        self.client()
            .await
            .complete_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(sent)).build())
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn send_part(
        &self,
        key: &ObjectKey,
        upload: &str,
        index: usize,
        part: Bytes,
    ) -> Result<CompletedPart, Failed> {
        let number = i32::try_from(index + 1)
            .map_err(|_| Failed::because(S3, "takes no object of so many parts"))?;
        let digest = STANDARD.encode(Sha256::digest(&part));
        let sent = self
            .client()
            .await
            .upload_part()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .upload_id(upload)
            .part_number(number)
            .checksum_sha256(&digest)
            .body(ByteStream::from(part))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .checksum_sha256(digest)
            .build())
    }

    async fn abort(&self, key: &ObjectKey, upload: &str) {
        let aborted = self
            .client()
            .await
            .abort_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .upload_id(upload)
            .send()
            .await;
        if let Err(error) = aborted {
            let error = failed(&error);
            tracing::warn!(%error, object = %key, "parts of an object that failed are left behind");
        }
    }
}
