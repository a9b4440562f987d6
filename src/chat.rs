//! Conversations: sessions, messages, runs, answers with citations.

pub mod api;
mod citations;
mod feedback;
mod hot_context;
mod output_filter;
mod prompt;
mod readable;
mod run;
mod store;
mod withheld;

pub use citations::{Citation, CitationBuilder, Piece};
pub use hot_context::HotContexts;
pub use output_filter::{FilterSettings, LinkPrefix};
pub use run::{
    Answer, Chat, ChatSettings, Outcome, Question, RunEvent, RunHandle, StartError, Usage,
};
