//! Archives of the tests, written byte by byte where no writer would write them so.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::write::{SimpleFileOptions, ZipWriter};

/// What an archive holds, in its order.
#[derive(Clone, Default)]
pub struct MadeArchive(Vec<Entry>);

/// One entry.
#[derive(Clone)]
pub struct Entry {
    pub path: String,
    /// As tar marks it: `0` for a file, `2` for a link, `3` for a device.
    pub mark: u8,
    pub bytes: Vec<u8>,
}

pub fn file(path: &str, text: &str) -> Entry {
    Entry { path: path.to_owned(), mark: b'0', bytes: text.as_bytes().to_vec() }
}

pub fn marked(path: &str, mark: u8) -> Entry {
    Entry { path: path.to_owned(), mark, bytes: Vec::new() }
}

impl MadeArchive {
    pub fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    pub fn zip(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for entry in &self.0 {
            let options = SimpleFileOptions::default();
            match entry.mark {
                b'2' => zip.add_symlink(entry.path.as_str(), "a.md", options).unwrap(),
                _ => {
                    zip.start_file(entry.path.as_str(), options).unwrap();
                    zip.write_all(&entry.bytes).unwrap();
                }
            }
        }
        zip.finish().unwrap().into_inner()
    }

    pub fn tar(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for entry in &self.0 {
            let mut header = [0; 512];
            header[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", entry.bytes.len()).as_bytes());
            header[156] = entry.mark;
            header[257..263].copy_from_slice(b"ustar\0");
            header[148..156].fill(b' ');
            let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            tar.extend_from_slice(&header);
            tar.extend_from_slice(&entry.bytes);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1_024, 0);
        tar
    }

    pub fn tar_gz(&self) -> Vec<u8> {
        packed(&self.tar())
    }
}

pub fn packed(bytes: &[u8]) -> Vec<u8> {
    packed_at(bytes, Compression::default())
}

/// In gzip as it is, so that each of its bytes is found there.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    packed_at(bytes, Compression::none())
}

fn packed_at(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), level);
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
