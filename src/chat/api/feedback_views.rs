//! Feedback as clients see and send it.

use chrono::{DateTime, Utc};
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::chat::feedback::Verdict;
use crate::chat::store::feedback::Feedback;
use crate::web::reading::plain_text;

/// What is said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "AnswerRating", rename_all = "snake_case")]
pub enum AnswerRatingName {
    /// It helped.
    Up,
    /// It did not.
    Down,
}

/// What is said of a citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "CitationRating", rename_all = "snake_case")]
pub enum CitationRatingName {
    /// The passage carries the claim.
    Correct,
    /// The passage says something else.
    Wrong,
    /// The passage has nothing to do with the question.
    Irrelevant,
}

/// What is said of an answer or of a citation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "Rating", rename_all = "snake_case")]
pub enum RatingName {
    /// The answer helped.
    Up,
    /// The answer did not help.
    Down,
    /// The passage carries the claim.
    Correct,
    /// The passage says something else.
    Wrong,
    /// The passage has nothing to do with the question.
    Irrelevant,
}

/// Why an answer is rated so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "FeedbackReason", rename_all = "snake_case")]
pub enum ReasonName {
    /// Something in it is not so.
    Wrong,
    /// Something is missing.
    Incomplete,
    /// It is not so any more.
    Outdated,
    /// It answers another question.
    OffTopic,
    /// It does not answer though the documentation does.
    NotAnswered,
    /// It is hard to understand.
    Unclear,
    /// It should not be shown to anybody.
    Unsafe,
    /// Something else; the comment says what.
    Other,
}

/// Who gave feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "FeedbackGiver", rename_all = "snake_case")]
pub enum GiverName {
    /// A program.
    ApiKey,
    /// A person of the tenant.
    Member,
    /// Somebody whom a customer's own server vouches for.
    EndUser,
}

/// What you say of an answer.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct MessageFeedbackUpdate {
    /// Whether it helped.
    rating: AnswerRatingName,
    /// Why.
    reason: Option<ReasonName>,
    /// In your own words.
    #[oai(validator(max_length = 2000))]
    comment: Option<String>,
}

impl Example for MessageFeedbackUpdate {
    fn example() -> Self {
        Self {
            rating: AnswerRatingName::Down,
            reason: Some(ReasonName::Incomplete),
            comment: Some("It does not say how to renew a key.".to_owned()),
        }
    }
}

/// What you say of a citation.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields, example)]
pub struct CitationFeedbackUpdate {
    /// Whether its passage carries the claim.
    rating: CitationRatingName,
    /// In your own words.
    #[oai(validator(max_length = 2000))]
    comment: Option<String>,
}

impl Example for CitationFeedbackUpdate {
    fn example() -> Self {
        Self { rating: CitationRatingName::Correct, comment: None }
    }
}

/// What somebody said of an answer or of a citation.
#[derive(Debug, Object)]
#[oai(rename = "Feedback", skip_serializing_if_is_none)]
pub struct FeedbackView {
    /// Id of the feedback.
    id: Uuid,
    /// Answer.
    message_id: Uuid,
    /// Citation of the answer; absent when the answer as a whole is meant.
    citation_id: Option<Uuid>,
    /// What was said.
    rating: RatingName,
    /// Why.
    reason: Option<ReasonName>,
    /// In the reader's own words.
    #[oai(validator(max_length = 2000))]
    comment: Option<String>,
    /// Id of the key, the person or the end user who said it.
    given_by: Uuid,
    /// What kind of reader that is.
    given_by_kind: GiverName,
    /// When it was first given.
    created_at: DateTime<Utc>,
    /// When it was last changed.
    updated_at: DateTime<Utc>,
}

/// A page of feedback.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FeedbackList {
    /// Feedback, newest first.
    #[oai(validator(max_items = 100))]
    pub items: Vec<FeedbackView>,
    /// Continues the list; absent on the last page.
    #[oai(validator(max_length = 100))]
    pub next_cursor: Option<String>,
}

impl RatingName {
    const ALL: [Self; 5] = [Self::Up, Self::Down, Self::Correct, Self::Wrong, Self::Irrelevant];

    /// As stored.
    pub fn as_row(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Correct => "correct",
            Self::Wrong => "wrong",
            Self::Irrelevant => "irrelevant",
        }
    }
}

impl ReasonName {
    const ALL: [Self; 8] = [
        Self::Wrong,
        Self::Incomplete,
        Self::Outdated,
        Self::OffTopic,
        Self::NotAnswered,
        Self::Unclear,
        Self::Unsafe,
        Self::Other,
    ];

    fn as_row(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Incomplete => "incomplete",
            Self::Outdated => "outdated",
            Self::OffTopic => "off_topic",
            Self::NotAnswered => "not_answered",
            Self::Unclear => "unclear",
            Self::Unsafe => "unsafe",
            Self::Other => "other",
        }
    }
}

impl From<MessageFeedbackUpdate> for Verdict {
    fn from(update: MessageFeedbackUpdate) -> Self {
        let rating = match update.rating {
            AnswerRatingName::Up => RatingName::Up,
            AnswerRatingName::Down => RatingName::Down,
        };
        Self {
            rating: rating.as_row(),
            reason: update.reason.map(ReasonName::as_row),
            comment: comment(update.comment.as_deref()),
        }
    }
}

impl From<CitationFeedbackUpdate> for Verdict {
    fn from(update: CitationFeedbackUpdate) -> Self {
        let rating = match update.rating {
            CitationRatingName::Correct => RatingName::Correct,
            CitationRatingName::Wrong => RatingName::Wrong,
            CitationRatingName::Irrelevant => RatingName::Irrelevant,
        };
        let comment = comment(update.comment.as_deref());
        Self { rating: rating.as_row(), reason: None, comment }
    }
}

/// A comment of white space says nothing.
fn comment(text: Option<&str>) -> Option<String> {
    text.map(plain_text).filter(|text| !text.is_empty())
}

impl From<Feedback> for FeedbackView {
    fn from(feedback: Feedback) -> Self {
        let reason = feedback.reason.as_deref();
        let named = |name: &RatingName| name.as_row() == feedback.rating;
        Self {
            id: feedback.feedback_id,
            message_id: feedback.message_id,
            citation_id: feedback.citation_id,
            // The constraints of the table hold the same names.
            rating: RatingName::ALL.into_iter().find(named).unwrap_or(RatingName::Down),
            reason: ReasonName::ALL.into_iter().find(|name| reason == Some(name.as_row())),
            comment: feedback.comment,
            given_by: feedback.given_by,
            given_by_kind: match feedback.given_by_kind.as_str() {
                "api_key" => GiverName::ApiKey,
                "member" => GiverName::Member,
                _ => GiverName::EndUser,
            },
            created_at: feedback.created_at,
            updated_at: feedback.updated_at,
        }
    }
}
