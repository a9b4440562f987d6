//! Logs.

use std::str::FromStr;

use super::Env;

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, one object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("give text or json".to_owned()),
        }
    }
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// `PIDIMA_LOG`: filter as in `info,pidima=debug`; default `info,sqlx=warn`.
    pub filter: String,
    /// `PIDIMA_LOG_FORMAT`: text or json; default text.
    pub format: LogFormat,
}

impl TelemetryConfig {
    /// Reads the variables named at the fields.
    pub fn from_env(env: &Env) -> Self {
        Self {
            filter: env.text("PIDIMA_LOG").unwrap_or_else(|| "info,sqlx=warn".to_owned()),
            format: env.parse("PIDIMA_LOG_FORMAT", LogFormat::Text),
        }
    }
}
