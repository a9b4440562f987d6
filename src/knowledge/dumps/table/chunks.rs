//! `chunks.parquet`: a row for each passage, in the order of the documents.

use parquet::data_type::Int32Type;
use parquet::errors::Result;

use super::column::{Column, Rows, Texts, text, to_bytes, to_id, to_text, to_texts};
use super::group::StoredGroup;
use super::{OpenGroup, Table};
use crate::knowledge::store::dump_contents::DumpedChunk;

/// Passages by columns.
#[derive(Default)]
pub(in super::super) struct ChunkTable {
    chunk_id: Texts,
    document_id: Texts,
    ordinal: Column<Int32Type>,
    heading_path: Texts,
    anchor: Texts,
    page: Column<Int32Type>,
    page_starts: Column<Int32Type>,
    char_start: Column<Int32Type>,
    char_end: Column<Int32Type>,
    body: Texts,
    context: Texts,
    embedded_sha256: Texts,
    embedding_model: Texts,
    terms: Texts,
    frequencies: Column<Int32Type>,
}

impl Table for ChunkTable {
    type Row = DumpedChunk;

    const FILE: &'static str = "chunks.parquet";
    const SCHEMA: &'static str = "message chunks {
        REQUIRED BYTE_ARRAY chunk_id (STRING);
        REQUIRED BYTE_ARRAY document_id (STRING);
        REQUIRED INT32 ordinal;
        REQUIRED group heading_path (LIST) {
            REPEATED group list {
                REQUIRED BYTE_ARRAY element (STRING);
            }
        }
        OPTIONAL BYTE_ARRAY anchor (STRING);
        OPTIONAL INT32 page;
        REQUIRED group page_starts (LIST) {
            REPEATED group list {
                REQUIRED INT32 element;
            }
        }
        REQUIRED INT32 char_start;
        REQUIRED INT32 char_end;
        REQUIRED BYTE_ARRAY body (STRING);
        OPTIONAL BYTE_ARRAY context (STRING);
        REQUIRED BYTE_ARRAY embedded_sha256 (STRING);
        REQUIRED BYTE_ARRAY embedding_model (STRING);
        REQUIRED group terms (LIST) {
            REPEATED group list {
                REQUIRED BYTE_ARRAY element (STRING);
            }
        }
        REQUIRED group frequencies (LIST) {
            REPEATED group list {
                REQUIRED INT32 element;
            }
        }
    }";

    fn size_of(row: &DumpedChunk) -> usize {
        let headings: usize = row.heading_path.iter().map(String::len).sum();
        let terms: usize = row.terms.keys().map(|term| term.len() + 40).sum();
        let context = row.context.as_ref().map_or(0, String::len);
        250 + headings + terms + 4 * row.page_starts.len() + row.body.len() + context
    }

    fn push(&mut self, row: DumpedChunk) {
        self.chunk_id.push(text(row.chunk_id));
        self.document_id.push(text(row.document_id));
        self.ordinal.push(row.ordinal);
        self.heading_path.push_list(row.heading_path.into_iter().map(text));
        self.anchor.push_option(row.anchor.map(text));
        self.page.push_option(row.page);
        self.page_starts.push_list(row.page_starts);
        self.char_start.push(row.char_start);
        self.char_end.push(row.char_end);
        self.body.push(text(row.body));
        self.context.push_option(row.context.map(text));
        self.embedded_sha256.push(text(hex::encode(row.embedded_sha256)));
        self.embedding_model.push(text(row.embedding_model));
        self.frequencies.push_list(row.terms.values().copied());
        self.terms.push_list(row.terms.into_keys().map(text));
    }

    fn write(&self, group: &mut OpenGroup<'_>) -> Result<()> {
        self.chunk_id.write(group)?;
        self.document_id.write(group)?;
        self.ordinal.write(group)?;
        self.heading_path.write(group)?;
        self.anchor.write(group)?;
        self.page.write(group)?;
        self.page_starts.write(group)?;
        self.char_start.write(group)?;
        self.char_end.write(group)?;
        self.body.write(group)?;
        self.context.write(group)?;
        self.embedded_sha256.write(group)?;
        self.embedding_model.write(group)?;
        self.terms.write(group)?;
        self.frequencies.write(group)
    }

    fn read(group: &StoredGroup) -> Result<Vec<DumpedChunk>> {
        let mut chunk_id = Rows::new(Texts::read(group, 0)?.into_values());
        let mut document_id = Rows::new(Texts::read(group, 1)?.into_values());
        let mut ordinal = Rows::new(Column::<Int32Type>::read(group, 2)?.into_values());
        let mut heading_path = Rows::new(Texts::read(group, 3)?.into_lists());
        let mut anchor = Rows::new(Texts::read(group, 4)?.into_options());
        let mut page = Rows::new(Column::<Int32Type>::read(group, 5)?.into_options());
        let mut page_starts = Rows::new(Column::<Int32Type>::read(group, 6)?.into_lists());
        let mut char_start = Rows::new(Column::<Int32Type>::read(group, 7)?.into_values());
        let mut char_end = Rows::new(Column::<Int32Type>::read(group, 8)?.into_values());
        let mut body = Rows::new(Texts::read(group, 9)?.into_values());
        let mut context = Rows::new(Texts::read(group, 10)?.into_options());
        let mut digest = Rows::new(Texts::read(group, 11)?.into_values());
        let mut model = Rows::new(Texts::read(group, 12)?.into_values());
        let mut terms = Rows::new(Texts::read(group, 13)?.into_lists());
        let mut frequencies = Rows::new(Column::<Int32Type>::read(group, 14)?.into_lists());
        let row = |_| -> Result<DumpedChunk> {
            let terms = terms.take()?.into_iter().zip(frequencies.take()?);
            Ok(DumpedChunk {
                chunk_id: to_id(&chunk_id.take()?)?,
                document_id: to_id(&document_id.take()?)?,
                ordinal: ordinal.take()?,
                heading_path: heading_path.take()?.iter().map(to_text).collect::<Result<_>>()?,
                anchor: to_texts(anchor.take()?)?,
                page: page.take()?,
                page_starts: page_starts.take()?,
                char_start: char_start.take()?,
                char_end: char_end.take()?,
                body: to_text(&body.take()?)?,
                context: to_texts(context.take()?)?,
                embedded_sha256: to_bytes(&digest.take()?)?,
                embedding_model: to_text(&model.take()?)?,
                terms: terms
                    .map(|(term, frequency)| Ok((to_text(&term)?, frequency)))
                    .collect::<Result<_>>()?,
            })
        };
        (0..group.rows()).map(row).collect()
    }
}
