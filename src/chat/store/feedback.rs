//! Rows of `feedback`: one for each reader and each answer or citation that they rated.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Keyset, Page, TenantTx};

/// What a reader said.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// Id.
    pub feedback_id: Uuid,
    /// Answer.
    pub message_id: Uuid,
    /// Citation of the answer; absent when the answer as a whole is meant.
    pub citation_id: Option<Uuid>,
    /// Key, person or end user.
    pub given_by: Uuid,
    /// api_key, member or end_user.
    pub given_by_kind: String,
    /// up, down, correct, wrong or irrelevant.
    pub rating: String,
    /// Why.
    pub reason: Option<String>,
    /// In the reader's own words.
    pub comment: Option<String>,
    /// When it was first given.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a reader says.
#[derive(Clone, Debug)]
pub struct NewFeedback<'a> {
    /// Answer.
    pub message_id: Uuid,
    /// Number of the citation; absent for the answer as a whole.
    pub citation_number: Option<i32>,
    /// Key, person or end user.
    pub given_by: Uuid,
    /// api_key, member or end_user.
    pub given_by_kind: &'a str,
    /// up, down, correct, wrong or irrelevant.
    pub rating: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// In the reader's own words.
    pub comment: Option<&'a str>,
}

/// Which rows a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedbackFilter<'a> {
    /// Of this answer only.
    pub message_id: Option<Uuid>,
    /// Of this reader only.
    pub given_by: Option<Uuid>,
    /// With this rating only.
    pub rating: Option<&'a str>,
}

impl TenantTx {
    /// Stores what a reader says, in place of what they said of the same thing before; its id.
    pub(in crate::chat) async fn upsert_feedback(
        &mut self,
        feedback_id: Uuid,
        new: &NewFeedback<'_>,
    ) -> db::Result<Uuid> {
        let id = sqlx::query_scalar!(
            "insert into feedback (
                tenant_id,
                feedback_id,
                message_id,
                citation_number,
                given_by,
                given_by_kind,
                rating,
                reason,
                comment
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict on constraint feedback_given_by_key do update
            set
                rating = excluded.rating,
                reason = excluded.reason,
                comment = excluded.comment,
                updated_at = now()
            returning feedback_id",
            self.tenant().uuid(),
            feedback_id,
            new.message_id,
            new.citation_number,
            new.given_by,
            new.given_by_kind,
            new.rating,
            new.reason,
            new.comment
        )
        .fetch_one(self.connection())
        .await?;
        Ok(id)
    }

    /// Takes back what a reader said of a thing, if they said anything.
    pub(in crate::chat) async fn delete_feedback(
        &mut self,
        message_id: Uuid,
        citation_number: Option<i32>,
        given_by: Uuid,
    ) -> db::Result<()> {
        sqlx::query!(
            "delete from feedback
            where tenant_id = $1
                and message_id = $2
                and citation_number is not distinct from $3
                and given_by = $4",
            self.tenant().uuid(),
            message_id,
            citation_number,
            given_by
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// One row.
    pub(in crate::chat) async fn find_feedback(
        &mut self,
        message_id: Uuid,
        feedback_id: Uuid,
    ) -> db::Result<Option<Feedback>> {
        let feedback = sqlx::query_as!(
            Feedback,
            r#"select
                f.feedback_id as "feedback_id!",
                f.message_id as "message_id!",
                c.citation_id as "citation_id?",
                f.given_by as "given_by!",
                f.given_by_kind as "given_by_kind!",
                f.rating as "rating!",
                f.reason,
                f.comment,
                f.created_at as "created_at!",
                f.updated_at as "updated_at!"
            from feedback f
            left join citations c
                on c.tenant_id = f.tenant_id
                and c.message_id = f.message_id
                and c.number = f.citation_number
            where f.tenant_id = $1
                and f.message_id = $2
                and f.feedback_id = $3"#,
            self.tenant().uuid(),
            message_id,
            feedback_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(feedback)
    }

    /// Feedback, newest first.
    pub(in crate::chat) async fn list_feedback(
        &mut self,
        filter: FeedbackFilter<'_>,
        keyset: Keyset,
    ) -> db::Result<Page<Feedback>> {
        let rows = sqlx::query_as!(
            Feedback,
            r#"select
                f.feedback_id as "feedback_id!",
                f.message_id as "message_id!",
                c.citation_id as "citation_id?",
                f.given_by as "given_by!",
                f.given_by_kind as "given_by_kind!",
                f.rating as "rating!",
                f.reason,
                f.comment,
                f.created_at as "created_at!",
                f.updated_at as "updated_at!"
            from feedback f
            left join citations c
                on c.tenant_id = f.tenant_id
                and c.message_id = f.message_id
                and c.number = f.citation_number
            where f.tenant_id = $1
                and ($2::uuid is null or f.message_id = $2)
                and ($3::uuid is null or f.given_by = $3)
                and ($4::text is null or f.rating = $4)
                and ($5::uuid is null or f.feedback_id < $5)
            order by f.feedback_id desc
            limit $6"#,
            self.tenant().uuid(),
            filter.message_id,
            filter.given_by,
            filter.rating,
            keyset.after,
            keyset.rows()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(Page::new(rows, keyset, |feedback| feedback.feedback_id))
    }
}
