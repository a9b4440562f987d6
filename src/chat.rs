//! Conversations: sessions, messages, runs, answers with citations.

pub mod api;
mod citations;
mod prompt;
mod run;
mod store;
mod withheld;

pub use citations::{Citation, CitationBuilder, Piece};
pub use run::{
    Answer, Chat, ChatSettings, Outcome, Question, RunEvent, RunHandle, StartError, Usage,
};
