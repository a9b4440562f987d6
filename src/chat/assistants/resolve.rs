//! Finds what answers a question: the assistant that is named, as it is at this moment.

use uuid::Uuid;

use super::{Defaults, EffectiveConfiguration};
use crate::db::{self, TenantTx};

/// Which assistant is to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The assistant; the tenant's default one when absent.
    pub assistant_id: Option<Uuid>,
    /// Its draft in place of the published version.
    pub is_draft: bool,
}

/// An assistant at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// The assistant.
    pub assistant_id: Uuid,
    /// Its published version; absent for the draft.
    pub version: Option<i32>,
    /// How it answers.
    pub configuration: EffectiveConfiguration,
}

/// Why nothing can answer.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// There is no such assistant, or not any more.
    #[error("there is no such assistant")]
    Unknown,
    /// Nothing of it is published.
    #[error("the assistant has no published version; publish its draft first")]
    Unpublished,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The assistant of a choice, in the transaction that stores the question.
///
/// # Errors
/// See [`ResolveError`].
pub async fn resolve(
    tx: &mut TenantTx,
    choice: Choice,
    defaults: &Defaults,
) -> Result<Answering, ResolveError> {
    let found = tx.find_answering_assistant(choice.assistant_id).await?;
    let assistant = found.ok_or(ResolveError::Unknown)?;
    let (version, configuration) = match (choice.is_draft, assistant.published) {
        (true, _) => (None, assistant.draft),
        (false, Some(published)) => (assistant.published_version, published),
        (false, None) => return Err(ResolveError::Unpublished),
    };
    Ok(Answering {
        assistant_id: assistant.assistant_id,
        version,
        configuration: configuration.effective(defaults),
    })
}

impl Answering {
    /// Collections to ask, of those that the asker named and of those that the assistant asks; `reached` are those of the
    /// assistant that are there and that the asker reaches. `None` when nothing is left: an empty list would be all.
    pub fn scope(&self, asked: &[Uuid], reached: &[Uuid]) -> Option<Vec<Uuid>> {
        if self.configuration.collection_ids.is_empty() {
            return Some(asked.to_vec());
        }
        let is_asked = |id: &&Uuid| asked.is_empty() || asked.contains(id);
        let left: Vec<Uuid> = reached.iter().filter(is_asked).copied().collect();
        (!left.is_empty()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::assistants::Configuration;

    const DEFAULTS: Defaults =
        Defaults { passages: 8, max_output_tokens: 1_024, history_tokens: 2_000, min_evidence: 30 };

    fn answering(collection_ids: &[u128]) -> Answering {
        let collection_ids = collection_ids.iter().map(|id| Uuid::from_u128(*id)).collect();
        let configuration =
            Configuration { collection_ids: Some(collection_ids), ..Configuration::default() };
        let configuration = configuration.effective(&DEFAULTS);
        Answering { assistant_id: Uuid::nil(), version: Some(1), configuration }
    }

    fn ids(numbers: &[u128]) -> Vec<Uuid> {
        numbers.iter().map(|number| Uuid::from_u128(*number)).collect()
    }

    #[test]
    fn an_assistant_narrows_and_never_widens() {
        assert_eq!(answering(&[]).scope(&ids(&[7]), &[]), Some(ids(&[7])));
        assert_eq!(answering(&[]).scope(&[], &[]), Some(Vec::new()));
        assert_eq!(answering(&[1, 2]).scope(&[], &ids(&[1, 2])), Some(ids(&[1, 2])));
        assert_eq!(answering(&[1, 2]).scope(&ids(&[2, 7]), &ids(&[1, 2])), Some(ids(&[2])));
    }

    #[test]
    fn nothing_left_is_nothing_and_not_everything() {
        assert_eq!(answering(&[1, 2]).scope(&[], &[]), None);
        assert_eq!(answering(&[1, 2]).scope(&ids(&[7]), &ids(&[1, 2])), None);
    }
}
