//! An archive of whatever format: what it lists, and the bytes of one of its files.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::error::ArchiveError;
use super::limits::ArchiveLimits;
use super::tar::Tar;
use super::zip::Zip;
use crate::sources::files::Refusal;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// It leads to another file.
    Link,
    /// A device, a pipe, or what has no plain bytes.
    Special,
    /// There is a password before it.
    Encrypted,
    /// The archive has more than one of this name.
    Double,
}

/// An entry as the archive lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its path, as it stands there.
    pub path: String,
    /// Whether all of the path is text.
    pub is_text: bool,
    pub kind: Kind,
    /// Its bytes, where they are known without unpacking it.
    pub size: Option<u64>,
}

/// An archive that is open.
pub(super) enum Container<'a> {
    Zip(Zip<'a>),
    Tar(Tape<'a>),
}

impl<'a> Container<'a> {
    pub fn open(bytes: &'a [u8], limits: &'a ArchiveLimits) -> Result<Self, ArchiveError> {
        match format(bytes) {
            Some(Format::Zip) => Zip::open(bytes, limits).map(Self::Zip),
            Some(format) => {
                let is_packed = format == Format::TarGz;
                Ok(Self::Tar(Tape { bytes, is_packed, limits, at: None }))
            }
            None => Err(ArchiveError::Unsupported),
        }
    }

    /// All that it lists, in its order.
    pub fn list(&mut self) -> Result<Vec<Listed>, ArchiveError> {
        match self {
            Self::Zip(zip) => zip.list(),
            Self::Tar(tape) => tape.list(),
        }
    }

    /// Bytes of an entry, by unpacking it where that is what it takes; no more of them are counted than `most` and one.
    /// Those that came before an error count too.
    pub fn measure(&mut self, entry: usize, most: u64) -> (u64, Result<(), Refusal>) {
        match self {
            Self::Zip(zip) => zip.measure(entry, most),
            // Each was listed with its size, and all of them went by.
            Self::Tar(_) => (0, Ok(())),
        }
    }

    /// The bytes of an entry.
    pub fn read(&mut self, entry: usize) -> Result<Vec<u8>, Refusal> {
        match self {
            Self::Zip(zip) => zip.read(entry),
            Self::Tar(tape) => tape.read(entry),
        }
    }
}

/// What an archive is, as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Tar,
    TarGz,
}

pub(super) fn format(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Some(Format::Zip);
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Some(Format::TarGz);
    }
    bytes.get(257..262).filter(|mark| *mark == b"ustar").map(|_| Format::Tar)
}

/// A file that is longer than is taken.
pub(super) fn too_long(most: u64) -> Refusal {
    Refusal::new("file_too_long", format!("the file has more than {most} bytes"))
}

/// A file whose bytes can not be had.
pub(super) fn damaged() -> Refusal {
    Refusal::new(
        "entry_damaged",
        "the file can not be unpacked: its part of the archive is damaged, or packed in a way that is not read; in a zip, use deflate",
    )
}

/// An archive that is read from its beginning to its end.
pub(super) struct Tape<'a> {
    bytes: &'a [u8],
    is_packed: bool,
    limits: &'a ArchiveLimits,
    /// As far as it was wound, and the number of the entry that comes next.
    at: Option<(Tar<Counted<'a>>, usize)>,
}

impl<'a> Tape<'a> {
    fn rewind(&self) -> Tar<Counted<'a>> {
        let bytes: &'a [u8] = self.bytes;
        let input: Box<dyn Read + 'a> = match self.is_packed {
            true => Box::new(MultiGzDecoder::new(bytes)),
            false => Box::new(bytes),
        };
        let (left, _) = self.limits.most_unpacked(bytes.len());
        Tar::new(Counted { input, left, is_over: false })
    }

    fn list(&self) -> Result<Vec<Listed>, ArchiveError> {
        let mut tar = self.rewind();
        let mut found = Vec::new();
        loop {
            let header = match tar.next_entry() {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(_) if tar.input().is_over => return Err(self.over()),
                Err(error) => return Err(ArchiveError::damaged(error)),
            };
            if found.len() >= self.limits.max_entries {
                return Err(ArchiveError::TooManyEntries(self.limits.max_entries));
            }
            let (path, is_text) = text(&header.name);
            found.push(Listed { path, is_text, kind: header.kind, size: Some(header.size) });
        }
        // What the headers say is sound though a bit of a file is not: the sum of all stands behind the last of them.
        match tar.finish() {
            Ok(()) => Ok(found),
            Err(_) if tar.input().is_over => Err(self.over()),
            Err(error) => Err(ArchiveError::damaged(error)),
        }
    }

    fn read(&mut self, entry: usize) -> Result<Vec<u8>, Refusal> {
        // It goes one way only.
        let wound = self.at.take().filter(|(_, next)| *next <= entry);
        let (mut tar, mut next) = wound.unwrap_or_else(|| (self.rewind(), 0));
        loop {
            match tar.next_entry() {
                Ok(Some(_)) if next < entry => next += 1,
                Ok(Some(_)) => break,
                Ok(None) | Err(_) => return Err(damaged()),
            }
        }
        let most = self.limits.max_file_bytes;
        let bytes = tar.data(most).map_err(|_| damaged())?.ok_or_else(|| too_long(most))?;
        self.at = Some((tar, entry + 1));
        Ok(bytes)
    }

    fn over(&self) -> ArchiveError {
        over(self.limits, self.bytes.len())
    }
}

/// What is said when more comes out of an archive of this size than may.
pub(super) fn over(limits: &ArchiveLimits, archive_bytes: usize) -> ArchiveError {
    match limits.most_unpacked(archive_bytes) {
        (_, true) => ArchiveError::TooDense(limits.max_ratio),
        (most, false) => ArchiveError::TooLarge(most),
    }
}

/// Bytes as they come out, up to so many.
pub(super) struct Counted<'a> {
    input: Box<dyn Read + 'a>,
    left: u64,
    /// More came than may.
    pub is_over: bool,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let Some(left) = self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) else {
            self.is_over = true;
            return Err(io::Error::other("more comes out than may"));
        };
        self.left = left;
        Ok(read)
    }
}

/// A name as text, and whether it is.
pub(super) fn text(name: &[u8]) -> (String, bool) {
    (String::from_utf8_lossy(name).into_owned(), std::str::from_utf8(name).is_ok())
}
