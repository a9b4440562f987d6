//! The steps of a run, and how they are kept.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::Answer;
use crate::adapters::models::SwitchMode;
use crate::chat::citations::Citation;
use crate::web::problem::ProblemCode;

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum RunEvent {
    /// The question is stored; nothing that follows can lose it.
    Started {
        /// Run.
        run_id: Uuid,
        /// Conversation; absent for a single question.
        session_id: Option<Uuid>,
        /// Message of the user.
        question_id: Uuid,
    },
    /// The next characters of the answer.
    Delta(String),
    /// The passage of a marker that stands in the text for the first time.
    Citation(Box<Citation>),
    /// Everything told so far is void: the text begins anew.
    Reset {
        /// Machine-readable reason, e.g. `provider_failed`.
        reason: String,
    },
    /// Another model goes on with the answer.
    ProviderSwitched {
        /// Its provider.
        provider: String,
        /// Its name.
        model: String,
        /// From the beginning, or from where the text stands.
        mode: SwitchMode,
    },
    /// The end: the answer is stored. It is read from there, and not kept a second time.
    #[serde(skip)]
    Done(Box<Answer>),
    /// The end: there is no answer.
    Failed {
        /// For programs.
        #[serde(serialize_with = "write_code", deserialize_with = "read_code")]
        code: ProblemCode,
        /// For people.
        detail: String,
        /// Whether the same question may be answered when it is asked again.
        is_retryable: bool,
    },
}

/// An event with its number, which counts from 1 without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedEvent {
    /// Number.
    pub number: usize,
    /// Event.
    pub event: RunEvent,
}

impl RunEvent {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed { .. })
    }
}

/// Events with their numbers, the first of which is given.
pub(super) fn numbered(
    first: usize,
    events: impl IntoIterator<Item = RunEvent>,
) -> Vec<NumberedEvent> {
    let number = |(number, event)| NumberedEvent { number, event };
    (first..).zip(events).map(number).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn write_code<S: Serializer>(code: &ProblemCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&code.name())
}

fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProblemCode, D::Error> {
    let name = String::deserialize(deserializer)?;
    let code = ProblemCode::ALL.into_iter().find(|code| code.name() == name);
    code.ok_or_else(|| de::Error::custom(format!("{name} is no code")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_whatever_the_text_holds() {
        let events = vec![
            RunEvent::Delta("a\nb\rc\u{0}d\u{2028}e data: \"[1]\" 🗂️".to_owned()),
            RunEvent::Reset { reason: "provider_failed".to_owned() },
            RunEvent::ProviderSwitched {
                provider: "p".to_owned(),
                model: "m".to_owned(),
                mode: SwitchMode::Continued,
            },
            RunEvent::Failed {
                code: ProblemCode::Unavailable,
                detail: "no\u{0}".to_owned(),
                is_retryable: true,
            },
        ];
        let text = serde_json::to_string(&events).unwrap();
        // PostgreSQL's text takes no NUL, and a line must stay one.
        assert!(!text.contains(['\0', '\n', '\r']), "{text}");
        assert_eq!(serde_json::from_str::<Vec<RunEvent>>(&text).unwrap(), events);
    }
}
