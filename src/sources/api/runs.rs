//! `/v1/sources/{source_id}/runs`, and how one is asked for.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::views::{RunView, SourceRunDetail, SourceRunList};
use crate::db::idempotency::Begun;
use crate::db::{self, Db, TenantTx};
use crate::identity::api::Caller;
use crate::identity::{Action, Actor};
use crate::knowledge::Reach;
use crate::sources::SourceSync;
use crate::sources::steer_run::{cancel_run, request_run};
use crate::sources::store::sources::Source;
use crate::web::idempotency::{NoBody, Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "source_runs";
/// Most pages that are shown of a run.
const MOST_PAGES: i64 = 1_000;

#[derive(ApiResponse)]
enum SyncResponse {
    /// A worker reads the source.
    #[oai(status = 202)]
    Accepted(Json<RunView>),
}

/// Operations on runs of sources.
pub struct SourceRunsApi {
    /// The database.
    pub db: Db,
    /// Reads sources.
    pub sources: SourceSync,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl SourceRunsApi {
    /// Read a source now
    ///
    /// Has a worker look at the whole source: what is new or has changed comes in, and what is gone is deleted when
    /// everything could be looked at. There is one run of a source at a time; 409 while one goes on. Needs the role editor.
    #[oai(path = "/sources/:source_id/sync", method = "post", operation_id = "sync_source")]
    async fn sync_source(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        /// Whether the run may delete a larger part of the source than a run usually may.
        allow_mass_deletion: Query<Option<bool>>,
        body: Once<NoBody>,
    ) -> Result<Replayable<SyncResponse>, ApiError> {
        let actor = caller.require(Action::SourceWrite)?;
        let (_, claim) = body.by(actor.id());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        find(&mut tx, actor, source_id.0).await?;
        let allow = allow_mass_deletion.0.unwrap_or_default();
        let run = request_run(&mut tx, actor, source_id.0, allow).await?;
        let response = SyncResponse::Accepted(Json(run.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.sources.wake_worker();
        Ok(response)
    }

    /// List runs of a source
    ///
    /// What was found each time the source was read, newest first, as many as the server keeps. Needs the role editor.
    #[oai(path = "/sources/:source_id/runs", method = "get", operation_id = "list_source_runs")]
    async fn list_source_runs(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<SourceRunList>, ApiError> {
        let actor = caller.require(Action::SourceRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        find(&mut tx, actor, source_id.0).await?;
        let page = tx.list_source_runs(source_id.0, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(SourceRunList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Get a run of a source
    ///
    /// Tells how far a run is and what it found, and of each page that failed or was skipped why. Needs the role editor.
    #[oai(
        path = "/sources/:source_id/runs/:source_run_id",
        method = "get",
        operation_id = "get_source_run"
    )]
    async fn get_source_run(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        /// Id of the run.
        source_run_id: Path<Uuid>,
    ) -> Result<Json<SourceRunDetail>, ApiError> {
        let actor = caller.require(Action::SourceRead)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        find(&mut tx, actor, source_id.0).await?;
        let found = tx.find_source_run(source_id.0, source_run_id.0).await?;
        let run = found.ok_or_else(|| ApiError::not_found("source run"))?;
        let pages = tx.list_noted_pages(source_run_id.0, MOST_PAGES).await?;
        let pages = pages.into_iter().map(Into::into).collect();
        Ok(Json(SourceRunDetail { run: run.try_into()?, pages }))
    }

    /// Cancel a run of a source
    ///
    /// Stops a run. What it brought in until then stays, and it deletes nothing more. A run that is over is left as it is.
    /// Needs the role editor.
    #[oai(
        path = "/sources/:source_id/runs/:source_run_id/cancel",
        method = "post",
        operation_id = "cancel_source_run"
    )]
    async fn cancel_source_run(
        &self,
        caller: Caller,
        /// Id of the source.
        source_id: Path<Uuid>,
        /// Id of the run.
        source_run_id: Path<Uuid>,
    ) -> Result<Json<RunView>, ApiError> {
        let actor = caller.require(Action::SourceWrite)?;
        let mut tx = self.db.tenant(actor.tenant).await?;
        find(&mut tx, actor, source_id.0).await?;
        let settings = self.sources.settings();
        let run = cancel_run(&mut tx, actor, source_id.0, source_run_id.0, settings).await?;
        tx.commit().await?;
        Ok(Json(run.try_into()?))
    }
}

/// A source that the actor reaches.
async fn find(tx: &mut TenantTx, actor: &Actor, source_id: Uuid) -> Result<Source, ApiError> {
    let reach = Reach::of(tx, &actor.into()).await?;
    let found = tx.find_source(&reach, source_id).await?;
    found.ok_or_else(|| ApiError::not_found("source"))
}
