//! Reads parts of a ZIP archive under limits: bytes are counted as they come out, never as the archive declares them.
//!
//! Used by the Office formats and EPUB. A part that nobody asks for is never unpacked, so that an archive in the archive stays
//! closed.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ParseError, ParseLimits};

/// What may come out whatever the ratio: tiny files are dense.
const FREE_BYTES: usize = 1 << 20;
/// Unpacked at a time, so that a bomb is noticed soon.
const STEP: u64 = 1 << 16;

const CENTRAL_ENTRY: &[u8] = b"PK\x01\x02";
const END_OF_DIRECTORY: &[u8] = b"PK\x05\x06";
/// Longest comment behind the end of the directory, and the end itself.
const END_WITHIN: usize = 65_535 + 22;
/// Entries looked at to tell the format; one with more is refused when it is read.
const MAX_NAMES: usize = 20_000;

/// An archive and what may still come out of it.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: usize,
    /// What is said when nothing is left.
    refusal: ParseError,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &ParseLimits) -> Result<Self, ParseError> {
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| told(&error, "its archive"))?;
        if zip.len() > limits.max_entries {
            return Err(ParseError::too_many("files in its archive", limits.max_entries));
        }
        let by_ratio = bytes.len().saturating_mul(limits.max_ratio).max(FREE_BYTES);
        let (left, refusal) = if by_ratio < limits.max_unpacked_bytes {
            (by_ratio, ParseError::UnpacksTooDensely { limit: limits.max_ratio })
        } else {
            let limit = limits.max_unpacked_bytes;
            (limit, ParseError::UnpackedTooLarge { limit })
        };
        Ok(Self { zip, left, refusal })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// A part as text; XML and HTML are UTF-8 in these formats.
    pub(super) fn text(&mut self, name: &str) -> Result<String, ParseError> {
        let bytes = self.bytes(name)?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => return Err(ParseError::damaged(format!("{name} is not UTF-8"))),
        };
        Ok(match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        })
    }

    /// A part that may be absent.
    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, ParseError> {
        if self.has(name) { self.text(name).map(Some) } else { Ok(None) }
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, ParseError> {
        let mut part = match self.zip.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => {
                return Err(ParseError::damaged(format!("its archive has no {name}")));
            }
            Err(error) => return Err(told(&error, name)),
        };
        let mut out = Vec::new();
        loop {
            let read = part.by_ref().take(STEP).read_to_end(&mut out);
            let read =
                read.map_err(|_| ParseError::damaged(format!("{name} cannot be unpacked")))?;
            if read > self.left {
                return Err(self.refusal.clone());
            }
            self.left -= read;
            if read == 0 {
                return Ok(out);
            }
        }
    }
}

fn told(error: &ZipError, part: &str) -> ParseError {
    match error {
        ZipError::UnsupportedArchive(why) if *why == ZipError::PASSWORD_REQUIRED => {
            ParseError::Encrypted
        }
        _ => ParseError::damaged(format!("{part} cannot be read as ZIP")),
    }
}

/// Names in the directory of an archive, as far as it is whole. Cheap and without trust: for telling formats apart where no
/// process of its own does the reading.
pub(super) fn names_of_parts(bytes: &[u8]) -> Vec<String> {
    let tail = bytes.len().saturating_sub(END_WITHIN);
    let end = bytes[tail..].windows(4).rposition(|window| window == END_OF_DIRECTORY);
    let Some(end) = end.map(|at| tail + at) else { return Vec::new() };
    // Counted from its end, so that the last bytes of a file are enough.
    let Some(mut at) = end.checked_sub(number(bytes, end + 12, 4)) else { return Vec::new() };
    let mut names = Vec::new();
    while names.len() < MAX_NAMES
        && bytes.get(at..).is_some_and(|rest| rest.starts_with(CENTRAL_ENTRY))
    {
        let [name, extra, comment] = [28, 30, 32].map(|field| number(bytes, at + field, 2));
        let Some(bytes_of_name) = bytes.get(at + 46..at + 46 + name) else { break };
        names.push(String::from_utf8_lossy(bytes_of_name).into_owned());
        at += 46 + name + extra + comment;
    }
    names
}

/// Little-endian number of `length` bytes; 0 outside.
fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    let digits = bytes.get(at..at.saturating_add(length)).unwrap_or_default();
    digits.iter().rev().fold(0, |sum, digit| (sum << 8) | usize::from(*digit))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// An archive of these parts.
    pub fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8], name: &str, limits: &ParseLimits) -> Result<String, ParseError> {
        Archive::open(bytes, limits)?.text(name)
    }

    #[test]
    fn a_part_is_read_by_its_name() {
        let bytes = zip(&[("a/b.xml", "\u{feff}größer"), ("c", "")]);
        let limits = ParseLimits::default();
        assert_eq!(read(&bytes, "a/b.xml", &limits).unwrap(), "größer");
        assert_eq!(read(&bytes, "x", &limits).unwrap_err().code(), "damaged");
        assert_eq!(names_of_parts(&bytes), ["a/b.xml", "c"]);
        assert_eq!(names_of_parts(&bytes[..bytes.len() - 30]), [""; 0]);
    }

    #[test]
    fn entries_are_counted_below_at_and_above_the_limit() {
        let bytes = zip(&[("a", "1"), ("b", "2"), ("c", "3")]);
        for (limit, code) in [(2, "too_complex"), (3, "read"), (4, "read")] {
            let limits = ParseLimits { max_entries: limit, ..ParseLimits::default() };
            let made = read(&bytes, "a", &limits).map_or_else(|error| error.code(), |_| "read");
            assert_eq!(made, code, "{limit}");
        }
    }

    #[test]
    fn unpacked_bytes_are_counted_over_all_parts_below_at_and_above_the_limit() {
        let bytes = zip(&[("a", &"x".repeat(600_000)), ("b", &"y".repeat(600_000))]);
        for (limit, is_read) in [(1_199_999, false), (1_200_000, true), (1_200_001, true)] {
            let limits = ParseLimits {
                max_unpacked_bytes: limit,
                max_ratio: 100_000,
                ..ParseLimits::default()
            };
            let mut archive = Archive::open(&bytes, &limits).unwrap();
            assert!(archive.text("a").is_ok());
            let second = archive.text("b");
            assert_eq!(second.is_ok(), is_read, "{limit}");
            assert!(is_read || second.unwrap_err().code() == "unpacked_too_large");
        }
    }

    #[test]
    fn the_ratio_counts_below_at_and_above_the_limit() {
        let text = "z".repeat(2_000_000);
        let bytes = zip(&[("a", &text)]);
        let at = text.len().div_ceil(bytes.len());
        for (limit, is_read) in [(at - 1, false), (at, true), (at + 1, true)] {
            let limits = ParseLimits { max_ratio: limit, ..ParseLimits::default() };
            let made = read(&bytes, "a", &limits);
            assert_eq!(made.is_ok(), is_read, "{limit}");
            assert!(is_read || made.unwrap_err().code() == "unpacks_too_densely");
        }
        let tiny = zip(&[("a", &"z".repeat(FREE_BYTES))]);
        let limits = ParseLimits { max_ratio: 1, ..ParseLimits::default() };
        assert!(read(&tiny, "a", &limits).is_ok());
    }
}
