//! Reads a file group by group: its footer first, then the bytes of one group at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

use super::group::{Piece, StoredGroup, place, rows};
use super::{LARGEST_FOOTER, Table, damaged};
use crate::knowledge::dumps::attempt::AttemptError;
use crate::knowledge::dumps::checked_object::CheckedObject;

/// Bytes at the very end: the length of the footer, and Parquet's mark.
const TAIL: u64 = 8;

/// A file that is read from its beginning to its end.
pub(in super::super) struct TableReader<T: Table> {
    object: CheckedObject,
    file: Arc<ParquetMetaData>,
    /// Number of the next group.
    next: usize,
    /// Rows of the group before it that nobody has taken yet.
    rows: VecDeque<T::Row>,
}

impl<T: Table> TableReader<T> {
    /// Opens a file.
    ///
    /// # Errors
    /// It is not there any more, or is no file of this table.
    pub async fn open(object: CheckedObject) -> Result<Self, AttemptError> {
        let end = object.size().checked_sub(TAIL);
        let end = end.ok_or_else(|| damaged("the file is too short"))?;
        let tail = object.read(end, TAIL).await?;
        let (length, mark) =
            tail.split_first_chunk::<4>().ok_or_else(|| damaged("the file is too short"))?;
        let length = u64::from(u32::from_le_bytes(*length));
        if mark != b"PAR1" || length > LARGEST_FOOTER {
            return Err(damaged("the file is no Parquet").into());
        }
        let begin = end.checked_sub(length).ok_or_else(|| damaged("the footer is too long"))?;
        let footer = object.read(begin, length).await?;
        let file = tokio::task::spawn_blocking(move || decode::<T>(&footer)).await??;
        Ok(Self { object, file: Arc::new(file), next: 0, rows: VecDeque::new() })
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
        let place = place(self.file.row_group(self.next));
        let (start, length) = place.ok_or_else(|| damaged("a group is nowhere"))?;
        let bytes = self.object.read(start, length).await?;
        let piece = Piece { start, bytes };
        let group = StoredGroup::new(Arc::clone(&self.file), self.next, piece);
        let read = move || T::read(&group);
        let rows: Result<Vec<T::Row>, ParquetError> = tokio::task::spawn_blocking(read).await?;
        self.rows = rows?.into();
        self.next += 1;
        Ok(())
    }
}

/// What a footer tells of a file, which must have the columns of the table: they are read as such.
fn decode<T: Table>(footer: &[u8]) -> ParquetResult<ParquetMetaData> {
    let file = ParquetMetaDataReader::decode_metadata(footer)?;
    let wanted = SchemaDescriptor::new(Arc::new(parse_message_type(T::SCHEMA)?));
    let columns = |schema: &SchemaDescriptor| -> Vec<_> {
        let levels = schema
            .columns()
            .iter()
            .map(|column| (column.physical_type(), column.max_def_level(), column.max_rep_level()));
        levels.collect()
    };
    if columns(file.file_metadata().schema_descr()) == columns(&wanted) {
        Ok(file)
    } else {
        Err(damaged("the file has other columns"))
    }
}
