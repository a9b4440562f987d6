//! About how many tokens a text has, without the tokenizer of the model, and rather too many: a prompt that is counted too
//! low is refused by its server, one that is counted too high only leaves a passage out. Called by the budget alone.
//!
//! The rule follows how byte-pair tokenizers cut text: words with the blank before them, digits, signs and line breaks
//! apart, other scripts in their bytes. It is an estimate and no bound: tried on samples of text with a few tokenizers that
//! are published it came out above each of them, and nothing is known of those that are not. A prompt that is too long all
//! the same ends its run like any other that a model's server refuses.

/// Letters of a word in one token: longer words are cut.
const LETTERS_PER_TOKEN: u32 = 4;
/// Capitals in a row are cut more finely: `HTTPS`, `API`.
const CAPITALS_PER_TOKEN: u32 = 2;
/// Blanks in a row: indented programs.
const BLANKS_PER_TOKEN: u32 = 4;
/// Consonants in a row that words have; with more of them it is no word, and nearly each letter is a token.
const CONSONANTS: u32 = 2;
/// Letters and digits in a row from which on they are a key or encoded bytes: each is a token.
const ENCODED: usize = 24;

/// What a model's server adds around each message.
pub const TOKENS_PER_MESSAGE: u32 = 8;

/// How much a model reads and writes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Tokens of prompt and answer together.
    pub tokens: u32,
    /// How finely the model's tokenizer cuts.
    pub counting: Counting,
}

/// How tokens of a text are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// By the rule of this module.
    Usual,
    /// A third more, to be careful: for models whose tokenizer is not published, such as those behind Bedrock.
    Finer,
}

impl Counting {
    /// The rule for models that these adapters reach: the most careful one of them.
    pub fn of_adapters<'a>(adapters: impl IntoIterator<Item = &'a str>) -> Self {
        let is_finer = adapters.into_iter().any(|adapter| adapter == "bedrock");
        if is_finer { Self::Finer } else { Self::Usual }
    }

    /// Tokens of a text, about; rather too many.
    pub fn tokens(self, text: &str) -> u32 {
        let pieces = pieces(text);
        match self {
            Self::Usual => pieces,
            Self::Finer => pieces.saturating_add(pieces.div_ceil(3)),
        }
    }
}

fn pieces(text: &str) -> u32 {
    let mut total = 0_u32;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_alike = |character: char| match first {
            ' ' => character == ' ',
            _ => character.is_ascii_alphanumeric(),
        };
        let end = if first == ' ' || first.is_ascii_alphanumeric() {
            rest.find(|character| !is_alike(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (run, behind) = rest.split_at(end);
        total = total.saturating_add(match first {
            ' ' => blanks(length(run), behind),
            _ if first.is_ascii_alphanumeric() => word(run),
            other => sign(other),
        });
        rest = behind;
    }
    total
}

/// One blank belongs to the word behind it, but not to a number or a sign.
fn blanks(count: u32, behind: &str) -> u32 {
    let is_word = behind.starts_with(|character: char| character.is_alphabetic());
    if count == 1 && is_word { 0 } else { count.div_ceil(BLANKS_PER_TOKEN) }
}

/// A run of letters and digits, such as `XMLHttpRequest2`: each digit, and each word in it.
fn word(run: &str) -> u32 {
    if run.len() >= ENCODED {
        return length(run);
    }
    let bytes = run.as_bytes();
    let (mut total, mut start) = (0, 0);
    for at in 1..=bytes.len() {
        // `Word` is one word; `ABCd` is capitals and then a word.
        let goes_on = at < bytes.len()
            && match (bytes[at - 1], bytes[at]) {
                (b'a'..=b'z', next) => next.is_ascii_lowercase(),
                (b'A'..=b'Z', next) => {
                    next.is_ascii_uppercase() || next.is_ascii_lowercase() && at - start == 1
                }
                _ => false,
            };
        if !goes_on {
            total += letters(&bytes[start..at]);
            start = at;
        }
    }
    total
}

/// Letters of one word, or one digit.
fn letters(bytes: &[u8]) -> u32 {
    let is_capitals = bytes.len() > 1 && bytes[1].is_ascii_uppercase();
    let per_token = if is_capitals { CAPITALS_PER_TOKEN } else { LETTERS_PER_TOKEN };
    let (mut in_a_row, mut beyond) = (0, 0);
    for byte in bytes {
        let is_vowel = matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        in_a_row = if is_vowel { 0 } else { in_a_row + 1 };
        beyond += u32::from(in_a_row > CONSONANTS);
    }
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).div_ceil(per_token) + beyond
}

/// A character that is no letter or digit of ASCII, and no blank.
fn sign(character: char) -> u32 {
    match character {
        '\0'..='\u{7f}' => 1,
        // Letters of European scripts: one token each where the word is not known.
        '\u{80}'..='\u{52f}' => 1,
        // Han, kana and their signs.
        '\u{3000}'..='\u{9fff}' => 2,
        other => u32::try_from(other.len_utf8()).unwrap_or(4),
    }
}

fn length(run: &str) -> u32 {
    u32::try_from(run.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and the most tokens that one of the tokenizers that were tried makes of it.
    const COUNTED: [(&str, u32); 12] = [
        ("The server reads its settings at start.", 8),
        ("curl -s \"$PIDIMA_URL/v1/answers\" -H 'Content-Type: application/json'", 27),
        ("| 12 | x_y |\n| 12 | x_y |\n", 20),
        ("Die Überprüfung der Größenbeschränkungen erfolgt automatisch.", 20),
        ("Проверьте настройки сервера перед запуском.", 21),
        ("系统会在启动时读取配置文件，密钥的有效期为九十天。", 31),
        ("يتم التحقق من المفاتيح عند كل طلب", 29),
        ("ระบบจะอ่านการตั้งค่า", 33),
        ("xqzvjkwp bdfghtrm plkjhgfd", 18),
        ("👍🏽🚀", 12),
        ("1336-941 1209-697", 17),
        ("dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcw==", 28),
    ];

    #[test]
    fn no_tokenizer_that_was_tried_makes_more_of_these_texts() {
        for (text, most) in COUNTED {
            let counted = Counting::Usual.tokens(text);
            assert!(counted >= most, "{text}: {counted} of {most}");
            assert!(Counting::Finer.tokens(text) > counted);
        }
    }

    #[test]
    fn lines_counted_one_by_one_are_the_whole() {
        let text = "A HTTPServer2 reads  settings.\n\n| 12 | größer |\n  end";
        let lines: u32 = text.split_inclusive('\n').map(pieces).sum();
        assert_eq!(lines, pieces(text));
    }

    #[test]
    fn one_adapter_that_cuts_finely_makes_the_count_careful() {
        assert_eq!(Counting::of_adapters(["openai", "bedrock"]), Counting::Finer);
        assert_eq!(Counting::of_adapters(["openai", "extractive"]), Counting::Usual);
    }
}
