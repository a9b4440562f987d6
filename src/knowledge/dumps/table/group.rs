//! A group of rows as it is stored: its bytes, at their place in the file.

use std::sync::Arc;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use super::damaged;

/// A group with its bytes.
pub(in super::super) struct StoredGroup {
    file: Arc<ParquetMetaData>,
    number: usize,
    bytes: Arc<Piece>,
}

/// A piece of a file.
pub(super) struct Piece {
    /// Where it begins.
    pub start: u64,
    /// What stands there.
    pub bytes: Bytes,
}

impl StoredGroup {
    /// The group of a number, whose bytes stand at its [`place`].
    pub(super) fn new(file: Arc<ParquetMetaData>, number: usize, piece: Piece) -> Self {
        Self { file, number, bytes: Arc::new(piece) }
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        rows(self.meta())
    }

    /// The column of a number.
    pub(super) fn column(&self, number: usize) -> Result<&ColumnChunkMetaData> {
        self.meta().columns().get(number).ok_or_else(|| damaged("the file has fewer columns"))
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> Arc<Piece> {
        Arc::clone(&self.bytes)
    }

    fn meta(&self) -> &RowGroupMetaData {
        self.file.row_group(self.number)
    }
}

/// How many rows a group has.
pub(super) fn rows(group: &RowGroupMetaData) -> usize {
    usize::try_from(group.num_rows()).unwrap_or_default()
}

/// Where the bytes of a group stand, and how many they are; `None` where that can not be.
pub(super) fn place(group: &RowGroupMetaData) -> Option<(u64, u64)> {
    let ranges: Option<Vec<(u64, u64)>> = group.columns().iter().map(range).collect();
    let ranges = ranges?;
    let start = ranges.iter().map(|(start, _)| *start).min()?;
    let end = ranges.iter().map(|(_, end)| *end).max()?;
    Some((start, end - start))
}

/// From where to where the bytes of a column stand.
fn range(column: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let start = u64::try_from(start).ok()?;
    let length = u64::try_from(column.compressed_size()).ok()?;
    Some((start, start.checked_add(length)?))
}

impl Piece {
    /// The bytes from here on.
    fn starting_at(&self, offset: u64) -> Result<Bytes> {
        let skipped = offset.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        let skipped = skipped.filter(|skip| *skip <= self.bytes.len());
        skipped.map(|skip| self.bytes.slice(skip..)).ok_or_else(short)
    }
}

impl Length for Piece {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Piece {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.starting_at(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.starting_at(start)?;
        if length <= bytes.len() { Ok(bytes.slice(..length)) } else { Err(short()) }
    }
}

fn short() -> ParquetError {
    damaged("the file ends too early")
}
