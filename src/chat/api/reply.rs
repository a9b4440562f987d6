//! The two forms of a reply to a question: a stream of events, or the whole answer as JSON, by `Accept`.

use std::pin::pin;

use futures_util::StreamExt;
use poem::IntoResponse;
use poem_openapi::ResponseContent;
use poem_openapi::payload::Json;

use super::events::{ChatEvent, to_frame};
use super::views::AnswerView;
use crate::chat::run::{Chat, RunEvent, RunRef, StartError, Started};
use crate::governance::{ExceededQuota, Period, QuotaWarning};
use crate::knowledge::Reach;
use crate::web::events::Events;
use crate::web::idempotency::Replayable;
use crate::web::problem::{ApiError, ProblemCode, RefusedQuota};

/// The forms of a reply.
#[derive(ResponseContent)]
#[expect(clippy::large_enum_variant, reason = "there is one of these for each request")]
pub enum Reply {
    /// The answer, whole.
    Whole(Json<AnswerView>),
    /// The answer as it comes.
    Stream(Events<ChatEvent>),
}

/// Which form is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Whole,
    /// Events.
    Stream,
}

impl Form {
    /// From `Accept`: the first of the two types that it names, JSON when it names anything or is absent.
    ///
    /// # Errors
    /// 406 when it names neither.
    pub fn of(accept: Option<&str>) -> Result<Self, ApiError> {
        let Some(accept) = accept else { return Ok(Self::Whole) };
        for range in accept.split(',') {
            match range.split(';').next().unwrap_or_default().trim() {
                "text/event-stream" => return Ok(Self::Stream),
                "application/json" | "application/*" | "*/*" => return Ok(Self::Whole),
                _ => {}
            }
        }
        Err(ApiError::new(
            ProblemCode::NotAcceptable,
            "accept text/event-stream for a stream or application/json for the whole answer",
        ))
    }
}

/// The reply to a question, from the run that answers it, with the header that tells of quotas of which little is left: in
/// the form asked for now, also when the question was asked before in the other one.
///
/// # Errors
/// For the whole form: the run ended without an answer.
pub async fn reply<T: From<(Reply, Option<String>)> + IntoResponse>(
    chat: &Chat,
    started: Started,
    form: Form,
) -> Result<Replayable<T>, ApiError> {
    let (run, reach, warning) = match started {
        Started::Now { reference, warnings } => (reference, None, quota_warning(&warnings)),
        // Nothing is charged for it.
        Started::Before { reference, reach } => (reference, Some(reach), None),
    };
    let is_repeated = reach.is_some();
    let reply = match form {
        Form::Stream => Reply::Stream(stream(chat, run, 0, reach)),
        Form::Whole => Reply::Whole(Json(whole(chat, run, reach).await?)),
    };
    Ok(Replayable::of(T::from((reply, warning)), is_repeated))
}

/// The events of a run after a number, as they are written.
pub fn stream(chat: &Chat, run: RunRef, after: usize, reach: Option<Reach>) -> Events<ChatEvent> {
    let events = chat.follow(run, after, reach);
    Events::new(events.map(to_frame), chat.run_settings().times)
}

async fn whole(chat: &Chat, run: RunRef, reach: Option<Reach>) -> Result<AnswerView, ApiError> {
    let mut events = pin!(chat.follow(run, 0, reach));
    while let Some(event) = events.next().await {
        match event.event {
            RunEvent::Done(answer) => return Ok((*answer).into()),
            RunEvent::Failed { code, detail, .. } => return Err(ApiError::new(code, detail)),
            RunEvent::Started { .. }
            | RunEvent::Delta(_)
            | RunEvent::Citation(_)
            | RunEvent::Reset { .. }
            | RunEvent::ProviderSwitched { .. } => {}
        }
    }
    let detail = format!(
        "this server stops or has lost its database; the answer is told by GET /v1/runs/{}",
        run.run_id
    );
    Err(ApiError::new(ProblemCode::Unavailable, detail).about_run(run.run_id))
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownSession => Self::not_found("session"),
            StartError::UnknownCollection => Self::not_found("collection"),
            StartError::QuotaExceeded(quota) => refused(&quota),
            StartError::Busy { run_id: None } => Self::new(
                ProblemCode::Conflict,
                "one answer after the other is being made in this session: ask again when it is quiet",
            ),
            StartError::Busy { run_id: Some(run_id) } => Self::new(
                ProblemCode::Conflict,
                format!(
                    "an answer is being made in this session by run {run_id}: follow it, cancel it, or wait for its end"
                ),
            )
            .about_run(run_id),
            StartError::UnknownAssistant => Self::not_found("assistant"),
            StartError::Unpublished | StartError::AssistantGone | StartError::NoProvider => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            StartError::OutsideAssistant => Self::invalid("/collection_ids", error.to_string()),
            StartError::Off(_) => Self::new(ProblemCode::Unavailable, error.to_string()),
            StartError::Database(error) => error.into(),
        }
    }
}

fn refused(quota: &ExceededQuota) -> ApiError {
    let period = (quota.period != Period::None).then(|| quota.period.as_str().to_owned());
    let told = RefusedQuota {
        subject: quota.subject.to_string(),
        measure: quota.measure.to_string(),
        period,
        resets_at: quota.resets_at,
    };
    ApiError::quota_exceeded(quota.retry_after, told, quota.to_string())
}

/// Value of the header that tells of quotas of which little is left.
fn quota_warning(warnings: &[QuotaWarning]) -> Option<String> {
    let told = warnings.iter().map(|QuotaWarning { subject, measure, period }| match period {
        Period::None => format!("{measure};subject={subject}"),
        period => format!("{measure};subject={subject};period={}", period.as_str()),
    });
    (!warnings.is_empty()).then(|| told.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_type_that_is_known_decides() {
        assert_eq!(Form::of(None).ok(), Some(Form::Whole));
        assert_eq!(Form::of(Some("text/event-stream")).ok(), Some(Form::Stream));
        assert_eq!(Form::of(Some("application/json, text/event-stream")).ok(), Some(Form::Whole));
        assert_eq!(Form::of(Some("text/html, */*;q=0.8")).ok(), Some(Form::Whole));
        assert!(Form::of(Some("text/html")).is_err());
    }
}
