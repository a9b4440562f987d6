//! Rows in, bytes of a Parquet file out.

use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel};
use parquet::errors::Result;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{LARGEST_FOOTER, Table, damaged};

/// A file that is being written: the rows of one group, and what of the file was not taken away yet.
pub(in super::super) struct Encoder<T> {
    file: SerializedFileWriter<Vec<u8>>,
    group: T,
    rows: usize,
    bytes: usize,
    total: u64,
}

impl<T: Table> Encoder<T> {
    /// An empty file.
    ///
    /// # Errors
    /// The schema is none.
    pub fn new() -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_created_by(format!("pidima {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::GZIP(GzipLevel::default()))
            // Hardly a value stands twice, and texts have no place among statistics.
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let schema = Arc::new(parse_message_type(T::SCHEMA)?);
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        Ok(Self { file, group: T::default(), rows: 0, bytes: 0, total: 0 })
    }

    /// Adds a row.
    pub fn push(&mut self, row: T::Row) {
        self.bytes += T::size_of(&row);
        self.rows += 1;
        self.total += 1;
        self.group.push(row);
    }

    /// Rows of the group.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of their values, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows of the file.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Writes the rows there are as a group, which takes its time, and takes away what there is of the file.
    ///
    /// # Errors
    /// The rows are not those of the schema.
    pub fn end_group(mut self) -> Result<(Self, Vec<u8>)> {
        if self.rows > 0 {
            let rows = std::mem::take(&mut self.group);
            let mut group = self.file.next_row_group()?;
            rows.write(&mut group)?;
            group.close()?;
            (self.rows, self.bytes) = (0, 0);
        }
        self.file.flush()?;
        let bytes = std::mem::take(self.file.inner_mut());
        Ok((self, bytes))
    }

    /// The rest of the file.
    ///
    /// # Errors
    /// As above, or it has more groups than anybody would read.
    pub fn finish(self) -> Result<Vec<u8>> {
        let (mut this, mut bytes) = self.end_group()?;
        this.file.finish()?;
        let footer = this.file.inner_mut();
        if footer.len() as u64 > LARGEST_FOOTER {
            return Err(damaged("too many groups of rows; raise PIDIMA_DUMP_ROW_GROUP_ROWS"));
        }
        bytes.append(footer);
        Ok(bytes)
    }
}
