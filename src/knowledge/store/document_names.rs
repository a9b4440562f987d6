//! Names of documents: within a collection each stands once.

use uuid::Uuid;

use crate::db::{self, TenantTx};

impl TenantTx {
    /// The document of a name, made when there is none, and locked against other uploads of the same name.
    pub(in crate::knowledge) async fn lock_document_by_name(
        &mut self,
        new_id: Uuid,
        collection_id: Uuid,
        name: &str,
    ) -> db::Result<Uuid> {
        let id = sqlx::query_scalar!(
            "insert into documents (tenant_id, document_id, collection_id, name, title)
            values ($1, $2, $3, $4, $4)
            on conflict on constraint documents_name_key do update
            set updated_at = now()
            returning document_id",
            self.tenant().uuid(),
            new_id,
            collection_id,
            name
        )
        .fetch_one(self.connection())
        .await?;
        Ok(id)
    }

    /// The document of a name in a collection, or in the collection of a name when no id is given.
    pub(in crate::knowledge) async fn find_document_by_name(
        &mut self,
        collection_id: Option<Uuid>,
        collection_name: &str,
        name: &str,
    ) -> db::Result<Option<Uuid>> {
        let id = sqlx::query_scalar!(
            "select d.document_id
            from documents d
            join collections c on c.tenant_id = d.tenant_id and c.collection_id = d.collection_id
            where d.tenant_id = $1
                and d.name = $4
                and case when $2::uuid is null then c.name = $3 else c.collection_id = $2 end",
            self.tenant().uuid(),
            collection_id,
            collection_name,
            name
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(id)
    }
}
