//! One attempt of a worker at a dump or a restore: what can end it, and the lease that it works under.

use std::error::Error;

use parquet::errors::ParquetError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Dumps;
use crate::adapters::embeddings::EmbeddingError;
use crate::adapters::objects::ObjectError;
use crate::db;
use crate::kernel::ids::TenantId;
use crate::knowledge::store::dump_leases::ClaimedDump;
use crate::knowledge::store::restore_leases::ClaimedRestore;

/// Why an attempt ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    /// Another worker took over, or it is gone: nothing to report.
    #[error("the lease was lost")]
    LeaseLost,
    /// This process is about to end.
    #[error("the worker is stopped")]
    Stopped,
    /// Every attempt ended without a word.
    #[error("the worker stopped in the middle of {attempts} attempts; tell the operator")]
    WorkerLost { attempts: i32 },
    /// The files are larger than they may be.
    #[error(
        "the files would be larger than {limit} bytes, which is the most; dump smaller collections"
    )]
    TooLarge { limit: u64 },
    /// Vectors that can not be of one model.
    #[error("the collection has vectors of {one} and of {other}; embed it with one model")]
    MixedModels { one: String, other: String },
    /// Documents came in without the vectors that searches read, or searches read others since the attempt began.
    #[error(
        "documents of the collection have no vectors of {model}, which its searches read; a worker makes them, try again in some minutes"
    )]
    VectorsMissing { model: String },
    /// The collection that is filled needs more than the dump has.
    #[error("the collection is being re-embedded; delete it and bring the dump in again")]
    Reembedded,
    /// This process does not have the model of the collection, as others may.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// The dump is gone, or its files are.
    #[error(
        "the dump is gone: its collection was deleted, or its files are no longer in the store"
    )]
    DumpGone,
    /// The dump was written in a form that this build does not know.
    #[error("the dump has the form {version}, which this version of the service can not read")]
    UnknownFormat { version: i32 },
    /// The vectors would be compared with those of another model.
    #[error("{0}")]
    OtherModel(String),
    /// A file is not the one that was written.
    #[error("{file} is not as it was written; make another dump")]
    Damaged { file: &'static str },
    /// A file does not hold what it should.
    #[error("a file of the dump can not be written or read: {0}")]
    Parquet(#[from] ParquetError),
    /// Copying an original took so long that the copy was taken for left over.
    #[error("copying an original took too long and was given up")]
    OriginalGivenUp,
    /// The object store failed.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Writing or reading a file ended abnormally.
    #[error("writing or reading a file ended abnormally; tell the operator")]
    Crashed(#[from] tokio::task::JoinError),
}

impl AttemptError {
    /// For programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LeaseLost => "lease_lost",
            Self::Stopped => "stopped",
            Self::WorkerLost { .. } => "worker_lost",
            Self::TooLarge { .. } => "too_large",
            Self::MixedModels { .. } => "mixed_models",
            Self::VectorsMissing { .. } => "vectors_missing",
            Self::Reembedded => "collection_reembedded",
            Self::Embedding(_) => "embedding_model_missing",
            Self::DumpGone => "dump_gone",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::OtherModel(_) => "other_embedding_model",
            Self::Damaged { .. } | Self::Parquet(_) => "file_damaged",
            Self::OriginalGivenUp | Self::Objects(_) => "object_store_unavailable",
            Self::Database(_) => "database_unavailable",
            Self::Crashed(_) => "worker_crashed",
        }
    }

    /// Whether another attempt would end in the same way.
    pub fn is_final(&self) -> bool {
        match self {
            Self::WorkerLost { .. }
            | Self::TooLarge { .. }
            | Self::MixedModels { .. }
            | Self::Reembedded
            | Self::DumpGone
            | Self::UnknownFormat { .. }
            | Self::OtherModel(_)
            | Self::Damaged { .. }
            | Self::Parquet(_)
            | Self::Crashed(_) => true,
            Self::LeaseLost
            | Self::Stopped
            | Self::VectorsMissing { .. }
            | Self::Embedding(_)
            | Self::OriginalGivenUp
            | Self::Objects(_)
            | Self::Database(_) => false,
        }
    }
}

/// What an attempt works on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lease<'a> {
    /// A dump.
    Dump(&'a ClaimedDump),
    /// A restore.
    Restore(&'a ClaimedRestore),
}

impl Dumps {
    /// Renews the lease while the work goes on; as long as we live and reach the database, nobody else begins. The work ends
    /// where it is when the lease is lost or this process is to stop.
    ///
    /// Both go on beside each other: the work may hold the row that the renewal waits for, and must come to its commit.
    pub(super) async fn while_leased<T>(
        &self,
        tenant: TenantId,
        lease: Lease<'_>,
        stop: &CancellationToken,
        work: impl Future<Output = Result<T, AttemptError>>,
    ) -> Result<T, AttemptError> {
        tokio::select! {
            done = work => done,
            () = stop.cancelled() => Err(AttemptError::Stopped),
            lost = self.renew_until_lost(tenant, lease) => Err(lost),
        }
    }

    /// Renews the lease again and again; why it can not be renewed any more. A database that is away for a moment ends nothing:
    /// until the lease is over nobody else begins.
    async fn renew_until_lost(&self, tenant: TenantId, lease: Lease<'_>) -> AttemptError {
        let time = self.settings.lease;
        let (mut held_until, mut pause) = (Instant::now() + time, time / 3);
        loop {
            tokio::time::sleep(pause).await;
            // The lease counts from when it is written, which is later.
            let asked = Instant::now();
            match self.renew(tenant, lease).await {
                Ok(true) => (held_until, pause) = (asked + time, time / 3),
                Ok(false) => return AttemptError::LeaseLost,
                Err(error) if Instant::now() >= held_until => return error.into(),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "a lease is renewed later");
                    pause = time / 12;
                }
            }
        }
    }

    async fn renew(&self, tenant: TenantId, lease: Lease<'_>) -> db::Result<bool> {
        let mut tx = self.receiver.db.tenant(tenant).await?;
        let is_ours = match lease {
            Lease::Dump(dump) => tx.keep_dump(dump, self.settings.lease, None).await?,
            Lease::Restore(restore) => tx.keep_restore(restore, self.settings.lease).await?,
        };
        tx.commit().await?;
        Ok(is_ours)
    }
}
