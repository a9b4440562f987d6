//! The switch of a collection's enrichment, in `collections`, and what readers are shown of rows of `enrichments`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, TenantTx};
use crate::knowledge::reach::Reach;

/// Whether a collection is enriched, and for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrichmentSwitch {
    /// Whether it is on.
    pub is_on: bool,
    /// Tokens of a month; as many as the settings say when absent.
    pub monthly_tokens: Option<i64>,
}

/// What a model wrote about a document, and how far it came.
#[derive(Clone, Debug)]
pub struct DocumentEnrichment {
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Whether the collection is switched on.
    pub is_on: bool,
    /// Why the whole collection stands still.
    pub waits_for: Option<String>,
    /// waiting, running, completed or failed; absent while the version in search had no turn.
    pub state: Option<String>,
    /// Why it failed, or waits for another attempt.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason_detail: Option<String>,
    /// Passages that are to get a context.
    pub passages: Option<i32>,
    /// How many of them were asked for.
    pub contexts: Option<i32>,
    /// Summary.
    pub summary: Option<String>,
    /// Questions that the document answers.
    pub suggested_questions: Option<Vec<String>>,
    /// When something was last achieved.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A question that a document answers.
#[derive(Clone, Debug)]
pub struct SuggestedQuestion {
    /// Document.
    pub document_id: Uuid,
    /// Question.
    pub question: String,
}

/// What a model wrote about a version before it came into search.
#[derive(Clone, Debug)]
pub(in crate::knowledge) struct CompletedEnrichment {
    /// Document.
    pub document_id: Uuid,
    /// Version, which is in search.
    pub version_id: Uuid,
    /// Collection of the document.
    pub collection_id: Uuid,
    /// Random word in the tags around the document.
    pub marker: String,
    /// Passages of the version.
    pub passages: i32,
    /// Summary.
    pub summary: Option<String>,
    /// Questions that the document answers.
    pub suggested_questions: Vec<String>,
    /// When both were asked for.
    pub summarised_at: DateTime<Utc>,
}

impl TenantTx {
    /// The switch of a collection of documentation. What is attached to a session has none, and no model reads it ahead.
    pub async fn find_enrichment_switch(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<EnrichmentSwitch>> {
        let switch = sqlx::query_as!(
            EnrichmentSwitch,
            r#"select
                enrichment = 'on' as "is_on!",
                enrichment_monthly_tokens as monthly_tokens
            from collections
            where tenant_id = $1
                and collection_id = $2
                and name is not null"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(switch)
    }

    /// The same, locked until the transaction ends.
    pub(in crate::knowledge) async fn lock_enrichment_switch(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<EnrichmentSwitch>> {
        let switch = sqlx::query_as!(
            EnrichmentSwitch,
            r#"select
                enrichment = 'on' as "is_on!",
                enrichment_monthly_tokens as monthly_tokens
            from collections
            where tenant_id = $1
                and collection_id = $2
                and name is not null
            for update"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(switch)
    }

    /// Sets the switch; whether there is anything to wait for shows when the work goes on.
    pub(in crate::knowledge) async fn update_enrichment_switch(
        &mut self,
        collection_id: Uuid,
        switch: EnrichmentSwitch,
    ) -> db::Result<()> {
        sqlx::query!(
            "update collections
            set
                enrichment = case when $3 then 'on' else 'off' end,
                enrichment_monthly_tokens = $4,
                enrichment_waits_for = null,
                updated_at = now()
            where tenant_id = $1
                and collection_id = $2",
            self.tenant().uuid(),
            collection_id,
            switch.is_on,
            switch.monthly_tokens
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets what failed wait again, and what waits for another attempt go on at once. Rows are locked in the order of their
    /// documents, as by whoever lines them up: two that wait for each other would both fail.
    pub(in crate::knowledge) async fn retry_enrichments(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "with again as materialized (
                select document_id
                from enrichments
                where tenant_id = $1
                    and collection_id = $2
                    and (state = 'failed' or state = 'waiting' and due_at > now())
                order by document_id
                for update
            )
            update enrichments e
            set
                state = 'waiting',
                reason_code = null,
                reason_detail = null,
                attempts = 0,
                due_at = now()
            from again a
            where e.tenant_id = $1
                and e.document_id = a.document_id",
            self.tenant().uuid(),
            collection_id
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what was written about a document that the transaction has made. The only passage of a document gets no context.
    pub(in crate::knowledge) async fn insert_completed_enrichment(
        &mut self,
        written: &CompletedEnrichment,
    ) -> db::Result<()> {
        sqlx::query!(
            "insert into enrichments (
                tenant_id,
                document_id,
                version_id,
                collection_id,
                state,
                marker,
                passages,
                contexts,
                summary,
                suggested_questions,
                summarised_at
            )
            values (
                $1,
                $2,
                $3,
                $4,
                'completed',
                $5,
                case when $6::int > 1 then $6::int else 0 end,
                case when $6::int > 1 then $6::int else 0 end,
                $7,
                $8,
                $9
            )",
            self.tenant().uuid(),
            written.document_id,
            written.version_id,
            written.collection_id,
            written.marker,
            written.passages,
            written.summary,
            &written.suggested_questions,
            written.summarised_at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What a model wrote about the version of a document that is in search; `None` when there is no such document.
    pub(in crate::knowledge) async fn find_document_enrichment(
        &mut self,
        document_id: Uuid,
    ) -> db::Result<Option<DocumentEnrichment>> {
        let found = sqlx::query_as!(
            DocumentEnrichment,
            r#"select
                d.collection_id,
                c.enrichment = 'on' as "is_on!",
                c.enrichment_waits_for as waits_for,
                e.state as "state?",
                e.reason_code as "reason_code?",
                e.reason_detail as "reason_detail?",
                e.passages as "passages?",
                e.contexts as "contexts?",
                e.summary as "summary?",
                e.suggested_questions as "suggested_questions?",
                e.updated_at as "updated_at?"
            from documents d
            join collections c on c.tenant_id = d.tenant_id and c.collection_id = d.collection_id
            left join enrichments e
                on e.tenant_id = d.tenant_id
                and e.document_id = d.document_id
                and e.version_id = d.active_version_id
            where d.tenant_id = $1
                and d.document_id = $2"#,
            self.tenant().uuid(),
            document_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(found)
    }

    /// Questions that documents of a collection answer: first one of each document, those that were enriched last before the
    /// others, then a second one of each.
    pub(in crate::knowledge) async fn list_suggested_questions(
        &mut self,
        reach: &Reach,
        collection_id: Uuid,
        most: i64,
    ) -> db::Result<Vec<SuggestedQuestion>> {
        let questions = sqlx::query_as!(
            SuggestedQuestion,
            r#"select
                l.document_id as "document_id!",
                q.question as "question!"
            from (
                select
                    e.document_id,
                    e.suggested_questions,
                    e.summarised_at
                from enrichments e
                join documents d
                    on d.tenant_id = e.tenant_id
                    and d.document_id = e.document_id
                    and d.active_version_id = e.version_id
                where e.tenant_id = $1
                    and e.collection_id = $2
                    and e.suggested_questions <> '{}'
                    and ($3::uuid[] is null or e.collection_id = any($3))
                    and e.collection_id <> all($4)
                order by e.summarised_at desc, e.document_id
                limit $5
            ) l
            cross join lateral unnest(l.suggested_questions) with ordinality as q (question, place)
            order by q.place, l.summarised_at desc, l.document_id
            limit $5"#,
            self.tenant().uuid(),
            collection_id,
            reach.only(),
            reach.hidden(),
            most
        )
        .fetch_all(self.connection())
        .await?;
        Ok(questions)
    }
}
