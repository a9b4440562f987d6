//! The two forms of a reply to a question: a stream of events, or the whole answer as JSON, by `Accept`.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use poem_openapi::ResponseContent;
use poem_openapi::payload::{EventStream, Json};

use super::events::{ChatEvent, chat_events, to_sse};
use super::views::AnswerView;
use crate::chat::run::{RunEvent, RunHandle, StartError};
use crate::governance::{ExceededQuota, Period, QuotaWarning};
use crate::web::problem::{ApiError, ProblemCode, RefusedQuota};

/// Silence on a stream after which a comment is sent, so that proxies keep it open.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The forms of a reply.
#[derive(ResponseContent)]
#[expect(clippy::large_enum_variant, reason = "there is one for a request, and it is not kept")]
pub enum Reply {
    /// The answer, whole.
    Whole(Json<AnswerView>),
    /// The answer as it comes.
    Stream(EventStream<BoxStream<'static, ChatEvent>>),
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

/// The reply to a question whose run was started.
///
/// # Errors
/// For the whole form: the run ended without an answer.
pub async fn reply(run: RunHandle, form: Form) -> Result<Reply, ApiError> {
    match form {
        Form::Stream => Ok(Reply::Stream(stream(run))),
        Form::Whole => whole(run).await.map(|answer| Reply::Whole(Json(answer))),
    }
}

fn stream(run: RunHandle) -> EventStream<BoxStream<'static, ChatEvent>> {
    let mut number = 0;
    let events = chat_events(run.log.follow(0)).boxed();
    EventStream::new(events).keep_alive(HEARTBEAT).to_event(move |event| {
        number += 1;
        to_sse(number, &event)
    })
}

async fn whole(run: RunHandle) -> Result<AnswerView, ApiError> {
    let mut events = std::pin::pin!(run.log.follow(0));
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
    Err(ApiError::internal(anyhow::anyhow!("run {} ended without an event", run.run_id)))
}

impl From<StartError> for ApiError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownSession => Self::not_found("session"),
            StartError::UnknownCollection => Self::not_found("collection"),
            StartError::QuotaExceeded(quota) => refused(&quota),
            StartError::UnknownAssistant => Self::not_found("assistant"),
            StartError::Unpublished | StartError::AssistantGone => {
                Self::new(ProblemCode::Conflict, error.to_string())
            }
            StartError::OutsideAssistant => Self::invalid("/collection_ids", error.to_string()),
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
pub fn quota_warning(warnings: &[QuotaWarning]) -> Option<String> {
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
