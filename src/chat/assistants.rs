//! Assistants: how a tenant's editors say that questions are answered. A draft is changed and tried; publishing makes a
//! version of it, which never changes; answers are made by the published version and name it.

mod change;
mod configuration;
mod language;
mod publish;
mod resolve;

pub use change::{
    AssistantChange, ChangeError, ConfigurationChange, change_assistant, create_assistant,
};
pub use configuration::{Configuration, Defaults, EffectiveConfiguration, Style};
pub use publish::{delete_assistant, publish_assistant, roll_back_assistant};
pub use resolve::{Answering, Choice, ResolveError, resolve};

use std::sync::Arc;

/// What the server allows of assistants.
#[derive(Clone, Debug)]
pub struct AssistantLimits {
    /// Most assistants of a tenant, the default one included.
    pub max_assistants: u32,
    /// Providers of models that the operator has set up.
    pub providers: Arc<[String]>,
}
