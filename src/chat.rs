//! Conversations: sessions, messages, runs, answers with citations.

pub mod api;
mod citations;
mod prompt;
mod run;
mod store;
mod withheld;

pub use citations::{Citation, CitationBuilder, Piece};
pub use run::{
    Answer, Chat, ChatSettings, NumberedEvent, Outcome, Question, RunEvent, RunRef, RunSettings,
    StartError, Usage,
};
