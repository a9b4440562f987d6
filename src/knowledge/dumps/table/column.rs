//! A column of a group: its values, and the levels that tell what is absent and where lists begin.

use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::Result;
use parquet::file::reader::SerializedPageReader;
use uuid::Uuid;

use super::group::StoredGroup;
use super::{OpenGroup, damaged};

/// A column of texts.
pub(super) type Texts = Column<ByteArrayType>;

/// Values of one column. All rows of one are added in the same way: as values, as options or as lists.
pub(super) struct Column<D: DataType> {
    values: Vec<D::T>,
    /// Of options and lists: 1 for a value, 0 for none.
    definitions: Vec<i16>,
    /// Of lists: 0 where one begins, 1 where it goes on.
    repetitions: Vec<i16>,
}

impl<D: DataType> Default for Column<D> {
    fn default() -> Self {
        Self { values: Vec::new(), definitions: Vec::new(), repetitions: Vec::new() }
    }
}

impl<D: DataType> Column<D> {
    /// Adds a value.
    pub fn push(&mut self, value: D::T) {
        self.values.push(value);
    }

    /// Adds a value or none.
    pub fn push_option(&mut self, value: Option<D::T>) {
        self.definitions.push(i16::from(value.is_some()));
        self.values.extend(value);
    }

    /// Adds a list.
    pub fn push_list(&mut self, list: impl IntoIterator<Item = D::T>) {
        let before = self.values.len();
        self.values.extend(list);
        let count = self.values.len() - before;
        self.definitions.extend(std::iter::repeat_n(i16::from(count > 0), count.max(1)));
        self.repetitions.push(0);
        self.repetitions.extend(std::iter::repeat_n(1, count.saturating_sub(1)));
    }

    /// Writes the column as the next one of a group.
    pub fn write(&self, group: &mut OpenGroup<'_>) -> Result<()> {
        let next = group.next_column()?;
        let mut column = next.ok_or_else(|| damaged("the schema has fewer columns"))?;
        let (definitions, repetitions) = (levels(&self.definitions), levels(&self.repetitions));
        column.typed::<D>().write_batch(self.values.as_slice(), definitions, repetitions)?;
        column.close()
    }

    /// Reads the column of a number of a group.
    pub fn read(group: &StoredGroup, number: usize) -> Result<Self> {
        let meta = group.column(number)?;
        let rows = group.rows();
        let pages = SerializedPageReader::new(group.bytes(), meta, rows, None)?;
        let mut reader = ColumnReaderImpl::<D>::new(meta.column_descr_ptr(), Box::new(pages));
        let mut column = Self::default();
        let Self { values, definitions, repetitions } = &mut column;
        let (read, ..) = reader.read_records(rows, Some(definitions), Some(repetitions), values)?;
        if read == rows { Ok(column) } else { Err(damaged("a column has too few rows")) }
    }

    /// The rows, of a column of values.
    pub fn into_values(self) -> Vec<D::T> {
        self.values
    }

    /// The rows, of a column of options.
    pub fn into_options(self) -> Vec<Option<D::T>> {
        let mut values = self.values.into_iter();
        let row = |definition: i16| if definition > 0 { values.next() } else { None };
        self.definitions.into_iter().map(row).collect()
    }

    /// The rows, of a column of lists.
    pub fn into_lists(self) -> Vec<Vec<D::T>> {
        let mut values = self.values.into_iter();
        let mut lists: Vec<Vec<D::T>> = Vec::new();
        for (definition, repetition) in self.definitions.into_iter().zip(self.repetitions) {
            if repetition == 0 {
                lists.push(Vec::new());
            }
            if definition > 0
                && let Some(list) = lists.last_mut()
            {
                list.extend(values.next());
            }
        }
        lists
    }
}

fn levels(levels: &[i16]) -> Option<&[i16]> {
    (!levels.is_empty()).then_some(levels)
}

/// A text as a value.
pub(super) fn text(text: impl Into<String>) -> ByteArray {
    ByteArray::from(text.into().into_bytes())
}

/// A value as a text.
pub(super) fn to_text(value: &ByteArray) -> Result<String> {
    Ok(value.as_utf8()?.to_owned())
}

/// A value that is a text or none.
pub(super) fn to_texts(value: Option<ByteArray>) -> Result<Option<String>> {
    value.as_ref().map(to_text).transpose()
}

/// A value as an id.
pub(super) fn to_id(value: &ByteArray) -> Result<Uuid> {
    value.as_utf8()?.parse().map_err(|_| damaged("an id is none"))
}

/// A value as bytes, which are written as hexadecimal digits.
pub(super) fn to_bytes(value: &ByteArray) -> Result<Vec<u8>> {
    hex::decode(value.as_utf8()?).map_err(|_| damaged("a digest is none"))
}

/// The rows of a column, one after the other, with an error where there are fewer than in the others.
pub(super) struct Rows<T>(std::vec::IntoIter<T>);

impl<T> Rows<T> {
    /// From the first row on.
    pub fn new(rows: Vec<T>) -> Self {
        Self(rows.into_iter())
    }

    /// The next row.
    pub fn take(&mut self) -> Result<T> {
        self.0.next().ok_or_else(|| damaged("a column has too few rows"))
    }
}
