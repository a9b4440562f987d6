//! Makes the different spellings of one word equal: case, accents, apostrophes, thousands
//! separators. Called by the analysis of terms alone.

use std::borrow::Cow;

/// Lower case, without diacritics, without a possessive or contracted ending, digits without
/// commas.
pub(super) fn fold(word: &str) -> String {
    let is_number = word.starts_with(|first: char| first.is_ascii_digit());
    let mut folded = String::with_capacity(word.len());
    for character in bare(word).chars().flat_map(char::to_lowercase) {
        match character {
            // Combining marks: the accent of a letter written as two characters.
            '\u{300}'..='\u{36f}' => {}
            ',' if is_number => {}
            '’' => folded.push('\''),
            _ if character.is_ascii() => folded.push(character),
            _ => match plain_letters(character) {
                Some(letters) => folded.push_str(letters),
                None => folded.push(character),
            },
        }
    }
    folded
}

/// The word without "'s", "'re" and the like; "n't" is kept for the list of stop words to see.
fn bare(word: &str) -> Cow<'_, str> {
    let Some((at, mark)) = word.char_indices().rev().find(|(_, c)| matches!(c, '\'' | '’'))
    else {
        return Cow::Borrowed(word);
    };
    let ending = &word[at + mark.len_utf8()..];
    let is_ending =
        ["s", "re", "ve", "ll", "d", "m"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    if is_ending && at > 0 {
        return Cow::Borrowed(&word[..at]);
    }
    Cow::Borrowed(word)
}

/// The plain Latin letters of the accented letters in Latin-1 and Latin Extended-A. Others stay as
/// they are: they still match themselves.
fn plain_letters(letter: char) -> Option<&'static str> {
    let letters = match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    };
    Some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_endings_behind_an_apostrophe_are_cut() {
        assert_eq!(fold("Server’s"), "server");
        assert_eq!(fold("they've"), "they");
        assert_eq!(fold("O'Brien"), "o'brien");
        assert_eq!(fold("don’t"), "don't");
    }

    #[test]
    fn a_comma_is_dropped_between_digits_only() {
        assert_eq!(fold("200,000"), "200000");
        assert_eq!(fold("Größe"), "grosse");
    }
}
