//! Where the parts of an upload are sent, which of them have arrived, and those that are sent to us.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::begin::Begin;
use super::{Upload, UploadError, Uploads};
use crate::adapters::objects::{ObjectError, PartPlace, StoreUpload, StoredPart, WantedPart};
use crate::governance::Flag;
use crate::kernel::clock;
use crate::kernel::ids::TenantId;

/// A part, and where it stands.
#[derive(Clone, Debug)]
pub struct PlacedPart {
    /// Number, from 1.
    pub number: u32,
    /// Size that it must have.
    pub size: u64,
    /// Mark of what has arrived.
    pub etag: Option<String>,
    /// Where it is sent to, while the upload is open.
    pub place: Option<SignedPlace>,
}

/// Where a part is sent to.
#[derive(Clone, Debug)]
pub struct SignedPlace {
    /// Address; a path of this server where it does not know its own address.
    pub url: String,
    /// Headers to be sent along.
    pub headers: Vec<(String, String)>,
    /// Until when it is good.
    pub until: DateTime<Utc>,
}

/// A part that is about to be sent to us.
#[derive(Clone, Debug)]
pub struct ExpectedPart {
    store: StoreUpload,
    number: u32,
    size: u64,
}

impl Uploads {
    /// Every part of an upload that was begun: the store is asked which have arrived only when it was there already.
    ///
    /// # Errors
    /// See [`Self::place`].
    pub async fn place_begun(
        &self,
        tenant: TenantId,
        begun: &Begin,
    ) -> Result<Vec<PlacedPart>, UploadError> {
        if begun.replayed {
            return self.place(tenant, &begun.upload).await;
        }
        self.place_all(tenant, &begun.upload, &[]).await
    }

    /// Every part of an upload. Addresses are good for half of their life at least, and the same for whoever asks meanwhile.
    ///
    /// # Errors
    /// The store or the signing failed.
    pub async fn place(
        &self,
        tenant: TenantId,
        upload: &Upload,
    ) -> Result<Vec<PlacedPart>, UploadError> {
        // Marks are told as long as completing asks for them, addresses as long as parts are taken.
        let awaits = upload.is_open() || upload.state == "completing" && !upload.is_expired();
        let stored = match upload.at_store(tenant).filter(|_| awaits) {
            Some(store) => self.objects().list_parts(&store).await?.unwrap_or_default(),
            None => Vec::new(),
        };
        self.place_all(tenant, upload, &stored).await
    }

    /// Every part, of which these have arrived.
    async fn place_all(
        &self,
        tenant: TenantId,
        upload: &Upload,
        stored: &[StoredPart],
    ) -> Result<Vec<PlacedPart>, UploadError> {
        let store = upload.at_store(tenant).filter(|_| upload.is_open());
        let signed = self.signed_from(upload);
        let mut parts = Vec::new();
        for number in 1..=upload.part_count() {
            let place = match &store {
                Some(store) => Some(self.place_one(tenant, upload, store, number, signed).await?),
                None => None,
            };
            let arrived = stored.iter().find(|part| part.number == number);
            let etag = arrived.map(|part| part.etag.clone());
            parts.push(PlacedPart { number, size: upload.part_size(number), etag, place });
        }
        Ok(parts)
    }

    /// When the addresses are signed that are given now: in steps of half their life since the beginning.
    fn signed_from(&self, upload: &Upload) -> DateTime<Utc> {
        let step =
            (self.settings.url_lifetime / 2).as_millis().try_into().unwrap_or(i64::MAX).max(1);
        let since = (clock::now() - upload.created_at).num_milliseconds().max(0);
        upload.created_at + TimeDelta::milliseconds(since / step * step)
    }

    async fn place_one(
        &self,
        tenant: TenantId,
        upload: &Upload,
        store: &StoreUpload,
        number: u32,
        from: DateTime<Utc>,
    ) -> Result<SignedPlace, UploadError> {
        let life = TimeDelta::from_std(self.settings.url_lifetime).unwrap_or(TimeDelta::MAX);
        // Whole seconds, as all of them are signed.
        let seconds = (upload.expires_at - from).min(life).num_seconds().max(1);
        let until = DateTime::from_timestamp(from.timestamp() + seconds, 0).unwrap_or(from);
        let life = Duration::from_secs(seconds.unsigned_abs());
        let wanted = WantedPart { number, size: upload.part_size(number), from, life };
        match self.objects().place_part(store, wanted).await? {
            PartPlace::Signed { url, headers } => Ok(SignedPlace { url, headers, until }),
            PartPlace::Own => {
                let signer = self.signer.as_ref().ok_or(UploadError::NoSecret)?;
                let token = signer.token(tenant, upload.upload_id, number, until.timestamp())?;
                let server = self.settings.public_url.as_deref().unwrap_or_default();
                let (server, id) = (server.trim_end_matches('/'), upload.upload_id);
                let url = format!("{server}/v1/uploads/{id}/parts/{number}?token={token}");
                let headers =
                    vec![("content-type".to_owned(), "application/octet-stream".to_owned())];
                Ok(SignedPlace { url, headers, until })
            }
        }
    }

    /// Says where a part comes to that is about to be sent, for whoever has its address: its bytes are read after that.
    ///
    /// # Errors
    /// See [`UploadError`]. A store that takes parts itself has none come here.
    pub async fn expect_part(
        &self,
        upload_id: Uuid,
        number: u32,
        token: &str,
    ) -> Result<ExpectedPart, UploadError> {
        let signer = self.signer.as_ref().filter(|_| !self.objects().takes_parts());
        let signer = signer.ok_or(UploadError::Unknown)?;
        let tenant = signer.verify(token, upload_id, number).ok_or(UploadError::BadToken)?;
        let mut tx = self.receiver.db.tenant(tenant).await?;
        self.receiver.flags.require(&mut tx, Flag::Uploads).await?;
        let upload = tx.find_upload(upload_id).await?.ok_or(UploadError::Unknown)?;
        drop(tx);
        if upload.is_expired() {
            return Err(UploadError::Expired(upload.expires_at));
        }
        let store = match upload.at_store(tenant) {
            Some(store) if upload.is_open() => store,
            _ => return Err(UploadError::NotOpen(upload.state)),
        };
        Ok(ExpectedPart { size: upload.part_size(number), store, number })
    }

    /// Takes a part; its mark.
    ///
    /// # Errors
    /// See [`UploadError`].
    pub async fn put_part(
        &self,
        expected: &ExpectedPart,
        bytes: Bytes,
    ) -> Result<String, UploadError> {
        let ExpectedPart { store, number, .. } = expected;
        expected.check(bytes.len() as u64)?;
        match self.objects().put_part(store, *number, bytes).await {
            // Completed or given up since we looked.
            Err(ObjectError::Missing(_)) => Err(UploadError::Unknown),
            stored => Ok(stored?),
        }
    }
}

impl ExpectedPart {
    /// Passes the right size.
    ///
    /// # Errors
    /// [`UploadError::Invalid`].
    pub fn check(&self, size: u64) -> Result<(), UploadError> {
        check_size(self.number, size, self.size).map_err(|detail| UploadError::invalid("", detail))
    }
}

/// Passes parts of the right size.
///
/// # Errors
/// What is wrong, in words.
fn check_size(number: u32, size: u64, wanted: u64) -> Result<(), String> {
    if size == wanted {
        return Ok(());
    }
    Err(format!("part {number} has {size} bytes and must have {wanted}; send it again"))
}

/// The parts that the store has, when they are those that make the whole.
///
/// # Errors
/// [`UploadError::Invalid`] that names the first that is not: nothing is lost, and it can be sent again.
pub(super) fn check_parts(
    upload: &Upload,
    named: &[super::NamedPart],
    stored: &[StoredPart],
) -> Result<Vec<StoredPart>, UploadError> {
    let count = upload.part_count();
    let mut parts = Vec::new();
    for (at, part) in named.iter().enumerate() {
        let wanted = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if part.number != wanted || part.number > count {
            let detail = format!("must be each part once, in order, from 1 to {count}");
            return Err(UploadError::invalid(format!("/parts/{at}/part_number"), detail));
        }
        let Some(found) = stored.iter().find(|it| it.number == wanted) else {
            let detail = format!("part {wanted} has not arrived; send it and complete again");
            return Err(UploadError::invalid(format!("/parts/{at}"), detail));
        };
        if found.etag != part.etag.trim_matches('"') {
            let detail = format!(
                "part {wanted} arrived with another mark, \"{}\": it was sent again or changed on its way",
                found.etag
            );
            return Err(UploadError::invalid(format!("/parts/{at}/etag"), detail));
        }
        check_size(wanted, found.size, upload.part_size(wanted))
            .map_err(|detail| UploadError::invalid(format!("/parts/{at}"), detail))?;
        parts.push(found.clone());
    }
    if u32::try_from(parts.len()).is_ok_and(|named| named == count) {
        return Ok(parts);
    }
    let detail = format!("part {} is missing; there are {count}", parts.len() + 1);
    Err(UploadError::invalid("/parts", detail))
}
