//! `documents.parquet`: a row for each document.

use chrono::{DateTime, Utc};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::Result;

use super::column::{Column, Rows, Texts, text, to_bytes, to_id, to_text, to_texts};
use super::group::StoredGroup;
use super::{OpenGroup, Table, damaged};
use crate::knowledge::store::dump_contents::DumpedDocument;

/// A document with its text.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct DocumentRow {
    /// What is told of it.
    pub document: DumpedDocument,
    /// Vectors of its passages.
    pub embedding_count: i32,
    /// Extracted text.
    pub text: String,
}

/// Documents by columns.
#[derive(Default)]
pub(in super::super) struct DocumentTable {
    document_id: Texts,
    version_id: Texts,
    version_number: Column<Int32Type>,
    original_version_id: Texts,
    name: Texts,
    title: Texts,
    source_url: Texts,
    metadata: Texts,
    media_type: Texts,
    size_bytes: Column<Int64Type>,
    content_sha256: Texts,
    language: Texts,
    char_count: Column<Int32Type>,
    chunk_count: Column<Int32Type>,
    embedding_count: Column<Int32Type>,
    created_at: Column<Int64Type>,
    enriched_at: Column<Int64Type>,
    summary: Texts,
    suggested_questions: Texts,
    text: Texts,
}

impl Table for DocumentTable {
    type Row = DocumentRow;

    const FILE: &'static str = "documents.parquet";
    const SCHEMA: &'static str = "message documents {
        REQUIRED BYTE_ARRAY document_id (STRING);
        REQUIRED BYTE_ARRAY version_id (STRING);
        REQUIRED INT32 version_number;
        OPTIONAL BYTE_ARRAY original_version_id (STRING);
        REQUIRED BYTE_ARRAY name (STRING);
        OPTIONAL BYTE_ARRAY title (STRING);
        OPTIONAL BYTE_ARRAY source_url (STRING);
        REQUIRED BYTE_ARRAY metadata (STRING);
        REQUIRED BYTE_ARRAY media_type (STRING);
        REQUIRED INT64 size_bytes;
        REQUIRED BYTE_ARRAY content_sha256 (STRING);
        OPTIONAL BYTE_ARRAY language (STRING);
        REQUIRED INT32 char_count;
        REQUIRED INT32 chunk_count;
        REQUIRED INT32 embedding_count;
        REQUIRED INT64 created_at (TIMESTAMP(MICROS,true));
        OPTIONAL INT64 enriched_at (TIMESTAMP(MICROS,true));
        OPTIONAL BYTE_ARRAY summary (STRING);
        REQUIRED group suggested_questions (LIST) {
            REPEATED group list {
                REQUIRED BYTE_ARRAY element (STRING);
            }
        }
        REQUIRED BYTE_ARRAY text (STRING);
    }";

    fn size_of(row: &DocumentRow) -> usize {
        let DumpedDocument { name, title, source_url, metadata, summary, .. } = &row.document;
        let options = [title, source_url, summary].map(|it| it.as_ref().map_or(0, String::len));
        let options: usize = options.iter().sum();
        let questions: usize = row.document.suggested_questions.iter().map(String::len).sum();
        // The tenant's own object may be as large as a text.
        300 + name.len() + options + questions + metadata.to_string().len() + row.text.len()
    }

    fn push(&mut self, row: DocumentRow) {
        let DocumentRow { document, embedding_count, text: body } = row;
        self.document_id.push(text(document.document_id));
        self.version_id.push(text(document.version_id));
        self.version_number.push(document.version_number);
        self.original_version_id.push_option(document.original_version_id.map(text));
        self.name.push(text(document.name));
        self.title.push_option(document.title.map(text));
        self.source_url.push_option(document.source_url.map(text));
        self.metadata.push(text(document.metadata.to_string()));
        self.media_type.push(text(document.media_type));
        self.size_bytes.push(document.size_bytes);
        self.content_sha256.push(text(hex::encode(document.content_sha256)));
        self.language.push_option(document.language.map(text));
        self.char_count.push(document.char_count);
        self.chunk_count.push(document.chunk_count);
        self.embedding_count.push(embedding_count);
        self.created_at.push(document.created_at.timestamp_micros());
        let enriched_at = document.enriched_at.map(|at| at.timestamp_micros());
        self.enriched_at.push_option(enriched_at);
        self.summary.push_option(document.summary.map(text));
        self.suggested_questions.push_list(document.suggested_questions.into_iter().map(text));
        self.text.push(text(body));
    }

    fn write(&self, group: &mut OpenGroup<'_>) -> Result<()> {
        self.document_id.write(group)?;
        self.version_id.write(group)?;
        self.version_number.write(group)?;
        self.original_version_id.write(group)?;
        self.name.write(group)?;
        self.title.write(group)?;
        self.source_url.write(group)?;
        self.metadata.write(group)?;
        self.media_type.write(group)?;
        self.size_bytes.write(group)?;
        self.content_sha256.write(group)?;
        self.language.write(group)?;
        self.char_count.write(group)?;
        self.chunk_count.write(group)?;
        self.embedding_count.write(group)?;
        self.created_at.write(group)?;
        self.enriched_at.write(group)?;
        self.summary.write(group)?;
        self.suggested_questions.write(group)?;
        self.text.write(group)
    }

    fn read(group: &StoredGroup) -> Result<Vec<DocumentRow>> {
        let mut document_id = Rows::new(Texts::read(group, 0)?.into_values());
        let mut version_id = Rows::new(Texts::read(group, 1)?.into_values());
        let mut version_number = Rows::new(Column::<Int32Type>::read(group, 2)?.into_values());
        let mut original = Rows::new(Texts::read(group, 3)?.into_options());
        let mut name = Rows::new(Texts::read(group, 4)?.into_values());
        let mut title = Rows::new(Texts::read(group, 5)?.into_options());
        let mut source_url = Rows::new(Texts::read(group, 6)?.into_options());
        let mut metadata = Rows::new(Texts::read(group, 7)?.into_values());
        let mut media_type = Rows::new(Texts::read(group, 8)?.into_values());
        let mut size_bytes = Rows::new(Column::<Int64Type>::read(group, 9)?.into_values());
        let mut digest = Rows::new(Texts::read(group, 10)?.into_values());
        let mut language = Rows::new(Texts::read(group, 11)?.into_options());
        let mut char_count = Rows::new(Column::<Int32Type>::read(group, 12)?.into_values());
        let mut chunk_count = Rows::new(Column::<Int32Type>::read(group, 13)?.into_values());
        let mut embedding_count = Rows::new(Column::<Int32Type>::read(group, 14)?.into_values());
        let mut created_at = Rows::new(Column::<Int64Type>::read(group, 15)?.into_values());
        let mut enriched_at = Rows::new(Column::<Int64Type>::read(group, 16)?.into_options());
        let mut summary = Rows::new(Texts::read(group, 17)?.into_options());
        let mut questions = Rows::new(Texts::read(group, 18)?.into_lists());
        let mut body = Rows::new(Texts::read(group, 19)?.into_values());
        let row = |_| -> Result<DocumentRow> {
            let document = DumpedDocument {
                document_id: to_id(&document_id.take()?)?,
                version_id: to_id(&version_id.take()?)?,
                version_number: version_number.take()?,
                original_version_id: original.take()?.as_ref().map(to_id).transpose()?,
                name: to_text(&name.take()?)?,
                title: to_texts(title.take()?)?,
                source_url: to_texts(source_url.take()?)?,
                metadata: serde_json::from_str(&to_text(&metadata.take()?)?)
                    .map_err(|_| damaged("metadata are no JSON"))?,
                media_type: to_text(&media_type.take()?)?,
                size_bytes: size_bytes.take()?,
                content_sha256: to_bytes(&digest.take()?)?,
                language: to_texts(language.take()?)?,
                char_count: char_count.take()?,
                chunk_count: chunk_count.take()?,
                created_at: to_time(created_at.take()?)?,
                enriched_at: enriched_at.take()?.map(to_time).transpose()?,
                summary: to_texts(summary.take()?)?,
                suggested_questions: questions
                    .take()?
                    .iter()
                    .map(to_text)
                    .collect::<Result<_>>()?,
            };
            let embedding_count = embedding_count.take()?;
            Ok(DocumentRow { document, embedding_count, text: to_text(&body.take()?)? })
        };
        (0..group.rows()).map(row).collect()
    }
}

/// A number of microseconds as a time.
fn to_time(micros: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| damaged("a time is none"))
}
