//! The events of a stream, named types in the document.

use poem_openapi::types::ToJSON;
use poem_openapi::{Enum, Object, Union};
use uuid::Uuid;

use super::views::{AnswerView, CitationView};
use crate::adapters::models::SwitchMode;
use crate::chat::run::{NumberedEvent, RunEvent};
use crate::web::events::frame;
use crate::web::problem::ProblemCode;

/// The question is stored and its run goes on, also when this stream is closed.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct StartedEvent {
    /// Run that answers.
    run_id: Uuid,
    /// Conversation; absent for a single question.
    session_id: Option<Uuid>,
    /// Message of the user.
    question_id: Uuid,
}

/// The next characters of the answer.
#[derive(Debug, Object)]
pub struct DeltaEvent {
    /// Text; all of them since the last `reset`, joined, are the content of the answer.
    #[oai(validator(max_length = 200000))]
    text: String,
}

/// The passage of a marker that has just stood in the text for the first time.
#[derive(Debug, Object)]
pub struct CitationEvent {
    /// The citation.
    citation: CitationView,
}

/// Everything shown so far is void: throw the text and its citations away, the next `delta` begins anew.
#[derive(Debug, Object)]
pub struct ResetEvent {
    /// Machine-readable reason, e.g. `provider_failed`.
    #[oai(validator(max_length = 100))]
    reason: String,
}

/// How another model takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SwitchMode", rename_all = "snake_case")]
pub enum SwitchModeName {
    /// It begins the answer anew; a `reset` came before.
    Restarted,
    /// It goes on where the text stands.
    Continued,
}

/// Another model goes on with the answer.
#[derive(Debug, Object)]
pub struct ProviderSwitchedEvent {
    /// Its provider.
    #[oai(validator(max_length = 100))]
    provider: String,
    /// Its name.
    #[oai(validator(max_length = 200))]
    model: String,
    /// How it takes over.
    mode: SwitchModeName,
}

/// The end: the answer as it is stored.
#[derive(Debug, Object)]
pub struct DoneEvent {
    /// The answer.
    answer: AnswerView,
}

/// The end: there is no answer.
#[derive(Debug, Object)]
pub struct ErrorEvent {
    /// For programs.
    code: ProblemCode,
    /// What happened and what to do about it.
    #[oai(validator(max_length = 2000))]
    detail: String,
    /// Whether the same question may be answered when it is asked again.
    retryable: bool,
}

/// A step of a run. `id:` counts from 1 without gaps; `event:` is the type.
#[derive(Debug, Union)]
#[oai(discriminator_name = "type", one_of = true, rename_all = "snake_case")]
pub enum ChatEvent {
    /// The question is stored.
    Started(StartedEvent),
    /// The next characters.
    Delta(DeltaEvent),
    /// A passage that the text refers to.
    Citation(CitationEvent),
    /// Everything shown so far is void.
    Reset(ResetEvent),
    /// Another model goes on.
    ProviderSwitched(ProviderSwitchedEvent),
    /// The end, with the answer.
    Done(DoneEvent),
    /// The end, without one.
    Error(ErrorEvent),
}

/// One event as it is written to the stream.
pub fn to_frame(numbered: NumberedEvent) -> String {
    let event = ChatEvent::from(numbered.event);
    let name = match &event {
        ChatEvent::Started(_) => "started",
        ChatEvent::Delta(_) => "delta",
        ChatEvent::Citation(_) => "citation",
        ChatEvent::Reset(_) => "reset",
        ChatEvent::ProviderSwitched(_) => "provider_switched",
        ChatEvent::Done(_) => "done",
        ChatEvent::Error(_) => "error",
    };
    frame(numbered.number, name, &event.to_json_string())
}

impl From<RunEvent> for ChatEvent {
    fn from(event: RunEvent) -> Self {
        match event {
            RunEvent::Started { run_id, session_id, question_id } => {
                Self::Started(StartedEvent { run_id, session_id, question_id })
            }
            RunEvent::Delta(text) => Self::Delta(DeltaEvent { text }),
            RunEvent::Citation(citation) => {
                Self::Citation(CitationEvent { citation: (*citation).into() })
            }
            RunEvent::Reset { reason } => Self::Reset(ResetEvent { reason }),
            RunEvent::ProviderSwitched { provider, model, mode } => {
                let mode = mode.into();
                Self::ProviderSwitched(ProviderSwitchedEvent { provider, model, mode })
            }
            RunEvent::Done(answer) => Self::Done(DoneEvent { answer: (*answer).into() }),
            RunEvent::Failed { code, detail, is_retryable } => {
                Self::Error(ErrorEvent { code, detail, retryable: is_retryable })
            }
        }
    }
}

impl From<SwitchMode> for SwitchModeName {
    fn from(mode: SwitchMode) -> Self {
        match mode {
            SwitchMode::Restarted => Self::Restarted,
            SwitchMode::Continued => Self::Continued,
        }
    }
}
