//! Rows of `citations`, with what became of the documents that they are from.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::chat::citations::Citation;
use crate::db::{self, TenantTx};

/// A citation by itself: where it stands, and where its words do.
#[derive(Clone, Debug)]
pub struct CitedPassage {
    /// Answer that it belongs to.
    pub message_id: Uuid,
    /// The citation.
    pub citation: Citation,
    /// Its document; absent once that is deleted.
    pub document: Option<CitedDocument>,
    /// The quote within its text; absent once that is deleted.
    pub context: Option<Context>,
}

/// The document of a citation as it is now.
#[derive(Clone, Debug)]
pub struct CitedDocument {
    /// Id.
    pub document_id: Uuid,
    /// Collection.
    pub collection_id: Uuid,
    /// Name.
    pub name: String,
    /// Title of the version that is read now.
    pub title: String,
    /// Version that is read now, and its number.
    pub active_version: Option<(Uuid, i32)>,
}

/// Text around a quote.
#[derive(Clone, Debug)]
pub struct Context {
    /// Before it.
    pub before: String,
    /// At its range.
    pub quote: String,
    /// After it.
    pub after: String,
}

impl TenantTx {
    /// Stores an answer's citations, in one statement however many there are.
    pub(in crate::chat) async fn insert_citations(
        &mut self,
        message_id: Uuid,
        citations: &[Citation],
    ) -> db::Result<()> {
        if citations.is_empty() {
            return Ok(());
        }
        let numbers: Vec<i32> = citations.iter().map(|it| it.number).collect();
        let ids: Vec<Uuid> = citations.iter().map(|it| it.citation_id).collect();
        let chunks: Vec<Uuid> = citations.iter().map(|it| it.chunk_id).collect();
        let documents: Vec<Uuid> = citations.iter().map(|it| it.document_id).collect();
        let versions: Vec<Uuid> = citations.iter().map(|it| it.version_id).collect();
        let version_numbers: Vec<i32> = citations.iter().map(|it| it.version_number).collect();
        let titles: Vec<String> = citations.iter().map(|it| it.document_title.clone()).collect();
        // Paths are of different lengths, which no array of arrays can be.
        let paths: Vec<Value> =
            citations.iter().map(|it| Value::from(it.heading_path.clone())).collect();
        let pages: Vec<Option<i32>> = citations.iter().map(|it| it.page).collect();
        let urls: Vec<Option<String>> = citations.iter().map(|it| it.url.clone()).collect();
        let starts: Vec<i32> = citations.iter().map(|it| it.char_start).collect();
        let ends: Vec<i32> = citations.iter().map(|it| it.char_end).collect();
        let quotes: Vec<String> = citations.iter().map(|it| it.quote.clone()).collect();
        let verified: Vec<bool> = citations.iter().map(|it| it.verified).collect();
        sqlx::query!(
            "insert into citations (
                tenant_id,
                message_id,
                number,
                citation_id,
                chunk_id,
                document_id,
                version_id,
                version_number,
                document_title,
                heading_path,
                page,
                url,
                char_start,
                char_end,
                quote,
                verified
            )
            select
                $1,
                $2,
                n.number,
                n.citation_id,
                n.chunk_id,
                n.document_id,
                n.version_id,
                n.version_number,
                n.document_title,
                array(
                    select h.heading
                    from jsonb_array_elements_text(n.heading_path) with ordinality as h (heading, place)
                    order by h.place
                ),
                n.page,
                n.url,
                n.char_start,
                n.char_end,
                n.quote,
                n.verified
            from unnest(
                $3::int[],
                $4::uuid[],
                $5::uuid[],
                $6::uuid[],
                $7::uuid[],
                $8::int[],
                $9::text[],
                $10::jsonb[],
                $11::int[],
                $12::text[],
                $13::int[],
                $14::int[],
                $15::text[],
                $16::boolean[]
            ) as n (
                number,
                citation_id,
                chunk_id,
                document_id,
                version_id,
                version_number,
                document_title,
                heading_path,
                page,
                url,
                char_start,
                char_end,
                quote,
                verified
            )",
            self.tenant().uuid(),
            message_id,
            &numbers,
            &ids,
            &chunks,
            &documents,
            &versions,
            &version_numbers,
            &titles,
            &paths,
            &pages as &[Option<i32>],
            &urls as &[Option<String>],
            &starts,
            &ends,
            &quotes,
            &verified
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Citations of messages, by message, in the order of their numbers.
    pub async fn list_citations(
        &mut self,
        message_ids: &[Uuid],
    ) -> db::Result<HashMap<Uuid, Vec<Citation>>> {
        let rows = sqlx::query!(
            r#"select
                c.message_id,
                c.number,
                c.citation_id,
                c.chunk_id,
                c.document_id,
                c.version_id,
                c.version_number,
                c.document_title,
                c.heading_path,
                c.page,
                c.url,
                c.char_start,
                c.char_end,
                c.quote,
                c.verified,
                d.active_version_id is distinct from c.version_id as "stale!"
            from citations c
            left join documents d on d.tenant_id = c.tenant_id and d.document_id = c.document_id
            where c.tenant_id = $1
                and c.message_id = any($2)
            order by
                c.message_id,
                c.number"#,
            self.tenant().uuid(),
            message_ids
        )
        .fetch_all(self.connection())
        .await?;
        let mut citations: HashMap<Uuid, Vec<Citation>> = HashMap::new();
        for row in rows {
            citations.entry(row.message_id).or_default().push(Citation {
                number: row.number,
                citation_id: row.citation_id,
                chunk_id: row.chunk_id,
                document_id: row.document_id,
                version_id: row.version_id,
                version_number: row.version_number,
                document_title: row.document_title,
                heading_path: row.heading_path,
                page: row.page,
                url: row.url,
                char_start: row.char_start,
                char_end: row.char_end,
                quote: row.quote,
                verified: row.verified,
                stale: row.stale,
            });
        }
        Ok(citations)
    }

    /// Answer and number of a citation.
    pub(in crate::chat) async fn find_citation(
        &mut self,
        citation_id: Uuid,
    ) -> db::Result<Option<(Uuid, i32)>> {
        let row = sqlx::query!(
            "select
                message_id,
                number
            from citations
            where tenant_id = $1
                and citation_id = $2",
            self.tenant().uuid(),
            citation_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| (row.message_id, row.number)))
    }

    /// A citation with its document and with so many characters of the text before and after its quote.
    pub(in crate::chat) async fn find_cited_passage(
        &mut self,
        message_id: Uuid,
        number: i32,
        context_chars: i32,
    ) -> db::Result<Option<CitedPassage>> {
        let mut cited = self.list_citations(&[message_id]).await?;
        let mut citations = cited.remove(&message_id).unwrap_or_default().into_iter();
        let Some(citation) = citations.find(|citation| citation.number == number) else {
            return Ok(None);
        };
        let document = self.find_cited_document(citation.document_id).await?;
        let context = sqlx::query_as!(
            Context,
            r#"select
                substring(
                    body
                    from greatest($3::int - $5::int, 0) + 1
                    for least($3::int, $5::int)
                ) as "before!",
                substring(body from $3::int + 1 for $4::int - $3::int) as "quote!",
                substring(body from $4::int + 1 for $5::int) as "after!"
            from document_texts
            where tenant_id = $1
                and version_id = $2"#,
            self.tenant().uuid(),
            citation.version_id,
            citation.char_start,
            citation.char_end,
            context_chars
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(Some(CitedPassage { message_id, citation, document, context }))
    }

    async fn find_cited_document(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<Option<CitedDocument>> {
        let row = sqlx::query!(
            r#"select
                d.document_id,
                d.collection_id,
                d.name,
                d.title,
                v.version_id as "version_id?",
                v.number as "number?"
            from documents d
            left join document_versions v
                on v.tenant_id = d.tenant_id
                and v.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.document_id = $2"#,
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(row.map(|row| CitedDocument {
            document_id: row.document_id,
            collection_id: row.collection_id,
            name: row.name,
            title: row.title,
            active_version: row.version_id.zip(row.number),
        }))
    }
}
