//! Reads zip archives: what their directory lists, and the bytes of one file, counted as they come out.

use std::collections::HashSet;
use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use super::container::{Kind, Listed, damaged, text, too_long};
use super::error::ArchiveError;
use super::limits::ArchiveLimits;
use crate::sources::files::Refusal;

const CENTRAL_ENTRY: &[u8] = b"PK\x01\x02";
/// What a file is, in the mode of Unix.
const TYPE: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;

/// An archive.
pub(super) struct Zip<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Names that stand in the directory more than once; the archive knows the last of each.
    doubles: HashSet<&'a [u8]>,
    limits: &'a ArchiveLimits,
}

impl<'a> Zip<'a> {
    pub fn open(bytes: &'a [u8], limits: &'a ArchiveLimits) -> Result<Self, ArchiveError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(ArchiveError::damaged)?;
        let doubles = if zip.has_duplicate_names() {
            let start = usize::try_from(zip.central_directory_start());
            doubles(bytes, start.unwrap_or(usize::MAX))
        } else {
            HashSet::new()
        };
        if zip.len() > limits.max_entries {
            return Err(ArchiveError::TooManyEntries(limits.max_entries));
        }
        Ok(Self { zip, doubles, limits })
    }

    pub fn list(&self) -> Result<Vec<Listed>, ArchiveError> {
        (0..self.zip.len())
            .map(|index| {
                let entry = self.zip.by_index_data(index).map_err(ArchiveError::damaged)?;
                let kind = match entry.unix_mode().unwrap_or_default() & TYPE {
                    _ if entry.is_dir() => Kind::Folder,
                    _ if self.doubles.contains(entry.name_raw()) => Kind::Double,
                    _ if entry.is_symlink() => Kind::Link,
                    FOLDER => Kind::Folder,
                    0 | FILE if entry.encrypted() => Kind::Encrypted,
                    0 | FILE => Kind::File,
                    _ => Kind::Special,
                };
                let (path, is_text) = match entry.name() {
                    Ok(name) => (name.into_owned(), true),
                    Err(_) => (text(entry.name_raw()).0, false),
                };
                Ok(Listed { path, is_text, kind, size: None })
            })
            .collect()
    }

    pub fn measure(&mut self, entry: usize, most: u64) -> Result<u64, Refusal> {
        let file = self.zip.by_index(entry).map_err(|_| damaged())?;
        let mut limited = file.take(most.saturating_add(1));
        io::copy(&mut limited, &mut io::sink()).map_err(|_| damaged())
    }

    pub fn read(&mut self, entry: usize) -> Result<Vec<u8>, Refusal> {
        let most = self.limits.max_file_bytes;
        let file = self.zip.by_index(entry).map_err(|_| damaged())?;
        let mut bytes = Vec::new();
        // Up to the end, where its sum is looked at.
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|_| damaged())?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
            Ok(bytes)
        } else {
            Err(too_long(most))
        }
    }
}

/// Names that a directory lists more than once.
fn doubles(bytes: &[u8], start: usize) -> HashSet<&[u8]> {
    let (mut seen, mut doubles) = (HashSet::new(), HashSet::new());
    let mut at = start;
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(CENTRAL_ENTRY)) {
        let [name, extra, comment] = [28, 30, 32].map(|field| number(bytes, at + field));
        let Some(found) = bytes.get(at + 46..at + 46 + name) else { break };
        if !seen.insert(found) {
            doubles.insert(found);
        }
        at += 46 + name + extra + comment;
    }
    doubles
}

/// A number of two bytes; 0 outside.
fn number(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}
