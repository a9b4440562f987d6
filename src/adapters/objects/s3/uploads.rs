//! Objects whose parts come from somebody else, at addresses that we sign.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::downloads::signing;
use super::fault::{S3, failed, store};
use super::{DIGEST, S3Objects};
use crate::adapters::aws::Failed;
use crate::adapters::objects::{
    ObjectError, ObjectKey, PartPlace, StoreUpload, StoredPart, WantedPart,
};

/// S3's word for an upload that was completed, aborted or never begun.
const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

impl S3Objects {
    /// Begins an upload; S3's id of it. A digest that is known already is kept with the object, and compared whenever it is read.
    pub(super) async fn begin(
        &self,
        key: &ObjectKey,
        sha256: Option<[u8; 32]>,
    ) -> Result<String, Failed> {
        let mut request = self
            .client()
            .await
            .create_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.settings.kms_key.clone());
        if let Some(sha256) = sha256 {
            request = request.metadata(DIGEST, hex::encode(sha256));
        }
        let begun = request.send().await.map_err(|error| failed(&error))?;
        begun.upload_id.ok_or_else(|| Failed::because(S3, "began an upload without an id"))
    }

    /// Signs the address of a part. The length is signed too: S3 refuses a part of another one.
    pub(super) async fn sign(
        &self,
        upload: &StoreUpload,
        part: WantedPart,
    ) -> Result<PartPlace, Failed> {
        let length = i64::try_from(part.size)
            .map_err(|_| Failed::because(S3, "takes no part of that size"))?;
        let signed = self
            .client()
            .await
            .upload_part()
            .bucket(&self.settings.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id)
            .part_number(number(part.number)?)
            .content_length(length)
            .presigned(signing(part.from, part.life)?)
            .await
            .map_err(|error| failed(&error))?;
        // Every client sends these by itself, and a browser lets nobody set them.
        let by_itself = |name: &str| ["host", "content-length"].contains(&name);
        let headers = signed.headers().filter(|(name, _)| !by_itself(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(PartPlace::Signed { url: signed.uri().to_owned(), headers })
    }

    /// Sends a part ourselves; its mark.
    pub(super) async fn send_own_part(
        &self,
        upload: &StoreUpload,
        part: u32,
        bytes: Bytes,
    ) -> Result<String, Failed> {
        let sent = self
            .client()
            .await
            .upload_part()
            .bucket(&self.settings.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id)
            .part_number(number(part)?)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(plain(sent.e_tag))
    }

    /// The parts there are, by number; none when there is no such upload.
    pub(super) async fn parts_of(
        &self,
        upload: &StoreUpload,
    ) -> Result<Option<Vec<StoredPart>>, Failed> {
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .client()
                .await
                .list_parts()
                .bucket(&self.settings.bucket)
                .key(upload.key.as_str())
                .upload_id(&upload.id)
                .set_part_number_marker(after.take())
                .send()
                .await;
            let page = match page.map_err(|error| failed(&error)) {
                Err(error) if is_gone(&error) => return Ok(None),
                page => page?,
            };
            parts.extend(page.parts.unwrap_or_default().into_iter().map(|part| StoredPart {
                number: part.part_number.and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
                etag: plain(part.e_tag),
                size: part.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            }));
            after = page.next_part_number_marker;
            if page.is_truncated != Some(true) || after.is_none() {
                return Ok(Some(parts));
            }
        }
    }

    /// Makes the object of its parts. False when there is no such upload.
    pub(super) async fn join_parts(
        &self,
        upload: &StoreUpload,
        parts: &[StoredPart],
    ) -> Result<bool, Failed> {
        let named = |part: &StoredPart| {
            let part_number = number(part.number)?;
            Ok(CompletedPart::builder().part_number(part_number).e_tag(quoted(part)).build())
        };
        let parts: Vec<CompletedPart> = parts.iter().map(named).collect::<Result<_, Failed>>()?;
        let joined = self
            .client()
            .await
            .complete_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await;
        match joined.map_err(|error| failed(&error)) {
            Ok(_) => Ok(true),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ids of the uploads of a key that were begun and came to no end.
    pub(super) async fn uploads_of(&self, key: &ObjectKey) -> Result<Vec<String>, Failed> {
        let found = self
            .client()
            .await
            .list_multipart_uploads()
            .bucket(&self.settings.bucket)
            .prefix(key.as_str())
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(found.uploads().iter().filter_map(|upload| upload.upload_id.clone()).collect())
    }

    /// Removes an upload with its parts; one that is not there is fine.
    pub(super) async fn give_up(&self, key: &ObjectKey, id: &str) -> Result<(), Failed> {
        let aborted = self
            .client()
            .await
            .abort_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .upload_id(id)
            .send()
            .await;
        match aborted.map_err(|error| failed(&error)) {
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a part that was sent.
pub(super) fn fault(key: &ObjectKey, error: Failed) -> ObjectError {
    if is_gone(&error) { ObjectError::Missing(key.clone()) } else { store(key, error) }
}

fn is_gone(error: &Failed) -> bool {
    error.code.as_deref() == Some(NO_SUCH_UPLOAD)
}

fn number(part: u32) -> Result<i32, Failed> {
    i32::try_from(part).map_err(|_| Failed::because(S3, "takes no object of so many parts"))
}

/// A mark without the quotes that HTTP wants around it.
fn plain(etag: Option<String>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn quoted(part: &StoredPart) -> String {
    format!("\"{}\"", part.etag)
}
