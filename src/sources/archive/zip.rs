//! Reads zip archives: what their directory lists, and the bytes of one file, counted as they come out.

use std::collections::HashSet;
use std::io::{self, Cursor, Read, Write};

use zip::ZipArchive;

use super::container::{Kind, Listed, damaged, text, too_long};
use super::error::ArchiveError;
use super::limits::ArchiveLimits;
use crate::sources::files::Refusal;

const CENTRAL_ENTRY: &[u8] = b"PK\x01\x02";
/// Extra field with another name, which counts instead of the one that stands in the directory.
const UNICODE_PATH: usize = 0x7075;
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
            doubles(bytes, start.unwrap_or(usize::MAX), zip.len()).ok_or_else(|| {
                ArchiveError::damaged(
                    "files of other names in its directory have one name in the end",
                )
            })?
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

    pub fn measure(&mut self, entry: usize, most: u64) -> (u64, Result<(), Refusal>) {
        let Ok(file) = self.zip.by_index(entry) else { return (0, Err(damaged())) };
        let mut counter = Counter(0);
        let copied = io::copy(&mut file.take(most.saturating_add(1)), &mut counter);
        (counter.0, copied.map(drop).map_err(|_| damaged()))
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

/// Bytes that went by, also before an error.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Names that a directory lists more than once; none when they do not explain why the archive knows only so many files: then some
/// of them hide others that nobody would be told of.
fn doubles(bytes: &[u8], start: usize, known: usize) -> Option<HashSet<&[u8]>> {
    let (mut seen, mut doubles) = (HashSet::new(), HashSet::new());
    let mut at = start;
    while bytes.get(at..).is_some_and(|rest| rest.starts_with(CENTRAL_ENTRY)) {
        let [name, extra, comment] = [28, 30, 32].map(|field| number(bytes, at + field));
        let found = bytes.get(at + 46..at + 46 + name)?;
        if has_other_name(bytes.get(at + 46 + name..at + 46 + name + extra)?) {
            return None;
        }
        if !seen.insert(found) {
            doubles.insert(found);
        }
        at += 46 + name + extra + comment;
    }
    (seen.len() == known).then_some(doubles)
}

/// Whether extra fields say that a file has another name.
fn has_other_name(extra: &[u8]) -> bool {
    let mut at = 0;
    while at + 4 <= extra.len() {
        if number(extra, at) == UNICODE_PATH {
            return true;
        }
        at += 4 + number(extra, at + 2);
    }
    false
}

/// A number of two bytes; 0 outside.
fn number(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).unwrap_or_default() {
        [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::files::PathLimits;

    /// An archive of empty files: the name of each in the directory, and by its extra field.
    fn made(files: &[(&str, Option<&str>)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::<u8>::new(), Vec::<u8>::new());
        let short = |number: usize| u16::try_from(number).unwrap().to_le_bytes();
        let long = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        for (name, other) in files {
            let mut extra = Vec::<u8>::new();
            if let Some(other) = other {
                let mut sum = flate2::Crc::new();
                sum.update(name.as_bytes());
                extra.extend(short(UNICODE_PATH));
                extra.extend(short(5 + other.len()));
                extra.push(1);
                extra.extend(sum.sum().to_le_bytes());
                extra.extend(other.as_bytes());
            }
            let start = bytes.len();
            // Version, flags, method, time, date, sum and both sizes.
            let mut plain = vec![20_u8, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
            plain.extend([0_u8; 12]);
            plain.extend(short(name.len()));
            bytes.extend(b"PK\x03\x04");
            bytes.extend(&plain);
            bytes.extend(short(0));
            bytes.extend(name.as_bytes());
            directory.extend(CENTRAL_ENTRY);
            directory.extend([20_u8, 0]);
            directory.extend(&plain);
            directory.extend(short(extra.len()));
            directory.extend([0_u8; 10]);
            directory.extend(long(start));
            directory.extend(name.as_bytes());
            directory.extend(extra);
        }
        let (start, length) = (bytes.len(), directory.len());
        bytes.extend(directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend(short(files.len()));
        bytes.extend(short(files.len()));
        bytes.extend(long(length));
        bytes.extend(long(start));
        bytes.extend(short(0));
        bytes
    }

    #[test]
    fn files_that_become_one_are_told_or_the_archive_is_refused() {
        let limits = ArchiveLimits {
            max_entries: 100,
            max_unpacked_bytes: 1_000,
            max_ratio: 100,
            max_file_bytes: 100,
            path: PathLimits { max_bytes: 40, max_depth: 4 },
        };
        let listed = |files: &[(&str, Option<&str>)]| {
            let bytes = made(files);
            let listed = Zip::open(&bytes, &limits)?.list()?;
            let told = |entry: Listed| (entry.path, entry.kind);
            Ok::<_, ArchiveError>(listed.into_iter().map(told).collect::<Vec<_>>())
        };
        let entry = |path: &str, kind| (path.to_owned(), kind);
        let two = listed(&[("a.md", None), ("b.md", None)]);
        assert_eq!(two, Ok(vec![entry("a.md", Kind::File), entry("b.md", Kind::File)]));
        let double = listed(&[("a.md", None), ("b.md", None), ("a.md", None)]).unwrap();
        assert!(double.contains(&entry("a.md", Kind::Double)), "{double:?}");
        assert_eq!(double.len(), 2);
        // One hides the other, and in the second case two that are no doubles look like some.
        for hidden in [
            &[("a.md", None), ("b.md", Some("a.md"))][..],
            &[("a.md", None), ("b.md", Some("a.md")), ("c.md", Some("d.md")), ("c.md", None)],
        ] {
            assert!(matches!(listed(hidden), Err(ArchiveError::Damaged(_))), "{hidden:?}");
        }
    }
}
