//! HTTP of chat.

mod answers;
mod events;
mod messages;
mod reply;
mod runs;
mod sessions;
mod views;

pub use answers::AnswersApi;
pub use messages::MessagesApi;
pub use runs::RunsApi;
pub use sessions::SessionsApi;
