//! Rows of `enrichments` in the hands of a worker. Each change names the token of its lease: a worker that was taken for dead
//! changes nothing, nor does one whose document has another version in search by now.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Shortest wait for a document that waits for something.
const SHORTEST_WAIT: f64 = 0.05;

/// A document that is ours.
#[derive(Clone, Debug)]
pub struct ClaimedDocument {
    /// Document.
    pub document_id: Uuid,
    /// Its version in search.
    pub version_id: Uuid,
    /// Its collection.
    pub collection_id: Uuid,
    /// Title found in the version, else the name.
    pub title: String,
    /// Proof that it is ours.
    pub token: Uuid,
    /// Random word in the tags around the document.
    pub marker: String,
    /// Whether summary and questions were asked for.
    pub is_summarised: bool,
    /// How often a worker began since something was last achieved, this time included.
    pub attempts: i32,
    /// Call that the worker before reserved last, which may have ended or not.
    pub call_before: Option<Uuid>,
}

/// What a model wrote of a document as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Summary.
    pub summary: Option<String>,
    /// Questions that it answers.
    pub questions: Vec<String>,
}

/// Why a document goes no further for now.
#[derive(Clone, Copy, Debug)]
pub struct Setback<'a> {
    /// For programs.
    pub code: &'a str,
    /// In words.
    pub detail: &'a str,
    /// When it is tried again; given up when absent.
    pub again_after: Option<Duration>,
    /// Whether it counts as an attempt at the document.
    pub is_counted: bool,
}

impl TenantTx {
    /// Takes the document of a collection that has waited longest and that nobody has in hand.
    pub(in crate::enrichment) async fn claim_enrichment(
        &mut self,
        collection_id: Uuid,
        token: Uuid,
        lease: Duration,
    ) -> db::Result<Option<ClaimedDocument>> {
        let claimed = sqlx::query_as!(
            ClaimedDocument,
            r#"with next as materialized (
                select
                    e.document_id,
                    e.call_id
                from enrichments e
                join documents d
                    on d.tenant_id = e.tenant_id
                    and d.document_id = e.document_id
                    and d.active_version_id = e.version_id
                where e.tenant_id = $1
                    and e.collection_id = $2
                    and e.state in ('waiting', 'running')
                    and e.due_at <= now()
                    and (e.lease_expires_at is null or e.lease_expires_at <= now())
                order by e.due_at, e.document_id
                limit 1
                for update of e skip locked
            )
            update enrichments e
            set
                state = 'running',
                attempts = e.attempts + 1,
                lease_token = $3,
                lease_expires_at = now() + make_interval(secs => $4),
                call_id = null
            from next n
            join documents d on d.tenant_id = $1 and d.document_id = n.document_id
            join document_versions v on v.tenant_id = $1 and v.version_id = d.active_version_id
            where e.tenant_id = $1
                and e.document_id = n.document_id
                and e.version_id = d.active_version_id
            returning
                e.document_id,
                e.version_id,
                e.collection_id,
                coalesce(v.title, d.name) as "title!",
                e.lease_token as "token!",
                e.marker,
                e.summarised_at is not null as "is_summarised!",
                e.attempts,
                n.call_id as "call_before?""#,
            self.tenant().uuid(),
            collection_id,
            token,
            lease.as_secs_f64()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(claimed)
    }

    /// Gives documents of a collection their turn that have none yet, or that have another version in search by now; how many
    /// there were. The markers are as many random words as there may be documents.
    pub(in crate::enrichment) async fn line_up_enrichments(
        &mut self,
        collection_id: Uuid,
        markers: &[String],
    ) -> db::Result<u64> {
        let lined_up = sqlx::query!(
            "with found as materialized (
                select
                    d.document_id,
                    d.active_version_id,
                    row_number() over (order by d.document_id) as place
                from documents d
                left join enrichments e
                    on e.tenant_id = d.tenant_id
                    and e.document_id = d.document_id
                where d.tenant_id = $1
                    and d.collection_id = $2
                    and d.active_version_id is not null
                    and e.version_id is distinct from d.active_version_id
                order by d.document_id
                limit cardinality($3::text[])
            )
            insert into enrichments as e (
                tenant_id,
                document_id,
                version_id,
                collection_id,
                marker
            )
            select
                d.tenant_id,
                d.document_id,
                f.active_version_id,
                $2,
                ($3::text[])[f.place::int]
            from found f
            join documents d
                on d.tenant_id = $1
                and d.document_id = f.document_id
                and d.active_version_id = f.active_version_id
            order by d.document_id
            for key share of d
            on conflict on constraint enrichments_pkey do update
            set
                version_id = excluded.version_id,
                state = 'waiting',
                reason_code = null,
                reason_detail = null,
                marker = excluded.marker,
                passages = 0,
                contexts = 0,
                summary = null,
                suggested_questions = '{}',
                summarised_at = null,
                attempts = 0,
                due_at = now(),
                lease_token = null,
                lease_expires_at = null,
                updated_at = now()
            where e.version_id <> excluded.version_id",
            self.tenant().uuid(),
            collection_id,
            markers
        )
        .execute(self.connection())
        .await?;
        Ok(lined_up.rows_affected())
    }

    /// How long until a document of a collection is due; absent when none waits.
    pub(in crate::enrichment) async fn next_enrichment(
        &mut self,
        collection_id: Uuid,
    ) -> db::Result<Option<Duration>> {
        let seconds = sqlx::query_scalar!(
            r#"select
                extract(epoch from min(greatest(e.due_at, e.lease_expires_at)) - now())::float8 as "seconds?"
            from enrichments e
            join documents d
                on d.tenant_id = e.tenant_id
                and d.document_id = e.document_id
                and d.active_version_id = e.version_id
            where e.tenant_id = $1
                and e.collection_id = $2
                and e.state in ('waiting', 'running')"#,
            self.tenant().uuid(),
            collection_id
        )
        .fetch_one(self.connection())
        .await?;
        Ok(seconds.map(|seconds| Duration::from_secs_f64(seconds.max(SHORTEST_WAIT))))
    }

    /// Renews the lease; false when it was lost.
    pub(in crate::enrichment) async fn keep_enrichment(
        &mut self,
        document: &ClaimedDocument,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update enrichments
            set lease_expires_at = now() + make_interval(secs => $4)
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a call of a model begins, and renews the lease; false when it was lost.
    pub(in crate::enrichment) async fn begin_enrichment_call(
        &mut self,
        document: &ClaimedDocument,
        call_id: Uuid,
        lease: Duration,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update enrichments
            set
                call_id = $4,
                lease_expires_at = now() + make_interval(secs => $5)
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token,
            call_id,
            lease.as_secs_f64()
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes how far the contexts of a document came; false when the lease was lost. Attempts are counted anew where one was
    /// written just now, and go on being counted where all were there before.
    pub(in crate::enrichment) async fn note_contexts(
        &mut self,
        document: &ClaimedDocument,
        passages: usize,
        contexts: usize,
        is_further: bool,
    ) -> db::Result<bool> {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let done = sqlx::query!(
            "update enrichments
            set
                passages = $4,
                contexts = $5,
                attempts = case when $6 then 0 else attempts end,
                updated_at = case when $6 then now() else updated_at end
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token,
            count(passages),
            count(contexts),
            is_further
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Stores summary and questions; false when the lease was lost.
    pub(in crate::enrichment) async fn put_overview(
        &mut self,
        document: &ClaimedDocument,
        overview: &Overview,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update enrichments
            set
                summary = $4,
                suggested_questions = $5,
                summarised_at = now(),
                attempts = 0,
                updated_at = now()
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token,
            overview.summary.as_deref(),
            &overview.questions
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends the work on a document; false when the lease was lost.
    pub(in crate::enrichment) async fn complete_enrichment(
        &mut self,
        document: &ClaimedDocument,
    ) -> db::Result<bool> {
        let done = sqlx::query!(
            "update enrichments
            set
                state = 'completed',
                reason_code = null,
                reason_detail = null,
                attempts = 0,
                lease_token = null,
                lease_expires_at = null,
                updated_at = now()
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets go of a document, so that anybody may take it at once. What ends in order is no attempt.
    pub(in crate::enrichment) async fn release_enrichment(
        &mut self,
        document: &ClaimedDocument,
    ) -> db::Result<()> {
        sqlx::query!(
            "update enrichments
            set
                state = 'waiting',
                attempts = greatest(attempts - 1, 0),
                lease_token = null,
                lease_expires_at = null
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Lets a document wait for another attempt, or gives it up; nothing when the lease was lost.
    pub(in crate::enrichment) async fn set_back_enrichment(
        &mut self,
        document: &ClaimedDocument,
        setback: Setback<'_>,
    ) -> db::Result<()> {
        let Setback { code, detail, again_after, is_counted } = setback;
        sqlx::query!(
            "update enrichments
            set
                state = case when $6::float8 is null then 'failed' else 'waiting' end,
                reason_code = $4,
                reason_detail = $5,
                attempts = case when $7 then attempts else greatest(attempts - 1, 0) end,
                due_at = now() + make_interval(secs => coalesce($6::float8, 0)),
                lease_token = null,
                lease_expires_at = null,
                updated_at = now()
            where tenant_id = $1
                and document_id = $2
                and lease_token = $3",
            self.tenant().uuid(),
            document.document_id,
            document.token,
            code,
            detail,
            again_after.map(|wait| wait.as_secs_f64()) as Option<f64>,
            is_counted
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
