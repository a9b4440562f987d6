//! `/v1/restores`, and bringing a dump in.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};
use uuid::Uuid;

use super::collections::refuse_listed;
use super::dump_views::{DumpRestore, RestoreList, RestoreView};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::Caller;
use crate::knowledge::dumps::Dumps;
use crate::web::body::JsonBody;
use crate::web::idempotency::{Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::reading::{plain_text, readable_text};
use crate::web::spec::Tag;

const LIST: &str = "restores";

#[derive(ApiResponse)]
enum RestoreResponse {
    /// The collection is there, and a worker fills it.
    #[oai(status = 202)]
    Accepted(Json<RestoreView>),
}

/// Operations on restores.
pub struct RestoresApi {
    /// The database.
    pub db: Db,
    /// Brings dumps in.
    pub dumps: Dumps,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl RestoresApi {
    /// Restore a dump
    ///
    /// Makes a new collection and has a worker bring the documents of the dump in, with their passages and vectors: nothing is
    /// read or embedded once more. The vectors must be of a model that this installation embeds with, else the answer is 409.
    /// The collection is limited to the groups to which that of the dump is limited. Needs the role editor.
    #[oai(path = "/dumps/:dump_id/restore", method = "post", operation_id = "restore_dump")]
    async fn restore_dump(
        &self,
        caller: Caller,
        /// Id of the dump.
        dump_id: Path<Uuid>,
        body: Once<JsonBody<DumpRestore>>,
    ) -> Result<Replayable<RestoreResponse>, ApiError> {
        let actor = caller.require(Action::DumpWrite)?;
        let (body, claim) = body.by(actor.id());
        refuse_listed(actor)?;
        let name = readable_text("/name", &body.0.name)?;
        let description = plain_text(body.0.description.as_deref().unwrap_or_default());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let request = self.dumps.request_restore(&mut tx, actor, dump_id.0, &name, &description);
        let response = RestoreResponse::Accepted(Json(request.await?.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.dumps.wake_worker();
        Ok(response)
    }

    /// List restores
    ///
    /// Dumps that were brought in, newest first: those whose collection is there and within your reach. Needs the role editor.
    #[oai(path = "/restores", method = "get", operation_id = "list_restores")]
    async fn list_restores(
        &self,
        caller: Caller,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<RestoreList>, ApiError> {
        let actor = caller.require(Action::DumpRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.dumps.list_restores(actor, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(RestoreList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Get a restore
    ///
    /// Shows how far a restore is. Needs the role editor.
    #[oai(path = "/restores/:restore_id", method = "get", operation_id = "get_restore")]
    async fn get_restore(
        &self,
        caller: Caller,
        /// Id of the restore.
        restore_id: Path<Uuid>,
    ) -> Result<Json<RestoreView>, ApiError> {
        let actor = caller.require(Action::DumpRead)?;
        Ok(Json(self.dumps.find_restore(actor, restore_id.0).await?.try_into()?))
    }
}
