//! `/v1/dumps`, and the dumps of a collection.

use std::io;

use futures_util::{StreamExt, TryStreamExt};
use poem::Body;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Binary, Json};
use poem_openapi::{ApiResponse, OpenApi, ResponseContent};
use uuid::Uuid;

use super::dump_views::{DumpDetail, DumpList, DumpView};
use crate::db::idempotency::Begun;
use crate::db::{self, Db};
use crate::identity::Action;
use crate::identity::api::{Caller, Standing};
use crate::knowledge::dumps::{Dumps, FileContent};
use crate::web::idempotency::{NoBody, Once, Replayable};
use crate::web::paging::{encode_cursor, keyset};
use crate::web::problem::ApiError;
use crate::web::spec::Tag;

const LIST: &str = "dumps";

#[derive(ApiResponse)]
enum CreateResponse {
    /// A worker writes the dump; ask for it again until it is `ready`.
    #[oai(status = 202)]
    Accepted(Json<DumpView>),
}

#[derive(ApiResponse)]
enum DeleteResponse {
    /// The dump is gone; its files follow soon.
    #[oai(status = 204)]
    Deleted,
}

#[derive(ApiResponse)]
enum FileResponse {
    /// The bytes of the file.
    #[oai(status = 200)]
    Ok(
        FileBody,
        /// Makes a browser save the file under its name.
        #[oai(header = "Content-Disposition")]
        String,
        /// SHA-256 of the file, in hexadecimal digits and quotes.
        #[oai(header = "ETag")]
        String,
    ),
}

/// Kinds of files.
#[derive(ResponseContent)]
enum FileBody {
    /// A table.
    #[oai(content_type = "application/vnd.apache.parquet")]
    Parquet(Binary<Body>),
    /// What is in the dump.
    #[oai(content_type = "application/octet-stream")]
    Other(Binary<Body>),
}

/// Operations on dumps.
pub struct DumpsApi {
    /// The database.
    pub db: Db,
    /// Makes dumps.
    pub dumps: Dumps,
}

#[OpenApi(prefix_path = "/v1", tag = "Tag::Knowledge")]
impl DumpsApi {
    /// List dumps of a collection
    ///
    /// Dumps of a collection, newest first, until they expire. Needs the role editor.
    #[oai(path = "/collections/:collection_id/dumps", method = "get", operation_id = "list_dumps")]
    async fn list_dumps(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        /// Rows of the page.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        #[oai(validator(max_length = 100))]
        cursor: Query<Option<String>>,
    ) -> Result<Json<DumpList>, ApiError> {
        let actor = caller.require(Action::DumpRead)?;
        let keyset = keyset(LIST, actor.tenant, limit.0, cursor.0.as_deref())?;
        let page = self.dumps.list(actor, collection_id.0, keyset).await?;
        let next_cursor = page.next.map(|id| encode_cursor(LIST, actor.tenant, id));
        let items = page.items.into_iter().map(TryInto::try_into);
        Ok(Json(DumpList { items: items.collect::<db::Result<_>>()?, next_cursor }))
    }

    /// Create a dump of a collection
    ///
    /// Has a worker write the documents of the collection that are in search, with their passages and vectors, as Parquet files
    /// beside the originals. Of each document there is the version that is in search. A collection is dumped by one worker at a
    /// time; 409 while that goes on, and when the tenant has as many dumps as it may. Needs the role editor.
    #[oai(
        path = "/collections/:collection_id/dumps",
        method = "post",
        operation_id = "create_dump"
    )]
    async fn create_dump(
        &self,
        caller: Caller,
        /// Id of the collection.
        collection_id: Path<Uuid>,
        body: Once<NoBody>,
    ) -> Result<Replayable<CreateResponse>, ApiError> {
        let actor = caller.require(Action::DumpWrite)?;
        let (_, claim) = body.by(actor.id());
        let mut tx = match self.db.tenant_once(actor.tenant, claim.as_ref()).await? {
            Begun::Anew(tx) => tx,
            Begun::Before(kept) => return Replayable::before(kept),
        };
        let dump = self.dumps.request(&mut tx, actor, collection_id.0).await?;
        let response = CreateResponse::Accepted(Json(dump.try_into()?));
        let response = Replayable::commit(tx, response).await?;
        self.dumps.wake_worker();
        Ok(response)
    }

    /// Get a dump
    ///
    /// Shows where a dump stands and, when it is ready, its files with the addresses at which they are read. Needs the role
    /// editor.
    #[oai(path = "/dumps/:dump_id", method = "get", operation_id = "get_dump")]
    async fn get_dump(
        &self,
        caller: Caller,
        /// Id of the dump.
        dump_id: Path<Uuid>,
    ) -> Result<Json<DumpDetail>, ApiError> {
        let actor = caller.require(Action::DumpRead)?;
        let dump = self.dumps.find(actor, dump_id.0).await?;
        let files = self.dumps.place_files(actor.tenant, &dump).await?;
        let files = files.into_iter().map(Into::into).collect();
        Ok(Json(DumpDetail { dump: dump.try_into()?, files }))
    }

    /// Download a file of a dump
    ///
    /// The bytes of a file, which pass through this server. Where the dump names an address with a signature, that one is faster.
    /// Needs the role editor.
    #[oai(
        path = "/dumps/:dump_id/files/:file_name",
        method = "get",
        operation_id = "get_dump_file"
    )]
    async fn get_dump_file(
        &self,
        caller: Caller,
        /// Id of the dump.
        dump_id: Path<Uuid>,
        /// Name of the file.
        #[oai(validator(max_length = 100))]
        file_name: Path<String>,
    ) -> Result<FileResponse, ApiError> {
        let actor = caller.require(Action::DumpRead)?;
        let file = self.dumps.open_file(actor, dump_id.0, &file_name.0).await?;
        let reader = FileReader {
            dumps: self.dumps.clone(),
            dump_id: dump_id.0,
            standing: caller.standing(),
        };
        Ok(file_response(file, reader))
    }

    /// Delete a dump
    ///
    /// Removes a dump with its files, and ends one that is being written. While it is being brought in the answer is 409. Needs
    /// the role editor.
    #[oai(path = "/dumps/:dump_id", method = "delete", operation_id = "delete_dump")]
    async fn delete_dump(
        &self,
        caller: Caller,
        /// Id of the dump.
        dump_id: Path<Uuid>,
    ) -> Result<DeleteResponse, ApiError> {
        let actor = caller.require(Action::DumpWrite)?;
        self.dumps.delete(actor, dump_id.0).await?;
        Ok(DeleteResponse::Deleted)
    }
}

/// Who reads a file of a dump.
#[derive(Clone)]
struct FileReader {
    dumps: Dumps,
    dump_id: Uuid,
    standing: Standing,
}

impl FileReader {
    /// Passes while they may read it: as a credential, and as somebody within whose reach the dump is.
    async fn check(&self) -> io::Result<()> {
        let actor = self.standing.actor(Action::DumpRead).await.map_err(broken_off)?;
        self.dumps.find(&actor, self.dump_id).await.map_err(broken_off)?;
        Ok(())
    }
}

/// A download, which breaks off when its reader may not read the dump any more, however slowly they take it.
fn file_response(file: FileContent, reader: FileReader) -> FileResponse {
    let FileContent { entry, pieces } = file;
    let pieces = pieces.map_err(broken_off).then(move |piece| {
        let reader = reader.clone();
        async move {
            reader.check().await?;
            piece
        }
    });
    let body = Binary(Body::from_bytes_stream(pieces));
    let name = format!("attachment; filename=\"{}\"", entry.name);
    let mark = format!("\"{}\"", entry.sha256);
    let body = if entry.rows.is_some() { FileBody::Parquet(body) } else { FileBody::Other(body) };
    FileResponse::Ok(body, name, mark)
}

/// An error after the first byte can only be told by ending the connection without its last chunk.
fn broken_off(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    tracing::warn!(%error, "a download of a dump broke off");
    io::Error::other(error)
}
