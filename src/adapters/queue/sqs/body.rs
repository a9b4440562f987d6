//! A message as it travels: JSON of ids alone. Anybody who may write to the queue can write anything, so that what is read
//! is checked to the letter; whether the tenant has such a thing, row-level security says.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::adapters::queue::Message;

/// Longest body that is looked into, in bytes: ours have some 200.
const MOST_BYTES: usize = 1_024;
/// Longest name of a job, in characters.
const MOST_KIND_CHARS: usize = 100;

/// Why a body is not a message of ours. What it says is not repeated: it may be anything.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body has {0} bytes")]
    TooLong(usize),
    #[error("the body is no message: line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("the name of the job is empty or too long")]
    Kind,
    #[error("there is no body")]
    Absent,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    message_id: Uuid,
    kind: String,
    tenant_id: Uuid,
    subject_id: Uuid,
}

/// The body of a message.
pub(super) fn write(message: &Message) -> serde_json::Result<String> {
    serde_json::to_string(&Body {
        message_id: message.message_id,
        kind: message.kind.clone(),
        tenant_id: message.tenant.uuid(),
        subject_id: message.subject_id,
    })
}

/// The message of a body.
pub(super) fn read(body: Option<&str>) -> Result<Message, BodyError> {
    let body = body.ok_or(BodyError::Absent)?;
    if body.len() > MOST_BYTES {
        return Err(BodyError::TooLong(body.len()));
    }
    let read: Body = serde_json::from_str(body)
        .map_err(|error| BodyError::Malformed { line: error.line(), column: error.column() })?;
    if read.kind.is_empty() || read.kind.chars().count() > MOST_KIND_CHARS {
        return Err(BodyError::Kind);
    }
    Ok(Message {
        message_id: read.message_id,
        kind: read.kind,
        tenant: read.tenant_id.into(),
        subject_id: read.subject_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::{TenantId, new_id};

    fn message(kind: String) -> Message {
        Message { message_id: new_id(), kind, tenant: TenantId::generate(), subject_id: new_id() }
    }

    #[test]
    fn a_message_comes_back_as_it_went() {
        for chars in [1, MOST_KIND_CHARS] {
            let sent = message("x".repeat(chars));
            assert_eq!(read(Some(&write(&sent).unwrap())), Ok(sent));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let good = write(&message("x".to_owned())).unwrap();
        let padded = |bytes: usize| format!("{good}{}", " ".repeat(bytes - good.len()));
        assert!(read(Some(&padded(MOST_BYTES))).is_ok());
        assert_eq!(read(Some(&padded(MOST_BYTES + 1))), Err(BodyError::TooLong(MOST_BYTES + 1)));
        for chars in [0, MOST_KIND_CHARS + 1] {
            let body = write(&message("x".repeat(chars))).unwrap();
            assert_eq!(read(Some(&body)), Err(BodyError::Kind));
        }
        assert_eq!(read(None), Err(BodyError::Absent));
        let more = good.replacen('{', "{\"more\":1,", 1);
        let twice = good.replacen('{', "{\"kind\":\"y\",", 1);
        let half = &good[..good.len() / 2];
        let no_id = good.replace("-", "");
        let no_id = no_id.replacen("\"message_id\":\"", "\"message_id\":\"z", 1);
        for bad in ["", "null", "[]", "{}", "hello", half, &more, &twice, &no_id] {
            assert!(matches!(read(Some(bad)), Err(BodyError::Malformed { .. })), "{bad}");
        }
    }
}
