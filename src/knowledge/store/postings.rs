//! Rows of `chunk_terms`: what the search by words looks passages up by.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::db::{self, TenantTx};

/// Terms of a passage.
#[derive(Clone, Copy, Debug)]
pub struct PassageTerms<'a> {
    /// The passage.
    pub chunk_id: Uuid,
    /// How often each term stands in it.
    pub terms: &'a BTreeMap<String, u32>,
}

impl PassageTerms<'_> {
    /// Terms in the passage, repeats counted.
    pub fn length(&self) -> i32 {
        let sum: i64 = self.terms.values().map(|frequency| i64::from(*frequency)).sum();
        i32::try_from(sum).unwrap_or(i32::MAX)
    }
}

impl TenantTx {
    /// Stores the terms of all passages of a version.
    pub(in crate::knowledge) async fn insert_terms(
        &mut self,
        version_id: Uuid,
        collection_id: Uuid,
        passages: &[PassageTerms<'_>],
    ) -> db::Result<()> {
        let mut terms = Vec::new();
        let mut ids = Vec::new();
        let mut frequencies = Vec::new();
        let mut lengths = Vec::new();
        for passage in passages {
            let length = passage.length();
            for (term, frequency) in passage.terms {
                terms.push(term.clone());
                ids.push(passage.chunk_id);
                frequencies.push(i32::try_from(*frequency).unwrap_or(i32::MAX));
                lengths.push(length);
            }
        }
        sqlx::query!(
            "insert into chunk_terms (
                tenant_id,
                term,
                version_id,
                collection_id,
                chunk_ids,
                frequencies,
                lengths
            )
            select
                $1,
                n.term,
                $2,
                $3,
                array_agg(n.chunk_id),
                array_agg(n.frequency),
                array_agg(n.length)
            from unnest($4::text[], $5::uuid[], $6::int[], $7::int[]) as n (term, chunk_id, frequency, length)
            group by n.term",
            self.tenant().uuid(),
            version_id,
            collection_id,
            &terms,
            &ids,
            &frequencies,
            &lengths
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
