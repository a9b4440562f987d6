//! Makes, renames and deletes groups and says who is in them, each change with its entry in the audit log.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, GrantError, Group, may_decide_reach};
use crate::db::{self, OnConstraint, TenantTx};
use crate::kernel::ids::new_id;

/// Why a group was not changed. The transaction must not be committed then.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// No such group in this tenant.
    #[error("there is no such group")]
    Unknown,
    /// No such person in this tenant.
    #[error("there is no such member")]
    UnknownMember,
    /// The name is taken.
    #[error("there is a group \"{0}\" already; choose another name")]
    NameTaken(String),
    /// A collection would be open to everybody.
    #[error(
        "the group limits a collection; give that collection other groups, or none, before you delete this one"
    )]
    LimitsCollection,
    /// Groups decide who reaches which collections.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The database refused.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Makes a group.
///
/// # Errors
/// See [`GroupError`].
pub async fn create_group(
    tx: &mut TenantTx,
    actor: &Actor,
    name: &str,
) -> Result<Group, GroupError> {
    may_decide_reach(actor)?;
    let group_id = new_id();
    let taken = || GroupError::NameTaken(name.to_owned());
    tx.insert_group(group_id, name).await.on_constraint("groups_name_key", taken)?;
    let entry = actor.audit("group.created").on("group", group_id);
    tx.append_audit(entry.after(json!({ "name": name }))).await?;
    tx.find_group(group_id).await?.ok_or(GroupError::Unknown)
}

/// Gives a group another name.
///
/// # Errors
/// See [`GroupError`].
pub async fn rename_group(
    tx: &mut TenantTx,
    actor: &Actor,
    group_id: Uuid,
    name: &str,
) -> Result<Group, GroupError> {
    may_decide_reach(actor)?;
    let before = tx.find_group(group_id).await?.ok_or(GroupError::Unknown)?;
    if before.name == name {
        return Ok(before);
    }
    let taken = || GroupError::NameTaken(name.to_owned());
    tx.rename_group(group_id, name).await.on_constraint("groups_name_key", taken)?;
    let entry = actor.audit("group.changed").on("group", group_id);
    tx.append_audit(entry.before(json!({ "name": before.name })).after(json!({ "name": name })))
        .await?;
    tx.find_group(group_id).await?.ok_or(GroupError::Unknown)
}

/// Deletes a group that limits no collection.
///
/// # Errors
/// See [`GroupError`].
pub async fn delete_group(
    tx: &mut TenantTx,
    actor: &Actor,
    group_id: Uuid,
) -> Result<(), GroupError> {
    may_decide_reach(actor)?;
    let before = tx.find_group(group_id).await?.ok_or(GroupError::Unknown)?;
    tx.delete_group(group_id)
        .await
        .on_constraint("collection_groups_group_id_fkey", || GroupError::LimitsCollection)?;
    let entry = actor.audit("group.deleted").on("group", group_id);
    let before = json!({ "name": before.name, "members": before.member_count });
    tx.append_audit(entry.before(before)).await?;
    Ok(())
}

/// Puts a person in a group. Doing it again changes nothing.
///
/// # Errors
/// See [`GroupError`].
pub async fn add_group_member(
    tx: &mut TenantTx,
    actor: &Actor,
    group_id: Uuid,
    member_id: Uuid,
) -> Result<(), GroupError> {
    may_decide_reach(actor)?;
    if tx.find_group(group_id).await?.is_none() {
        return Err(GroupError::Unknown);
    }
    if tx.find_member(member_id).await?.is_none() {
        return Err(GroupError::UnknownMember);
    }
    let added = tx
        .add_member_to_groups(member_id, &[group_id])
        .await
        .on_constraint("group_members_member_id_fkey", || GroupError::UnknownMember)?;
    if added {
        let entry = actor.audit("group.member_added").on("group", group_id);
        tx.append_audit(entry.after(json!({ "member_id": member_id }))).await?;
    }
    Ok(())
}

/// Takes a person out of a group. Doing it again changes nothing.
///
/// # Errors
/// See [`GroupError`].
pub async fn remove_group_member(
    tx: &mut TenantTx,
    actor: &Actor,
    group_id: Uuid,
    member_id: Uuid,
) -> Result<(), GroupError> {
    may_decide_reach(actor)?;
    if tx.find_group(group_id).await?.is_none() {
        return Err(GroupError::Unknown);
    }
    if tx.find_member(member_id).await?.is_none() {
        return Err(GroupError::UnknownMember);
    }
    if tx.remove_group_member(group_id, member_id).await? {
        let entry = actor.audit("group.member_removed").on("group", group_id);
        tx.append_audit(entry.before(json!({ "member_id": member_id }))).await?;
    }
    Ok(())
}
