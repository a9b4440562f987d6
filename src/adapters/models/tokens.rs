//! Tokens where nobody counted them: a quarter of the bytes, rounded up. English comes near to it; for other scripts it
//! counts more, since they take more bytes and more tokens. Needs no tokenizer, and every number made by it is marked.

use super::ModelUsage;

/// Bytes of a token.
const TOKEN_BYTES: usize = 4;

/// Tokens of a text, about.
pub fn estimate(text: &str) -> u64 {
    of_bytes(text.len())
}

/// Tokens of a prompt of so many bytes and of what was written to it, about.
pub(super) fn usage(prompt_bytes: usize, written_bytes: usize) -> ModelUsage {
    ModelUsage {
        input_tokens: of_bytes(prompt_bytes),
        output_tokens: of_bytes(written_bytes),
        is_estimated: true,
        ..ModelUsage::default()
    }
}

fn of_bytes(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(TOKEN_BYTES)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_bytes_is_rounded_up() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("a"), 1);
        assert_eq!(estimate("abcd"), 1);
        assert_eq!(estimate("abcde"), 2);
        assert_eq!(estimate("検索"), 2);
    }
}
