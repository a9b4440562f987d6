//! Character references of HTML, which Markdown reads too: `&#104;` is an h.

/// Longest name that is held back: the longest of HTML 5 has 31 letters.
const LONGEST: usize = 32;

/// What a reference stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Reference {
    /// This character, which could have a part in something forbidden.
    Character(char),
    /// A character that nobody sees, or none at all.
    Hidden,
    /// Another character, or no reference: it stays as it is written.
    Other,
}

/// Whether a character may belong to the name.
pub fn goes_on(name: &str, next: char) -> bool {
    name.len() < LONGEST && (next.is_ascii_alphanumeric() || (next == '#' && name.is_empty()))
}

/// Reads the name between `&` and `;`.
pub fn read(name: &str) -> Reference {
    match name.strip_prefix('#') {
        _ if name.is_empty() => Reference::Other,
        Some(number) => match numbered(number) {
            Some(character) if super::characters::is_hidden(character) => Reference::Hidden,
            Some(character) if is_joiner(character) => Reference::Hidden,
            Some(character) => Reference::Character(character),
            None => Reference::Hidden,
        },
        None => named(name),
    }
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    code.ok().filter(|code| *code > 0).and_then(char::from_u32)
}

fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// The names of HTML 5 (section 13.5) for signs of ASCII, and for what nobody sees. `amp`, `lt`, `gt`, `quot` and `apos`
/// are read by everybody, as the text that they are.
fn named(name: &str) -> Reference {
    let character = match name {
        "Tab" | "NewLine" => ' ',
        "excl" => '!',
        "num" => '#',
        "dollar" => '$',
        "percnt" => '%',
        "lpar" => '(',
        "rpar" => ')',
        "ast" | "midast" => '*',
        "plus" => '+',
        "comma" => ',',
        "period" => '.',
        "sol" => '/',
        "colon" => ':',
        "semi" => ';',
        "equals" => '=',
        "quest" => '?',
        "commat" => '@',
        "lsqb" | "lbrack" => '[',
        "bsol" => '\\',
        "rsqb" | "rbrack" => ']',
        "Hat" => '^',
        "lowbar" | "UnderBar" => '_',
        "grave" | "DiacriticalGrave" => '`',
        "lcub" | "lbrace" => '{',
        "verbar" | "vert" | "VerticalLine" => '|',
        "rcub" | "rbrace" => '}',
        "LT" => '<',
        "GT" => '>',
        "shy"
        | "zwj"
        | "zwnj"
        | "lrm"
        | "rlm"
        | "NoBreak"
        | "ZeroWidthSpace"
        | "ApplyFunction"
        | "af"
        | "InvisibleTimes"
        | "it"
        | "InvisibleComma"
        | "ic"
        | "NegativeThinSpace"
        | "NegativeMediumSpace"
        | "NegativeThickSpace"
        | "NegativeVeryThinSpace" => {
            return Reference::Hidden;
        }
        _ => return Reference::Other,
    };
    Reference::Character(character)
}
