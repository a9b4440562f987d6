//! Asks for dumps and restores, shows them, and removes dumps. Each change is an entry of the audit log.

use serde_json::json;
use uuid::Uuid;

use super::manifest::FORMAT_VERSION;
use super::{DUMP_COLLECTION, Dump, DumpError, Dumps, RESTORE_DUMP, Restore, find_reached};
use crate::db::{Keyset, OnConstraint, Page, TenantTx};
use crate::governance::Flag;
use crate::identity::Actor;
use crate::kernel::ids::new_id;
use crate::knowledge::reach::Reach;
use crate::knowledge::store::reembeddings::NewReembedding;

impl Dumps {
    /// Has a collection dumped by a worker.
    ///
    /// # Errors
    /// See [`DumpError`].
    pub async fn request(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        collection_id: Uuid,
    ) -> Result<Dump, DumpError> {
        require_collection(tx, actor, collection_id).await?;
        let most = self.settings.max_dumps;
        if tx.count_dumps().await? >= i64::from(most) {
            return Err(DumpError::TooMany(most));
        }
        let dump_id = new_id();
        let is_made = tx
            .insert_dump(dump_id, collection_id, actor.id(), self.settings.lifetime)
            .await
            .on_constraint("dumps_collection_id_fkey", || DumpError::UnknownCollection)?;
        if !is_made {
            return Err(DumpError::Running);
        }
        tx.enqueue(DUMP_COLLECTION, dump_id).await?;
        let entry = actor.audit("dump.created").on("dump", dump_id);
        tx.append_audit(entry.after(json!({ "collection_id": collection_id }))).await?;
        tx.find_dump(dump_id).await?.ok_or(DumpError::Unknown)
    }

    /// A dump that the actor may see.
    ///
    /// # Errors
    /// [`DumpError::Unknown`], or the database failed.
    pub async fn find(&self, actor: &Actor, dump_id: Uuid) -> Result<Dump, DumpError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        find_reached(&mut tx, &actor.into(), dump_id).await
    }

    /// Dumps of a collection, newest first.
    ///
    /// # Errors
    /// [`DumpError::UnknownCollection`], or the database failed.
    pub async fn list(
        &self,
        actor: &Actor,
        collection_id: Uuid,
        keyset: Keyset,
    ) -> Result<Page<Dump>, DumpError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        require_collection(&mut tx, actor, collection_id).await?;
        Ok(tx.list_dumps(collection_id, keyset).await?)
    }

    /// Removes a dump, also one that is being written. Its files follow soon.
    ///
    /// # Errors
    /// See [`DumpError`].
    pub async fn delete(&self, actor: &Actor, dump_id: Uuid) -> Result<(), DumpError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        tx.lock_dump(dump_id).await?;
        let dump = find_reached(&mut tx, &actor.into(), dump_id).await?;
        if tx.is_being_restored(dump_id).await? {
            return Err(DumpError::BeingRestored);
        }
        tx.delete_dump(dump_id).await?;
        let entry = actor.audit("dump.deleted").on("dump", dump_id);
        let told = json!({ "collection_id": dump.collection_id, "size_bytes": dump.size_bytes });
        tx.append_audit(entry.before(told)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Has a dump brought in by a worker, as a new collection of this name. It is limited to the groups to which the collection
    /// of the dump is limited now: who could not read that one must not read this one.
    ///
    /// # Errors
    /// See [`DumpError`].
    pub async fn request_restore(
        &self,
        tx: &mut TenantTx,
        actor: &Actor,
        dump_id: Uuid,
        name: &str,
        description: &str,
    ) -> Result<Restore, DumpError> {
        let dump = find_reached(tx, &actor.into(), dump_id).await?;
        // The collection before the dump, as whoever deletes it locks them: its groups stay as they are until the copy has them.
        tx.share_collection(dump.collection_id).await?;
        tx.lock_dump(dump_id).await?;
        let dump = find_reached(tx, &actor.into(), dump_id).await?;
        self.receiver.flags.require(tx, Flag::Uploads).await?;
        if dump.state != "ready" {
            return Err(DumpError::NotReady(dump.state));
        }
        if dump.format_version != FORMAT_VERSION {
            return Err(DumpError::UnknownFormat(dump.format_version));
        }
        let model = dump.embedding_model.as_deref().unwrap_or_default();
        let dimensions = dump.embedding_dimensions.unwrap_or_default();
        if let Some(refusal) = self.refusal_of(model, dimensions) {
            return Err(DumpError::OtherModel(refusal));
        }
        let most = self.settings.max_restores;
        if tx.count_open_restores().await? >= i64::from(most) {
            return Err(DumpError::TooManyRestores(most));
        }
        let (restore_id, collection_id) = (new_id(), new_id());
        tx.insert_collection(collection_id, name, description)
            .await
            .on_constraint("collections_name_key", || DumpError::NameTaken(name.to_owned()))?;
        if !self.embedders.is_own(model) {
            tx.put_searched_model(collection_id, Some(model)).await?;
            // Processes of an older version, which know one model alone, may bring documents in beside.
            tx.insert_completed_reembedding(NewReembedding {
                reembedding_id: new_id(),
                collection_id,
                from_model: self.embedders.own_model(),
                to_model: model,
                created_by: actor.id(),
            })
            .await?;
        }
        let groups = tx.list_collection_groups(&[dump.collection_id]).await?;
        let groups = groups.get(&dump.collection_id).map_or(&[][..], Vec::as_slice);
        if !groups.is_empty() {
            tx.replace_collection_groups(collection_id, groups).await?;
        }
        let count = dump.document_count;
        tx.insert_restore(restore_id, dump_id, collection_id, count, actor.id()).await?;
        tx.enqueue(RESTORE_DUMP, restore_id).await?;
        let entry = actor.audit("collection.created").on("collection", collection_id);
        let told = json!({ "name": name, "description": description });
        tx.append_audit(entry.after(told)).await?;
        let entry = actor.audit("dump.restored").on("dump", dump_id);
        let told = json!({
            "restore_id": restore_id,
            "collection_id": collection_id,
            "group_ids": groups,
        });
        tx.append_audit(entry.after(told)).await?;
        tx.note_needed_model(model).await?;
        let reach = Reach::of(tx, &actor.into()).await?;
        tx.find_restore(&reach, restore_id).await?.ok_or(DumpError::UnknownRestore)
    }

    /// A restore that the actor may see.
    ///
    /// # Errors
    /// [`DumpError::UnknownRestore`], or the database failed.
    pub async fn find_restore(
        &self,
        actor: &Actor,
        restore_id: Uuid,
    ) -> Result<Restore, DumpError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        tx.find_restore(&reach, restore_id).await?.ok_or(DumpError::UnknownRestore)
    }

    /// Restores that the actor may see, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn list_restores(
        &self,
        actor: &Actor,
        keyset: Keyset,
    ) -> Result<Page<Restore>, DumpError> {
        let mut tx = self.receiver.db.tenant(actor.tenant).await?;
        let reach = Reach::of(&mut tx, &actor.into()).await?;
        Ok(tx.list_restores(&reach, keyset).await?)
    }
}

/// Passes where there is such a collection within reach.
async fn require_collection(
    tx: &mut TenantTx,
    actor: &Actor,
    collection_id: Uuid,
) -> Result<(), DumpError> {
    let found = tx.find_collection(collection_id).await?;
    let is_reached = Reach::of(tx, &actor.into()).await?.holds(collection_id);
    if found.is_some() && is_reached { Ok(()) } else { Err(DumpError::UnknownCollection) }
}
