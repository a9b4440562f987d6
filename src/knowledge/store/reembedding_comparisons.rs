//! What a re-embedding has compared until the end of a slice, for the next one to go on with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reembedding_leases::ClaimedReembedding;
use crate::db::{self, TenantTx};

/// What is compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedTexts {
    /// Questions that were last asked.
    Questions,
    /// Texts of passages.
    Passages,
}

impl ComparedTexts {
    /// As it stands in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Questions => "questions",
            Self::Passages => "passages",
        }
    }
}

/// A comparison under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared for; absent before it began.
    pub source: Option<ComparedTexts>,
    /// Overlap, 0 to 1, by SHA-256 of a question or id of a passage; absent where the old vectors found nothing.
    pub overlaps: BTreeMap<String, Option<f64>>,
}

impl TenantTx {
    /// What was compared so far; nothing when there is none of it, or none that is understood.
    pub(in crate::knowledge) async fn find_comparison(
        &mut self,
        reembedding_id: Uuid,
    ) -> db::Result<Comparison> {
        let found = sqlx::query_scalar!(
            "select comparison
            from reembeddings
            where tenant_id = $1
                and reembedding_id = $2",
            self.tenant().uuid(),
            reembedding_id
        )
        .fetch_optional(self.connection())
        .await?
        .flatten();
        Ok(found.and_then(|found| serde_json::from_value(found).ok()).unwrap_or_default())
    }

    /// Keeps what was compared so far, more than before: attempts that fail count from here. Nothing when it is no longer ours.
    pub(in crate::knowledge) async fn keep_comparison(
        &mut self,
        job: &ClaimedReembedding,
        comparison: &Comparison,
    ) -> db::Result<()> {
        sqlx::query!(
            "update reembeddings
            set
                comparison = $4,
                failures = 0,
                touched_at = now()
            where tenant_id = $1
                and reembedding_id = $2
                and lease_token = $3
                and state = 'running'",
            self.tenant().uuid(),
            job.reembedding_id,
            job.token,
            serde_json::json!(comparison)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let overlaps = [("a", Some(0.5)), ("b", None)].map(|(key, it)| (key.to_owned(), it));
        for source in [ComparedTexts::Questions, ComparedTexts::Passages] {
            let kept = Comparison { source: Some(source), overlaps: overlaps.clone().into() };
            let stored = serde_json::json!(kept);
            assert_eq!(stored["source"], source.as_str());
            assert_eq!(serde_json::from_value::<Comparison>(stored).unwrap(), kept);
        }
    }
}
