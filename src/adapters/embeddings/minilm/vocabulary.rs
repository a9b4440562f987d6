//! Loads the tokenizer of all-MiniLM-L6-v2: lower-case WordPiece with BERT's 30 522 tokens.
//!
//! Called by `minilm`. Two files give the same tokenizer: a `tokenizer.json`, and the bare list of BERT's
//! vocabulary, a small fraction of its packages' size, as a JSON array in order of id. It tokenises nothing.

use std::path::Path;

use serde_json::{Map, Value, json};
use tokenizers::Tokenizer;

use super::load_error;
use crate::adapters::embeddings::EmbeddingError;

/// `[CLS]`, before every sequence.
pub const FIRST_TOKEN: u32 = 101;
/// `[SEP]`, after every sequence.
pub const LAST_TOKEN: u32 = 102;
/// Tokens of the model.
pub const VOCABULARY: usize = 30_522;

/// Starts a token that begins a word in the bare list; all others but the bracketed ones go on with one.
const WORD_START: char = '\u{2581}';

/// Loads the tokenizer from either file, with neither cutting nor padding.
pub fn load_tokenizer(path: &Path) -> Result<Tokenizer, EmbeddingError> {
    let bytes = std::fs::read(path).map_err(|error| load_error(path, error))?;
    let bytes = match serde_json::from_slice::<Vec<String>>(&bytes) {
        Ok(list) => tokenizer_json(&list).to_string().into_bytes(),
        Err(_) => bytes,
    };
    let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|error| load_error(path, error))?;
    // A published file may ask for cutting at 128 tokens and padding to them.
    tokenizer.with_truncation(None).map_err(|error| load_error(path, error))?;
    tokenizer.with_padding(None);
    let found = tokenizer.get_vocab_size(true);
    let ends = [tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")];
    if found != VOCABULARY || ends != [Some(FIRST_TOKEN), Some(LAST_TOKEN)] {
        let reason = format!("its {found} tokens are not the {VOCABULARY} of the model");
        return Err(load_error(path, reason));
    }
    Ok(tokenizer)
}

/// The `tokenizer.json` of BERT (uncased) around a bare vocabulary.
fn tokenizer_json(list: &[String]) -> Value {
    let mut vocabulary = Map::new();
    for (id, listed) in list.iter().enumerate() {
        vocabulary.insert(token(id, listed), id.into());
    }
    let special = |content: &str| {
        json!({"id": vocabulary.get(content), "content": content, "special": true, "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false})
    };
    let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(special);
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

/// BERT's spelling of a token of the bare list.
fn token(id: usize, listed: &str) -> String {
    let bracketed = listed.len() > 2 && listed.starts_with('[') && listed.ends_with(']');
    match listed.strip_prefix(WORD_START) {
        // The list puts a lone word start where BERT has a token that no text contains.
        Some("") => format!("[unused{}]", id.saturating_sub(1)),
        Some(word) => word.to_string(),
        None if bracketed => listed.to_string(),
        None => format!("##{listed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_bare_list_get_the_spelling_of_bert() {
        assert_eq!(token(0, "[PAD]"), "[PAD]");
        assert_eq!(token(1, "\u{2581}"), "[unused0]");
        assert_eq!(token(5, "\u{2581}["), "[");
        assert_eq!(token(6, "ing"), "##ing");
        assert_eq!(token(7, "]"), "##]");
    }

    #[test]
    fn a_bare_list_makes_a_tokenizer_of_whole_words_and_parts() {
        let list =
            ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "\u{2581}read", "ing", "\u{2581}!"];
        let list: Vec<String> = list.map(String::from).to_vec();
        let json = tokenizer_json(&list).to_string();
        let tokenizer = Tokenizer::from_bytes(json).unwrap();
        let encoding = tokenizer.encode("Réading! x", false).unwrap();
        assert_eq!(encoding.get_ids(), [5, 6, 7, 1]);
    }

    #[test]
    fn a_file_with_another_vocabulary_is_refused() {
        let path = std::env::temp_dir().join(format!("vocabulary-{}.json", std::process::id()));
        std::fs::write(&path, r#"["[PAD]","[UNK]","[CLS]","[SEP]","[MASK]"]"#).unwrap();
        let error = load_tokenizer(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("5 tokens"), "{error}");
    }
}
