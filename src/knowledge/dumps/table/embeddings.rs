//! `embeddings.parquet`: a row for each vector, in the order of the passages.

use parquet::data_type::{FloatType, Int32Type};
use parquet::errors::Result;

use super::column::{Column, Rows, Texts, text, to_id};
use super::group::StoredGroup;
use super::{OpenGroup, Table};
use crate::knowledge::store::dump_contents::DumpedEmbedding;

/// Vectors by columns.
#[derive(Default)]
pub(in super::super) struct EmbeddingTable {
    chunk_id: Texts,
    number: Column<Int32Type>,
    embedding: Column<FloatType>,
}

impl Table for EmbeddingTable {
    type Row = DumpedEmbedding;

    const FILE: &'static str = "embeddings.parquet";
    const SCHEMA: &'static str = "message embeddings {
        REQUIRED BYTE_ARRAY chunk_id (STRING);
        REQUIRED INT32 number;
        REQUIRED group embedding (LIST) {
            REPEATED group list {
                REQUIRED FLOAT element;
            }
        }
    }";

    fn size_of(row: &DumpedEmbedding) -> usize {
        // Each number has two levels beside it.
        80 + 8 * row.embedding.len()
    }

    fn push(&mut self, row: DumpedEmbedding) {
        self.chunk_id.push(text(row.chunk_id));
        self.number.push(row.number);
        self.embedding.push_list(row.embedding);
    }

    fn write(&self, group: &mut OpenGroup<'_>) -> Result<()> {
        self.chunk_id.write(group)?;
        self.number.write(group)?;
        self.embedding.write(group)
    }

    fn read(group: &StoredGroup) -> Result<Vec<DumpedEmbedding>> {
        let mut chunk_id = Rows::new(Texts::read(group, 0)?.into_values());
        let mut number = Rows::new(Column::<Int32Type>::read(group, 1)?.into_values());
        let mut embedding = Rows::new(Column::<FloatType>::read(group, 2)?.into_lists());
        let row = |_| -> Result<DumpedEmbedding> {
            Ok(DumpedEmbedding {
                chunk_id: to_id(&chunk_id.take()?)?,
                number: number.take()?,
                embedding: embedding.take()?,
            })
        };
        (0..group.rows()).map(row).collect()
    }
}
