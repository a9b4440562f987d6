//! The protobuf wire format: just what reading and writing an ONNX file needs.
//!
//! Used by `onnx` alone. It knows no message type. Encoding: <https://protobuf.dev/programming-guides/encoding/>.

/// The bytes are not the message they should be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// One field's value, borrowed from the message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A varint: integers, enums and booleans.
    Number(u64),
    /// Text, bytes, a nested message or packed numbers.
    Bytes(&'a [u8]),
    /// A fixed-width number of 4 or 8 little-endian bytes.
    Fixed(&'a [u8]),
}

/// Walks over a message's fields in file order, as `(field number, value)`.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Starts at the first field of `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Reads one varint; also for packed repeated numbers.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number of the file is longer than 64 bits".into()))
    }

    /// Whether the message is read to its end.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| Malformed("the file ends inside a field".into()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Malformed> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Fixed(self.take(8)?),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length)
                    .map_err(|_| Malformed("a field of the file is too long".into()))?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(self.take(4)?),
            other => return Err(Malformed(format!("unknown wire type {other} in the file"))),
        };
        Ok((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A message under construction; each method appends one field.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// Appends an integer, an enum or a boolean.
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Appends a 32-bit float.
    pub fn float(mut self, field: u64, value: f32) -> Self {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Appends text.
    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Appends a nested message.
    pub fn message(self, field: u64, value: Message) -> Self {
        self.bytes(field, &value.0)
    }

    /// Appends bytes.
    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// The finished message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_back_as_it_was_written() {
        let inner = Message::default().number(1, 300);
        let written = Message::default().text(2, "ab").float(3, 1.5).message(15, inner);
        let bytes = written.into_bytes();
        let fields: Vec<_> = Fields::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(fields[0], (2, Value::Bytes(b"ab")));
        assert_eq!(fields[1], (3, Value::Fixed(&1.5f32.to_le_bytes())));
        assert_eq!(fields[2], (15, Value::Bytes(&[8, 0xac, 2])));
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn a_file_cut_short_is_an_error_and_ends_the_walk() {
        let bytes = Message::default().text(1, "a long enough text").into_bytes();
        let mut fields = Fields::new(&bytes[..6]);
        assert!(fields.next().unwrap().is_err());
        assert!(fields.next().is_none());
    }

    #[test]
    fn a_number_without_an_end_is_an_error() {
        assert!(Fields::new(&[0x80; 12]).varint().is_err());
    }
}
