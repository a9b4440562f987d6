//! Conversations: sessions, messages, runs, answers with citations.

pub mod api;
pub mod assistants;
mod citations;
mod evidence;
mod feedback;
mod hot_context;
mod output_filter;
mod prompt;
mod readable;
mod refusal;
mod remove_session;
mod run;
mod store;
mod summarise;
mod trace;
mod withheld;

pub use citations::{Citation, CitationBuilder, Piece};
pub use hot_context::HotContexts;
pub use output_filter::{AllowedLinks, FilterSettings, LinkPrefix, OutputFilter};
pub use prompt::{Counting, Marker};
pub use run::{
    Answer, Chat, ChatSettings, NumberedEvent, Outcome, Question, RunEvent, RunRef, RunSettings,
    StartError, Usage,
};
