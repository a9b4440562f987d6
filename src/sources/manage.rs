//! Makes, changes and removes sources. Each is an entry of the audit log.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::configuration::{Configuration, ConfigurationError};
use super::store::sources::Source;
use super::sync::SourceSync;
use crate::db::{self, OnConstraint, TenantTx};
use crate::identity::Actor;
use crate::kernel::clock;
use crate::kernel::ids::new_id;
use crate::knowledge::{Reach, default_collection, release_content, remove_documents};

/// Why a source was not made, changed, removed or read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none of this id, or none within reach.
    #[error("there is no such source")]
    Unknown,
    /// There is no run of this id.
    #[error("there is no such run of the source")]
    UnknownRun,
    /// No such collection, or none within reach.
    #[error("there is no such collection")]
    UnknownCollection,
    /// One too many.
    #[error("the tenant has {0} sources, which is the most; delete one first")]
    TooMany(u32),
    /// Read too often.
    #[error("must be at least {0}: the operator allows no shorter interval")]
    TooOften(u32),
    /// What it names cannot be read.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// It is being read.
    #[error("the source is being read already; wait for the run, or cancel it")]
    Running,
    /// A worker has it in its hands.
    #[error("a worker is at work on the source; cancel its run, and try again in a moment")]
    InHand,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A source to be made.
#[derive(Clone, Debug)]
pub struct NewSource {
    /// Collection that its documents go into; the default one when absent.
    pub collection_id: Option<Uuid>,
    /// What people call it.
    pub name: String,
    /// Where and how it is read.
    pub configuration: Configuration,
    /// How often it is read by itself; never when absent.
    pub every_minutes: Option<u32>,
}

/// What to change of a source; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct SourceChange {
    /// Another name.
    pub name: Option<String>,
    /// Where and how it is read, whole.
    pub configuration: Option<Configuration>,
    /// How often it is read by itself; never for 0.
    pub every_minutes: Option<u32>,
    /// Whether its schedule rests.
    pub paused: Option<bool>,
}

impl SourceSync {
    /// Makes a source.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub async fn create(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        new: NewSource,
    ) -> Result<Source, SourceError> {
        let configuration = self.readable(tx, new.configuration).await?;
        let every_minutes = self.interval(new.every_minutes)?;
        let collection_id = match new.collection_id {
            Some(id) => tx.find_collection(id).await?.map(|_| id),
            None => default_collection(tx, &actor.into()).await?,
        };
        let reach = Reach::of(tx, &actor.into()).await?;
        let collection_id =
            collection_id.filter(|id| reach.holds(*id)).ok_or(SourceError::UnknownCollection)?;
        let most = self.settings.max_sources;
        if tx.count_sources().await? >= i64::from(most) {
            return Err(SourceError::TooMany(most));
        }
        let now = clock::now();
        let source = Source {
            source_id: new_id(),
            collection_id,
            name: new.name,
            kind: configuration.kind().to_owned(),
            configuration: configuration.to_row(),
            state: "active".to_owned(),
            every_minutes,
            next_run_at: next_run(now, every_minutes),
            created_by: actor.id(),
            created_at: now,
            updated_at: now,
        };
        tx.insert_source(&source)
            .await
            .on_constraint("sources_collection_id_fkey", || SourceError::UnknownCollection)?;
        let entry = actor.audit("source.created").on("source", source.source_id);
        tx.append_audit(entry.after(told(&source))).await?;
        Ok(source)
    }

    /// Changes a source. Where and how it is read stays as it is while a run goes on, as a run that read half by the one and half by
    /// the other would take for gone what it only did not look for.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub async fn change(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        source_id: Uuid,
        change: SourceChange,
    ) -> Result<Source, SourceError> {
        let reach = Reach::of(tx, &actor.into()).await?;
        let before = tx.lock_source(&reach, source_id).await?.ok_or(SourceError::Unknown)?;
        let mut after = before.clone();
        if let Some(name) = change.name {
            after.name = name;
        }
        if let Some(configuration) = change.configuration {
            let configuration = self.readable(tx, configuration).await?;
            after.kind = configuration.kind().to_owned();
            after.configuration = configuration.to_row();
        }
        if (&after.kind, &after.configuration) != (&before.kind, &before.configuration) {
            if tx.is_source_being_read(source_id).await? {
                return Err(SourceError::Running);
            }
            // Whoever has a run that was cancelled may still note what came of its last page.
            if tx.is_source_in_hand(source_id).await? {
                return Err(SourceError::InHand);
            }
            // Of a page that has not changed no links come to be read, and other ones may belong to the source now.
            tx.forget_source_validators(source_id).await?;
            let is_other =
                |field: &str| before.configuration.get(field) != after.configuration.get(field);
            if after.kind != before.kind || is_other("url") || is_other("strip_top_folder") {
                tx.forget_top_folder(source_id).await?;
            }
        }
        let now = clock::now();
        if let Some(minutes) = change.every_minutes {
            after.every_minutes = self.interval(Some(minutes).filter(|minutes| *minutes > 0))?;
            if after.every_minutes != before.every_minutes {
                after.next_run_at = next_run(now, after.every_minutes);
            }
        }
        match change.paused {
            Some(true) => after.state = "paused".to_owned(),
            Some(false) if before.state == "paused" => {
                after.state = "active".to_owned();
                after.next_run_at = next_run(now, after.every_minutes);
            }
            _ => {}
        }
        if after == before {
            return Ok(before);
        }
        after.updated_at = now;
        tx.update_source(&after).await?;
        let entry = actor.audit("source.changed").on("source", source_id);
        tx.append_audit(entry.before(told(&before)).after(told(&after))).await?;
        Ok(after)
    }

    /// Removes a source with its runs, and its documents too when that is wanted. A run that waits ends with it; one that a
    /// worker has in its hands must be cancelled first, so that no document comes in afterwards.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub async fn delete(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        source_id: Uuid,
        with_documents: bool,
    ) -> Result<(), SourceError> {
        let reach = Reach::of(tx, &actor.into()).await?;
        let source = tx.lock_source(&reach, source_id).await?.ok_or(SourceError::Unknown)?;
        // Whoever claims a run from now on finds none; whoever had it before is seen.
        tx.cancel_source_runs(source_id, None).await?;
        if tx.is_source_in_hand(source_id).await? {
            return Err(SourceError::InHand);
        }
        let documents =
            if with_documents { tx.list_own_documents(source_id).await? } else { Vec::new() };
        // In the order of whoever deletes one document: first the document, then what knows of it.
        remove_documents(tx, source.collection_id, &documents).await?;
        // Also of a run that was cancelled and whose worker died: nobody knows of it once the run is gone.
        for content_id in tx.list_source_contents(source_id).await? {
            release_content(tx, content_id).await?;
        }
        tx.delete_source(source_id).await?;
        let mut before = told(&source);
        before["documents_deleted"] = documents.len().into();
        let entry = actor.audit("source.deleted").on("source", source_id);
        tx.append_audit(entry.before(before)).await?;
        Ok(())
    }

    /// A configuration as it is stored, when what it names can be read, and may be.
    async fn readable(
        &self,
        tx: &mut TenantTx,
        configuration: Configuration,
    ) -> Result<Configuration, SourceError> {
        let configuration = configuration.checked(&self.outbound, &self.settings)?;
        if let Configuration::Bucket(bucket) = &configuration
            && let Some(error) = self.refuse_bucket(tx, bucket).await?
        {
            return Err(error.into());
        }
        Ok(configuration)
    }

    /// The interval as it is stored.
    fn interval(&self, every_minutes: Option<u32>) -> Result<Option<i32>, SourceError> {
        let least = self.settings.min_interval_minutes;
        match every_minutes {
            Some(minutes) if minutes < least => Err(SourceError::TooOften(least)),
            minutes => Ok(minutes.and_then(|minutes| i32::try_from(minutes).ok())),
        }
    }
}

fn next_run(now: DateTime<Utc>, every_minutes: Option<i32>) -> Option<DateTime<Utc>> {
    every_minutes.map(|minutes| now + TimeDelta::minutes(minutes.into()))
}

/// For the audit log. Whoever reads it sees the address or the bucket, as everybody does who may see the source.
fn told(source: &Source) -> Value {
    json!({
        "name": source.name,
        "collection_id": source.collection_id,
        "kind": source.kind,
        "configuration": source.configuration,
        "state": source.state,
        "every_minutes": source.every_minutes,
    })
}
