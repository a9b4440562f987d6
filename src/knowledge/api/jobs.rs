//! `/v1/ingestion_jobs`: what becomes of a file, and how to steer it.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, OpenApi};
use uuid::Uuid;

use super::documents::StateName;
use super::job_events::{IngestionJobEvent, follow};
use super::job_views::{JobList, JobView};
use crate::db::idempotency::Begun;
use crate::db::{self, Db, TenantTx};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::steer_job::{cancel_job, reprocess_document, retry_job};
use crate::knowledge::store::jobs::{Job, JobFilter};
use crate::knowledge::watch_job::{JobWatch, Watcher};
use crate::knowledge::{Reach, Receiver};
use crate::web::events::Events;
use crate::web::idempotency::{NoBody, Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "ingestion_jobs";

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum WaitFor {
    /// The end of the job, good or bad.
    Ready,
}

#[derive(ApiResponse)]
enum EventsResponse {
    /// The job as it is, then each change, through its end.
    #[oai(status = 200)]
    Ok(Events<IngestionJobEvent>),
    /// The job is over, and you have seen events of it: there are no more.
    #[oai(status = 204)]
    Over,
}

#[derive(ApiResponse)]
enum ReprocessResponse {
    /// The job that reads the document.
    #[oai(status = 202)]
    Accepted(Json<JobView>),
}

/// Operations on jobs of ingestion.
pub struct IngestionJobsApi {
    /// The database.
    pub db: Db,
    /// Wakes the worker.
    pub receiver: Receiver,
    /// Watches jobs for those who wait.
    pub watch: JobWatch,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl IngestionJobsApi {
    /// List ingestion jobs
    ///
    /// The work on each version of each document, newest first. Needs the role editor.
    #[oai(path = "/ingestion_jobs", method = "get", operation_id = "list_ingestion_jobs")]
    async fn list_ingestion_jobs(
        &self,
        caller: Caller,
        /// Jobs in this state only.
        state: Query<Option<StateName>>,
        /// Jobs of this collection only.
        collection_id: Query<Option<Uuid>>,
        /// Jobs of this document only.
        document_id: Query<Option<Uuid>>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<JobList>, ApiError> {
        let actor = caller.require(Action::IngestionJobRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let filter = JobFilter {
            state: state.0.map(StateName::as_str),
            collection_id: collection_id.0,
            document_id: document_id.0,
        };
        let mut tx = self.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let page = tx.list_jobs(&reach, &filter, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items: db::Result<Vec<JobView>> =
            page.items.into_iter().map(JobView::try_from).collect();
        Ok(Json(JobList { items: items?, next_cursor }))
    }

    /// Get an ingestion job
    ///
    /// Tells where a file is, each attempt with its stages and times, and what is due next. With `wait=ready` the answer
    /// comes when the job is over, or when the time is. Needs the role editor.
    #[oai(path = "/ingestion_jobs/:job_id", method = "get", operation_id = "get_ingestion_job")]
    async fn get_ingestion_job(
        &self,
        caller: Caller,
        /// Id of the job, which is that of the version.
        job_id: Path<Uuid>,
        /// Answer only when the job is over.
        wait: Query<Option<WaitFor>>,
        /// Seconds to wait at most; never longer than the server allows, which is also what counts when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "600")))]
        wait_seconds: Query<Option<u32>>,
    ) -> Result<Json<JobView>, ApiError> {
        let actor = caller.require(Action::IngestionJobRead)?;
        if wait.0.is_some() {
            let time = self.watch.wait(wait_seconds.0);
            self.watch.job_at_its_end(&watcher(actor), job_id.0, time).await?;
        }
        let mut tx = self.db.tenant(actor.tenant).await?;
        let job = find(&mut tx, actor, job_id.0).await?;
        Ok(Json(JobView::whole(&mut tx, job).await?))
    }

    /// Follow an ingestion job
    ///
    /// Server-sent events: the job as it is, then each change of it, and its end. A stream that was cut begins again with the
    /// job as it is, so that nothing has to be caught up. Needs the role editor.
    #[oai(
        path = "/ingestion_jobs/:job_id/events",
        method = "get",
        operation_id = "list_ingestion_job_events"
    )]
    async fn list_ingestion_job_events(
        &self,
        caller: Caller,
        /// Id of the job.
        job_id: Path<Uuid>,
        /// As browsers send it when they come again; with it, a job that is over is answered by 204, which ends their coming.
        #[oai(name = "Last-Event-ID", validator(max_length = 20))]
        last_event_id: Header<Option<String>>,
    ) -> Result<EventsResponse, ApiError> {
        let actor = caller.require(Action::IngestionJobRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let job = find(&mut tx, actor, job_id.0).await?;
        if job.is_over() && last_event_id.0.is_some_and(|id| !id.trim().is_empty()) {
            return Ok(EventsResponse::Over);
        }
        Ok(EventsResponse::Ok(follow(self.watch.clone(), watcher(actor), job)))
    }

    /// Cancel an ingestion job
    ///
    /// Stops the work on a version: it will not come into search. A version that was in search before stays there. A job
    /// that is over is left as it is. Needs the role editor.
    #[oai(
        path = "/ingestion_jobs/:job_id/cancel",
        method = "post",
        operation_id = "cancel_ingestion_job"
    )]
    async fn cancel_ingestion_job(
        &self,
        caller: Caller,
        /// Id of the job.
        job_id: Path<Uuid>,
    ) -> Result<Json<JobView>, ApiError> {
        let actor = caller.require(Action::IngestionJobWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let job = find(&mut tx, actor, job_id.0).await?;
        cancel_job(&mut tx, actor, &job).await?;
        self.steered(tx, actor, job_id.0).await
    }

    /// Retry an ingestion job
    ///
    /// Lets a job that failed or was cancelled begin again. Its attempts stay, and as many new ones are allowed as in the
    /// beginning. Any other job is left as it is. Needs the role editor.
    #[oai(
        path = "/ingestion_jobs/:job_id/retry",
        method = "post",
        operation_id = "retry_ingestion_job"
    )]
    async fn retry_ingestion_job(
        &self,
        caller: Caller,
        /// Id of the job.
        job_id: Path<Uuid>,
    ) -> Result<Json<JobView>, ApiError> {
        let actor = caller.require(Action::IngestionJobWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        let job = find(&mut tx, actor, job_id.0).await?;
        retry_job(&mut tx, actor, &job).await?;
        self.steered(tx, actor, job_id.0).await
    }

    /// Reprocess a document
    ///
    /// Reads the newest version of a document once more, as this release reads: under a new version number with the same
    /// bytes. Readers find the old version until the new one is ready, and citations of the old one stay true. A newest
    /// version that failed or was cancelled is tried again; one that is on its way goes on. Needs the role editor.
    #[oai(
        path = "/documents/:document_id/reprocess",
        method = "post",
        operation_id = "reprocess_document"
    )]
    async fn reprocess_document(
        &self,
        caller: Caller,
        /// Id of the document.
        document_id: Path<Uuid>,
        body: Once<NoBody>,
    ) -> Result<Replayable<ReprocessResponse>, ApiError> {
        let actor = caller.require(Action::IngestionJobWrite)?;
        let (_, claim) = body.by(actor.id());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        let absent = || ApiError::not_found("document");
        tx.find_reached_document(&reach, document_id.0).await?.ok_or_else(absent)?;
        let job_id = reprocess_document(&mut tx, actor, document_id.0).await?.ok_or_else(absent)?;
        let job = find(&mut tx, actor, job_id).await?;
        let view = JobView::whole(&mut tx, job).await?;
        let response = Replayable::commit(tx, ReprocessResponse::Accepted(Json(view))).await?;
        self.receiver.wake_worker();
        Ok(response)
    }
}

impl IngestionJobsApi {
    /// Commits, and tells how the job is now.
    async fn steered(
        &self,
        mut tx: TenantTx,
        actor: &Actor,
        job_id: Uuid,
    ) -> Result<Json<JobView>, ApiError> {
        let job = find(&mut tx, actor, job_id).await?;
        let view = JobView::whole(&mut tx, job).await?;
        tx.commit().await?;
        self.receiver.wake_worker();
        Ok(Json(view))
    }
}

/// A job that the actor reaches.
async fn find(tx: &mut TenantTx, actor: &Actor, job_id: Uuid) -> Result<Job, ApiError> {
    let reach = Reach::of(tx, &actor.into()).await?;
    let job = tx.find_reached_job(&reach, job_id).await?;
    job.ok_or_else(|| ApiError::not_found("ingestion job"))
}

/// The actor, as somebody who watches.
pub fn watcher(actor: &Actor) -> Watcher {
    Watcher { tenant: actor.tenant, reader: actor.into() }
}
