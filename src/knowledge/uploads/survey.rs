//! Reads an object once, piece by piece: its size, its digest, and as much of it as tells what kind of file it is.

use sha2::{Digest, Sha256};

use crate::adapters::objects::{ObjectError, ObjectKey, Objects};
use crate::knowledge::parse::{MediaType, ParseError};

/// Bytes of the beginning that are kept: as far as any format is looked into.
const HEAD: usize = 64 << 10;
/// Bytes of the end that are kept: archives have their directory there.
const TAIL: usize = 1 << 20;

/// What a look at an object has told.
#[derive(Debug, Default)]
pub struct Survey {
    size: u64,
    hash: Sha256,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Whether there is a NUL character in what is kept neither of head nor of tail.
    has_nul: bool,
}

impl Survey {
    /// Looks at an object.
    ///
    /// # Errors
    /// It is not there, or can not be read.
    pub async fn of(objects: &dyn Objects, key: &ObjectKey) -> Result<Self, ObjectError> {
        let mut survey = Self::default();
        objects.scan(key, &mut |piece| survey.see(piece)).await?;
        Ok(survey)
    }

    fn see(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.hash.update(piece);
        let (head, rest) = piece.split_at(piece.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        // Cut now and then: bytes are moved once for each that came.
        if self.tail.len() > 2 * TAIL {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let middle = self.tail.len().saturating_sub(TAIL);
        self.has_nul |= self.tail.drain(..middle).any(|byte| byte == 0);
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of all bytes.
    pub fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// What kind of file it is, decided as for one that is there whole.
    ///
    /// # Errors
    /// It can not be read, or is not what it is said to be.
    pub fn media_type(
        mut self,
        name: &str,
        declared: Option<&str>,
    ) -> Result<MediaType, ParseError> {
        self.cut();
        let mut sample = self.head;
        if self.has_nul {
            sample.push(0);
        }
        sample.extend_from_slice(&self.tail);
        MediaType::from_file(name, declared, &sample)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    /// Pieces of an odd size, so that they lie across every border.
    fn seen(bytes: &[u8]) -> Survey {
        let mut survey = Survey::default();
        bytes.chunks(7_919).for_each(|piece| survey.see(piece));
        survey
    }

    #[test]
    fn size_and_digest_are_those_of_all_bytes() {
        for size in [0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + TAIL, HEAD + 2 * TAIL + 1, 5 << 20] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let survey = seen(&bytes);
            assert_eq!(survey.size(), size as u64);
            assert_eq!(survey.sha256(), <[u8; 32]>::from(Sha256::digest(&bytes)), "{size}");
        }
    }

    #[test]
    fn the_kind_of_a_large_file_is_that_of_the_whole() {
        let text = "The pump runs at night.\n".repeat(200_000).into_bytes();
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("word/media/image.bin", stored).expect("a part");
        zip.write_all(&text).expect("bytes");
        zip.start_file("word/document.xml", stored).expect("a part");
        zip.write_all(b"<w:document/>").expect("bytes");
        let word = zip.finish().expect("an archive").into_inner();
        let pdf = [b"%PDF-1.7\n".as_slice(), &[0; 4 << 20]].concat();
        let page = [b"<!doctype html><p>".as_slice(), &text].concat();
        let with_nul = |at: usize| {
            let mut bytes = text.clone();
            bytes[at] = 0;
            bytes
        };
        for (name, bytes) in [
            ("a.md", text.clone()),
            ("a.docx", word.clone()),
            ("a.pdf", word),
            ("a", pdf.clone()),
            ("a.txt", pdf),
            ("a", page),
            ("a.txt", with_nul(10)),
            ("a.txt", with_nul(2 << 20)),
            ("a.txt", with_nul(text.len() - 1)),
            ("a.txt", Vec::new()),
        ] {
            let whole = MediaType::from_file(name, None, &bytes).map_err(|error| error.to_string());
            let told = seen(&bytes).media_type(name, None).map_err(|error| error.to_string());
            assert_eq!(told, whole, "{name}");
        }
    }
}
