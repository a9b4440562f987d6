//! Reads server-sent events out of the pieces in which a network delivers them. Called by the
//! adapters that talk to streaming servers; it knows nothing of what the events mean and does no
//! input or output.
//!
//! Pieces may end anywhere, also inside a line end or a character: bytes are gathered to whole
//! lines before they are decoded. Of the fields `data` is kept, and `error`, in which llama.cpp puts an
//! error object; comments, `event`, `id` and `retry` are read over (format: WHATWG HTML, section 9.2).

/// Longest line and longest event that is read. An honest chunk of an answer is a few hundred
/// bytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Why the bytes cannot be read as events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// Nothing was ended within [`MAX_EVENT_BYTES`].
    #[error("an event is longer than {MAX_EVENT_BYTES} bytes")]
    TooLong,
    /// A line that is not UTF-8.
    #[error("an event is not utf-8")]
    NotUtf8,
}

/// The state between two pieces.
#[derive(Debug, Default)]
pub struct SseReader {
    line: Vec<u8>,
    data: Option<String>,
    after_carriage_return: bool,
    has_begun: bool,
}

impl SseReader {
    /// Takes the next piece and adds the data of each event that it completes to `events`, in order.
    ///
    /// # Errors
    /// When a line or an event is too long or not UTF-8; the reader must then be given up. The events before it are good.
    pub fn push(&mut self, piece: &[u8], events: &mut Vec<String>) -> Result<(), SseError> {
        let mut rest = piece;
        while let Some((first, behind)) = rest.split_first() {
            if self.after_carriage_return && *first == b'\n' {
                rest = behind;
            }
            self.after_carriage_return = false;
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.keep(rest)?;
                break;
            };
            self.keep(&rest[..end])?;
            self.after_carriage_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(())
    }

    /// The event that the end of the connection completes, for servers that leave out the last
    /// empty line.
    ///
    /// # Errors
    /// Like [`SseReader::push`].
    pub fn finish(&mut self) -> Result<Option<String>, SseError> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        Ok(self.data.take())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if held + bytes.len() > MAX_EVENT_BYTES {
            return Err(SseError::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Result<Option<String>, SseError> {
        let bytes = std::mem::take(&mut self.line);
        let decoded = String::from_utf8(bytes).map_err(|_| SseError::NotUtf8)?;
        let mut line = decoded.as_str();
        if !std::mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if matches!(field, "data" | "error") {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\ndata: {\"a\":\"ü👍\"}\r\n\r\nevent: x\rdata:1\rdata: 2\r\rid: 7\n\n\
                          data\n\ndata: last";

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = SseReader::default();
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut events).unwrap();
        }
        events.extend(reader.finish().unwrap());
        events
    }

    #[test]
    fn comments_other_fields_and_every_kind_of_line_end_are_read() {
        assert_eq!(read(&[STREAM.as_bytes()]), ["{\"a\":\"ü👍\"}", "1\n2", "", "last"]);
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut reader = SseReader::default();
        let piece = vec![b'x'; 64 * 1024];
        let taken = (0..200).take_while(|_| reader.push(&piece, &mut Vec::new()).is_ok()).count();
        assert_eq!(taken, MAX_EVENT_BYTES / piece.len());
    }

    #[test]
    fn an_event_of_endlessly_many_short_lines_is_refused_too() {
        let mut reader = SseReader::default();
        let piece = "data: 0123456789\n".repeat(1000);
        let refused = (0..200).find_map(|_| reader.push(piece.as_bytes(), &mut Vec::new()).err());
        assert_eq!(refused, Some(SseError::TooLong));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let mut events = Vec::new();
        let pushed = SseReader::default().push(b"data: good\n\ndata: \xff\n", &mut events);
        assert_eq!(pushed, Err(SseError::NotUtf8));
        assert_eq!(events, ["good"], "what came before is not lost");
    }

    proptest! {
        #[test]
        fn where_the_network_cuts_makes_no_difference(mut cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            cuts.sort_unstable();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut start = 0;
            for cut in cuts {
                pieces.push(&STREAM.as_bytes()[start..cut]);
                start = cut;
            }
            pieces.push(&STREAM.as_bytes()[start..]);
            prop_assert_eq!(read(&pieces), read(&[STREAM.as_bytes()]));
        }
    }
}
