//! What parent and child say to each other: a line of JSON and the file go in, JSON comes out.

use serde::{Deserialize, Serialize};

use super::ParserSettings;
use crate::knowledge::parse::{Extraction, MediaType, ParseError, ParseLimits};

/// Longest first line.
pub(super) const MAX_ORDER_BYTES: u64 = 16 << 10;

/// What the child is to do, before the bytes of the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) media: MediaType,
    /// Bytes of the file that follow the line.
    pub(super) file_bytes: usize,
    pub(super) limits: ParseLimits,
    pub(super) cpu_seconds: u64,
    pub(super) memory_bytes: u64,
}

impl Order {
    pub(super) fn new(media: MediaType, file_bytes: usize, settings: &ParserSettings) -> Self {
        Self {
            media,
            file_bytes,
            limits: settings.limits.clone(),
            cpu_seconds: settings.cpu_seconds,
            memory_bytes: settings.memory_bytes,
        }
    }

    /// As it is sent. An order is numbers and names: it always has a form as JSON.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// What the child answers.
pub(super) type Answer = Result<Extraction, ParseError>;
