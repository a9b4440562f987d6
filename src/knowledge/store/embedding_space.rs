//! The row of `embedding_space`, which belongs to no tenant.

use crate::db::{self, SystemTx};

/// Which model the vectors of the database are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingSpace {
    /// Id of the model.
    pub model: String,
    /// Numbers in each vector.
    pub dimensions: i32,
}

impl SystemTx {
    /// The space of the database; it becomes this one when there is none yet.
    pub(in crate::knowledge) async fn claim_embedding_space(
        &mut self,
        space: &EmbeddingSpace,
    ) -> db::Result<EmbeddingSpace> {
        sqlx::query!(
            "insert into embedding_space (model, dimensions)
            values ($1, $2)
            on conflict do nothing",
            space.model,
            space.dimensions
        )
        .execute(self.connection())
        .await?;
        let found = sqlx::query_as!(
            EmbeddingSpace,
            "select
                model,
                dimensions
            from embedding_space"
        )
        .fetch_one(self.connection())
        .await?;
        Ok(found)
    }
}
