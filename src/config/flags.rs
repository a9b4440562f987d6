//! Flags: what the operator switches off and on while the service runs.

use std::fmt;
use std::str::FromStr;

use super::Env;

/// Flags as they are for tenants that have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagsConfig {
    /// `PIDIMA_FLAG_UPLOADS`: whether documents are taken; on or off, default on.
    pub uploads: bool,
    /// `PIDIMA_FLAG_QUESTIONS`: whether questions are answered; on or off, default on.
    pub questions: bool,
    /// `PIDIMA_FLAG_ATTACHMENTS`: whether files are attached to sessions; on or off, default on.
    pub attachments: bool,
}

impl FlagsConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            uploads: env.parse("PIDIMA_FLAG_UPLOADS", Switch(true)).0,
            questions: env.parse("PIDIMA_FLAG_QUESTIONS", Switch(true)).0,
            attachments: env.parse("PIDIMA_FLAG_ATTACHMENTS", Switch(true)).0,
        }
    }
}

#[derive(Clone, Copy)]
struct Switch(bool);

impl FromStr for Switch {
    type Err = NoSwitch;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "on" | "true" => Ok(Self(true)),
            "off" | "false" => Ok(Self(false)),
            _ => Err(NoSwitch),
        }
    }
}

struct NoSwitch;

impl fmt::Display for NoSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("give on or off")
    }
}
