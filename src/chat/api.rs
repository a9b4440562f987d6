//! HTTP of chat.

mod answers;
mod assistants;
mod attachment_upload;
mod attachment_views;
mod attachments;
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
pub use attachments::AttachmentsApi;
pub use citations::CitationsApi;
pub use feedback::FeedbackApi;
pub use messages::MessagesApi;
pub use runs::RunsApi;
pub use sessions::SessionsApi;
pub use traces::TracesApi;
