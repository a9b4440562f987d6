//! Files of dumps for whoever downloads them: at the store itself where it has addresses, else piece by piece from us.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, BoxStream, StreamExt};
use uuid::Uuid;

use super::manifest::FileEntry;
use super::{Dump, DumpError, Dumps};
use crate::adapters::objects::{Download, ObjectError, ObjectKey, Objects};
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::TenantId;

/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;

/// A file and where it is read.
#[derive(Clone, Debug)]
pub struct PlacedFile {
    /// The file.
    pub entry: FileEntry,
    /// Its address: with a signature, or one of ours.
    pub url: String,
    /// Until when the address is good; absent for one of ours, which asks for a credential.
    pub until: Option<DateTime<Utc>>,
}

/// A file of a dump, to be read.
pub struct FileContent {
    /// The file.
    pub entry: FileEntry,
    /// Its bytes.
    pub pieces: BoxStream<'static, Result<Bytes, ObjectError>>,
}

impl Dumps {
    /// The files of a dump with their addresses; none while it is not ready.
    ///
    /// # Errors
    /// Nothing could be signed.
    pub async fn place_files(
        &self,
        tenant: TenantId,
        dump: &Dump,
    ) -> Result<Vec<PlacedFile>, DumpError> {
        let Some(files_id) = dump.files_id.filter(|_| dump.state == "ready") else {
            return Ok(Vec::new());
        };
        let now = clock::now();
        let left = (dump.expires_at - now).to_std().unwrap_or_default();
        // Whole seconds, as addresses are signed; at least one, which the rest of the dump's time may be.
        let seconds = left.min(self.settings.url_lifetime).as_secs().max(1);
        let mut placed = Vec::new();
        for entry in FileEntry::from_row(&dump.files)? {
            let key = ObjectKey::dump(tenant, files_id, &entry.name);
            let life = Duration::from_secs(seconds);
            let download = Download { file_name: entry.name.clone(), from: now, life };
            let (url, until) = match self.objects().sign_download(&key, &download).await? {
                Some(url) => {
                    let life = TimeDelta::from_std(life).unwrap_or(TimeDelta::MAX);
                    (url, DateTime::from_timestamp((now + life).timestamp(), 0))
                }
                None => (self.own_address(dump.dump_id, &entry.name), None),
            };
            placed.push(PlacedFile { entry, url, until });
        }
        Ok(placed)
    }

    /// A file of a dump within the actor's reach.
    ///
    /// # Errors
    /// See [`DumpError`]; a fault after the first piece is one of the pieces.
    pub async fn open_file(
        &self,
        actor: &Actor,
        dump_id: Uuid,
        name: &str,
    ) -> Result<FileContent, DumpError> {
        let dump = self.find(actor, dump_id).await?;
        let entry = FileEntry::from_row(&dump.files)?.into_iter().find(|entry| entry.name == name);
        let entry = entry.filter(|_| dump.state == "ready").ok_or(DumpError::UnknownFile)?;
        let files_id = dump.files_id.ok_or(DumpError::UnknownFile)?;
        let key = ObjectKey::dump(actor.tenant, files_id, &entry.name);
        // Read before anything is answered: a store that is away is told as such.
        let (objects, size) = (self.objects().clone(), entry.size_bytes);
        let first = read_piece(&*objects, &key, 0, size).await.map_err(|error| match error {
            ObjectError::Missing(_) => DumpError::UnknownFile,
            other => other.into(),
        })?;
        let offsets = (1..).map(|number| number * PIECE).take_while(move |offset| *offset < size);
        let rest = stream::iter(offsets).then(move |offset| {
            let (objects, key) = (objects.clone(), key.clone());
            async move { read_piece(&*objects, &key, offset, size).await }
        });
        let pieces = stream::once(async move { Ok(first) }).chain(rest).boxed();
        Ok(FileContent { entry, pieces })
    }

    /// Address of a file at this server.
    fn own_address(&self, dump_id: Uuid, name: &str) -> String {
        let server = self.settings.public_url.as_deref().unwrap_or_default();
        format!("{}/v1/dumps/{dump_id}/files/{name}", server.trim_end_matches('/'))
    }
}

/// The piece of a file of `size` bytes that begins at `offset`. A file that is shorter by now is not the one that was written: it
/// must not look whole.
async fn read_piece(
    objects: &dyn Objects,
    key: &ObjectKey,
    offset: u64,
    size: u64,
) -> Result<Bytes, ObjectError> {
    let wanted = PIECE.min(size.saturating_sub(offset));
    let bytes = objects.read(key, offset, wanted).await?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length == wanted);
    if is_whole { Ok(bytes) } else { Err(ObjectError::Missing(key.clone())) }
}
