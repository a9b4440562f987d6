//! Commands of the follower and their replies.

use std::time::Duration;

use redis::{Cmd, Pipeline, cmd, pipe};
use uuid::Uuid;

use crate::adapters::streams::{Entry, StreamKey};

/// Events of one log that come in one reply, at most.
const EVENTS_AT_ONCE: usize = 1_000;
/// How long what was written to wake a process stays.
const WAKE_TTL_MS: u64 = 60_000;
/// What TYPE says of a log.
pub(super) const STREAM: &str = "stream";

/// Ids of a stream's entries, with their fields and values.
type Found = Vec<(String, Vec<(String, Vec<u8>)>)>;
/// Reply of XREAD: what there is of each stream that has something new; nothing after a wait in vain.
pub(super) type Reply = Option<Vec<(String, Found)>>;

/// Ends the present wait of a process, or its next one.
pub(super) fn wake(process: Uuid) -> Pipeline {
    let key = StreamKey::wake(process);
    let mut commands = pipe();
    commands.cmd("XADD").arg(key.as_str()).arg("MAXLEN").arg(1).arg("*").arg("wake").arg(1);
    commands.cmd("PEXPIRE").arg(key.as_str()).arg(WAKE_TTL_MS);
    commands
}

/// What stands at each key.
pub(super) fn types<'a>(keys: impl Iterator<Item = &'a StreamKey>) -> Pipeline {
    let mut commands = pipe();
    for key in keys {
        commands.cmd("TYPE").arg(key.as_str());
    }
    commands
}

/// Waits for what comes after the given ids.
pub(super) fn read<'a>(wait: Duration, streams: impl Iterator<Item = (&'a str, String)>) -> Cmd {
    let (keys, ids): (Vec<_>, Vec<_>) = streams.unzip();
    let mut command = cmd("XREAD");
    command.arg("COUNT").arg(EVENTS_AT_ONCE);
    command.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
    command.arg("STREAMS").arg(keys).arg(ids);
    command
}

/// Id after which events newer than a number come.
pub(super) fn id(number: u64) -> String {
    format!("{number}-0")
}

/// Events from a reply; `None` when something stands there that no writer of ours wrote.
pub(super) fn entries(found: Found) -> Option<Vec<Entry>> {
    let entry = |(id, fields): (String, Vec<(String, Vec<u8>)>)| {
        let number = id.strip_suffix("-0")?.parse().ok()?;
        let (field, payload) = fields.into_iter().next()?;
        Some(Entry { number, payload: payload.into(), is_last: field == "last" })
    };
    found.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_are_not_ours_are_no_events() {
        let one = |id: &str, field: &str| {
            entries(vec![(id.to_owned(), vec![(field.to_owned(), b"x".to_vec())])])
        };
        let entry = one("7-0", "last").unwrap().remove(0);
        assert_eq!((entry.number, &*entry.payload, entry.is_last), (7, &b"x"[..], true));
        assert!(!one("7-0", "event").unwrap()[0].is_last);
        assert!(one("7-1", "event").is_none());
        assert!(one("words", "event").is_none());
        assert!(entries(vec![("7-0".to_owned(), Vec::new())]).is_none());
    }
}
