//! Objects that are read in part, copied inside the bucket, or read by somebody else at addresses that we sign.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use chrono::Utc;

use super::fault::{S3, failed, store};
use super::{S3Objects, unread};
use crate::adapters::aws::{Failed, Patience};
use crate::adapters::objects::{Download, ObjectError, ObjectKey};

/// S3's word for an object that is not there.
const NO_SUCH_KEY: &str = "NoSuchKey";

impl S3Objects {
    /// Opens a piece of an object. Its digest is that of the whole and tells nothing of a piece.
    pub(super) async fn open_range(
        &self,
        key: &ObjectKey,
        offset: u64,
        length: u64,
    ) -> Result<GetObjectOutput, ObjectError> {
        let last = offset.saturating_add(length).saturating_sub(1);
        self.client()
            .await
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .range(format!("bytes={offset}-{last}"))
            .send()
            .await
            .map_err(|error| unread(key, &error))
    }

    /// Has S3 copy an object, with what its metadata say of it: 5 GiB at most, which no original exceeds. S3 answers when it is
    /// done, and sends next to nothing until then.
    pub(super) async fn copy_inside(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), Failed> {
        let bucket = &self.settings.bucket;
        let patience = Patience { timeout: self.settings.copy_timeout, tries: self.settings.tries };
        let patient = Builder::default()
            .timeout_config(patience.timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let between = if bucket.starts_with("arn:") { "/object/" } else { "/" };
        self.client()
            .await
            .copy_object()
            .bucket(bucket)
            .key(to.as_str())
            .copy_source(format!("{bucket}{between}{from}"))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.settings.kms_key.clone())
            .customize()
            .config_override(patient)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Signs the address of an object for whoever reads it.
    pub(super) async fn sign_reading(
        &self,
        key: &ObjectKey,
        download: &Download,
    ) -> Result<String, Failed> {
        let name = format!("attachment; filename=\"{}\"", download.file_name);
        let signed = self
            .client()
            .await
            .get_object()
            .bucket(&self.settings.bucket)
            .key(key.as_str())
            .response_content_disposition(name)
            .presigned(signing(download.from, download.life)?)
            .await
            .map_err(|error| failed(&error))?;
        Ok(signed.uri().to_owned())
    }
}

/// From when and how long an address is to be good.
pub(super) fn signing(
    from: chrono::DateTime<Utc>,
    life: Duration,
) -> Result<PresigningConfig, Failed> {
    let from = DateTime::from_millis(from.timestamp_millis());
    SystemTime::try_from(from)
        .map_err(|error| Failed::because(S3, format!("can not sign: {error}")))
        .and_then(|from| {
            PresigningConfig::builder()
                .start_time(from)
                .expires_in(life)
                .build()
                .map_err(|error| Failed::because(S3, format!("can not sign: {error}")))
        })
}

/// What is wrong with an object that was to be copied.
pub(super) fn fault(key: &ObjectKey, error: Failed) -> ObjectError {
    if error.code.as_deref() == Some(NO_SUCH_KEY) {
        ObjectError::Missing(key.clone())
    } else {
        store(key, error)
    }
}
