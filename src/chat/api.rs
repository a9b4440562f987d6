//! HTTP of chat.

mod answers;
mod assistants;
mod citations;
mod events;
mod feedback;
mod feedback_views;
mod messages;
mod reply;
mod runs;
mod sessions;
mod trace_views;
mod traces;
mod views;

pub use answers::AnswersApi;
pub use assistants::AssistantsApi;
pub use citations::CitationsApi;
pub use feedback::FeedbackApi;
pub use messages::MessagesApi;
pub use runs::RunsApi;
pub use sessions::SessionsApi;
pub use traces::TracesApi;
