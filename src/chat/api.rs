//! HTTP of chat.

mod answers;
mod events;
mod messages;
mod reply;
mod sessions;
mod views;

pub use answers::AnswersApi;
pub use messages::MessagesApi;
pub use sessions::SessionsApi;
