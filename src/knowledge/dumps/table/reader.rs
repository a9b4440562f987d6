//! Reads a file group by group: its footer first, then the bytes of one group at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::group::{Piece, StoredGroup, place, rows};
use super::{Table, damaged};
use crate::adapters::objects::{ObjectKey, Objects};
use crate::knowledge::dumps::attempt::AttemptError;

/// Bytes at the very end: the length of the footer, and Parquet's mark.
const TAIL: u64 = 8;
/// Largest footer: some 100 bytes for each column of each group.
const LARGEST_FOOTER: u64 = 256 << 20;

/// A file that is read from its beginning to its end.
pub(in super::super) struct TableReader<T: Table> {
    objects: Arc<dyn Objects>,
    key: ObjectKey,
    file: Arc<ParquetMetaData>,
    /// Number of the next group.
    next: usize,
    /// Rows of the group before it that nobody has taken yet.
    rows: VecDeque<T::Row>,
}

impl<T: Table> TableReader<T> {
    /// Opens a file of so many bytes.
    ///
    /// # Errors
    /// It is not there, or is no such file.
    pub async fn open(
        objects: Arc<dyn Objects>,
        key: ObjectKey,
        size: u64,
    ) -> Result<Self, AttemptError> {
        let end = size.checked_sub(TAIL).ok_or_else(|| damaged("the file is too short"))?;
        let tail = objects.read(&key, end, TAIL).await?;
        let (length, mark) =
            tail.split_first_chunk::<4>().ok_or_else(|| damaged("the file is too short"))?;
        let length = u64::from(u32::from_le_bytes(*length));
        if mark != b"PAR1" || length > LARGEST_FOOTER {
            return Err(damaged("the file is no Parquet").into());
        }
        let begin = end.checked_sub(length).ok_or_else(|| damaged("the footer is too long"))?;
        let footer = objects.read(&key, begin, length).await?;
        let file = ParquetMetaDataReader::decode_metadata(&footer)?;
        Ok(Self { objects, key, file: Arc::new(file), next: 0, rows: VecDeque::new() })
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// The file can not be read, or is another one.
    pub async fn next(&mut self) -> Result<Option<T::Row>, AttemptError> {
        while self.rows.is_empty() {
            if self.next >= self.file.num_row_groups() {
                return Ok(None);
            }
            self.read_group().await?;
        }
        Ok(self.rows.pop_front())
    }

    /// The next rows, exactly so many.
    ///
    /// # Errors
    /// There are fewer, or as above.
    pub async fn take(&mut self, count: i32) -> Result<Vec<T::Row>, AttemptError> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(self.next().await?.ok_or_else(|| damaged("the file ends too early"))?);
        }
        Ok(taken)
    }

    /// Passes over so many rows; groups that are passed over whole are not read.
    ///
    /// # Errors
    /// There are fewer, or as above.
    pub async fn skip(&mut self, mut count: usize) -> Result<(), AttemptError> {
        while count > 0 {
            if self.rows.is_empty() && self.next < self.file.num_row_groups() {
                let ahead = rows(self.file.row_group(self.next));
                if ahead <= count {
                    self.next += 1;
                    count -= ahead;
                    continue;
                }
            }
            self.next().await?.ok_or_else(|| damaged("the file ends too early"))?;
            count -= 1;
        }
        Ok(())
    }

    async fn read_group(&mut self) -> Result<(), AttemptError> {
        let (start, length) = place(self.file.row_group(self.next));
        let bytes = self.objects.read(&self.key, start, length).await?;
        let piece = Piece { start, bytes };
        let group = StoredGroup::new(Arc::clone(&self.file), self.next, piece);
        let read = move || T::read(&group);
        let rows: Result<Vec<T::Row>, ParquetError> = tokio::task::spawn_blocking(read).await?;
        self.rows = rows?.into();
        self.next += 1;
        Ok(())
    }
}
