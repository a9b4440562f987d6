//! Tables of a dump as Parquet files: written and read group by group of rows, so that memory is bounded however long they are.

mod chunks;
mod column;
mod documents;
mod embeddings;
mod encoder;
mod group;
mod reader;
#[cfg(test)]
mod tests;

use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedRowGroupWriter;

pub(super) use self::chunks::ChunkTable;
pub(super) use self::documents::{DocumentRow, DocumentTable};
pub(super) use self::embeddings::EmbeddingTable;
pub(super) use self::encoder::Encoder;
use self::group::StoredGroup;
pub(super) use self::reader::TableReader;

/// Largest footer, in bytes: some 100 for each column of each group. A file with a larger one is neither written nor read.
const LARGEST_FOOTER: u64 = 256 << 20;

/// A group of rows that is being written; its bytes are taken away whenever a group ends.
type OpenGroup<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A kind of rows, by columns: the rows of a group until it is written.
pub(super) trait Table: Default + Send + 'static {
    /// One row.
    type Row: Send + 'static;
    /// Name of the file.
    const FILE: &'static str;
    /// The columns, in order, as Parquet writes schemas.
    const SCHEMA: &'static str;

    /// Bytes of a row's values, roughly.
    fn size_of(row: &Self::Row) -> usize;
    /// Adds a row.
    fn push(&mut self, row: Self::Row);
    /// Writes the columns of a group.
    ///
    /// # Errors
    /// The rows are not those of the schema.
    fn write(&self, group: &mut OpenGroup<'_>) -> Result<()>;
    /// The rows of a group.
    ///
    /// # Errors
    /// It is not one of this table.
    fn read(group: &StoredGroup) -> Result<Vec<Self::Row>>;
}

/// What is wrong with a file.
fn damaged(detail: impl Into<String>) -> ParquetError {
    ParquetError::General(detail.into())
}
