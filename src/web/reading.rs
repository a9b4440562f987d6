//! Text given by people, made safe to store: PostgreSQL refuses NUL, and control characters help nobody.

use super::problem::ApiError;

/// The text without control characters (line breaks and tabs stay) and without white space around it.
///
/// # Errors
/// 422 at `pointer` when nothing readable is left.
pub fn readable_text(pointer: &str, text: &str) -> Result<String, ApiError> {
    let clean = plain_text(text);
    if clean.is_empty() {
        return Err(ApiError::invalid(pointer, "must have at least one readable character"));
    }
    Ok(clean)
}

/// The same, where nothing is an acceptable text too.
pub fn plain_text(text: &str) -> String {
    let clean: String = text
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect();
    clean.trim().to_owned()
}

/// A question that can be asked: readable, and within the limit.
///
/// # Errors
/// 422 at `pointer`.
pub fn question_text(pointer: &str, text: &str, max_chars: u32) -> Result<String, ApiError> {
    let question = readable_text(pointer, text)?;
    if question.chars().count() > max_chars as usize {
        return Err(ApiError::invalid(
            pointer,
            format!("must have at most {max_chars} characters"),
        ));
    }
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_go_and_line_breaks_stay() {
        let text = readable_text("/question", " a\u{0}b\u{7}\nc ").expect("readable");
        assert_eq!(text, "ab\nc");
    }

    #[test]
    fn only_control_characters_are_nothing() {
        assert!(readable_text("/question", "\u{0}\u{1b} \n").is_err());
    }
}
