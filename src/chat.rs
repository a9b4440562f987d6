//! Conversations: sessions, messages, runs, answers with citations.

pub mod api;
mod citations;
mod feedback;
mod output_filter;
mod prompt;
mod readable;
mod run;
mod store;
mod trace;
mod withheld;

pub use citations::{Citation, CitationBuilder, Piece};
pub use output_filter::{FilterSettings, LinkPrefix};
pub use run::{
    Answer, Chat, ChatSettings, NumberedEvent, Outcome, Question, RunEvent, RunRef, RunSettings,
    StartError, Usage,
};
