//! What readers say of answers and citations: who may read a thing may rate it, once, and change their mind.

use uuid::Uuid;

use super::readable::readable_answer;
use super::store::feedback::{Feedback, NewFeedback};
use crate::db::{self, TenantTx};
use crate::identity::{Actor, Principal};
use crate::kernel::ids::new_id;

/// What is rated.
#[derive(Clone, Copy, Debug)]
pub enum Rated {
    /// An answer as a whole.
    Answer(Uuid),
    /// One citation.
    Citation(Uuid),
}

/// A rating and what is said with it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// up or down for an answer; correct, wrong or irrelevant for a citation.
    pub rating: &'static str,
    /// Why; for answers.
    pub reason: Option<&'static str>,
    /// In the reader's own words.
    pub comment: Option<String>,
}

impl Rated {
    /// Its name in an error.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Answer(_) => "message",
            Self::Citation(_) => "citation",
        }
    }

    /// Answer and number of the citation; absent when there is no such thing for the actor.
    async fn find(
        self,
        tx: &mut TenantTx,
        actor: &Actor,
    ) -> db::Result<Option<(Uuid, Option<i32>)>> {
        let (message_id, number) = match self {
            Self::Answer(message_id) => (message_id, None),
            Self::Citation(citation_id) => match tx.find_citation(citation_id).await? {
                Some((message_id, number)) => (message_id, Some(number)),
                None => return Ok(None),
            },
        };
        let answer = readable_answer(tx, actor, message_id).await?;
        Ok(answer.map(|answer| (answer.message_id, number)))
    }
}

/// Stores the actor's verdict in place of an earlier one; absent when there is no such thing for the actor. The caller
/// commits.
///
/// # Errors
/// The database failed.
pub async fn give_feedback(
    tx: &mut TenantTx,
    actor: &Actor,
    rated: Rated,
    verdict: &Verdict,
) -> db::Result<Option<Feedback>> {
    let Some((message_id, citation_number)) = rated.find(tx, actor).await? else { return Ok(None) };
    let new = NewFeedback {
        message_id,
        citation_number,
        given_by: actor.id(),
        given_by_kind: match actor.principal {
            Principal::ApiKey { .. } => "api_key",
            Principal::Member { .. } => "member",
            Principal::EndUser { .. } => "end_user",
        },
        rating: verdict.rating,
        reason: verdict.reason,
        comment: verdict.comment.as_deref(),
    };
    let feedback_id = tx.upsert_feedback(new_id(), &new).await?;
    tx.find_feedback(message_id, feedback_id).await
}

/// Takes the actor's verdict back; false when there is no such thing for the actor. The caller commits.
///
/// # Errors
/// The database failed.
pub async fn take_back_feedback(
    tx: &mut TenantTx,
    actor: &Actor,
    rated: Rated,
) -> db::Result<bool> {
    let Some((message_id, citation_number)) = rated.find(tx, actor).await? else {
        return Ok(false);
    };
    tx.delete_feedback(message_id, citation_number, actor.id()).await?;
    Ok(true)
}
