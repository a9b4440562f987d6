//! The builder's promises, also for text that is cut anywhere.

use proptest::prelude::*;

use super::*;

fn passage(body: &str) -> Passage {
    Passage {
        chunk_id: new_id(),
        collection_id: new_id(),
        document_id: new_id(),
        document_name: "a.md".to_owned(),
        document_title: "A".to_owned(),
        source_url: Some("https://docs.example/a".to_owned()),
        metadata: serde_json::json!({}),
        version_id: new_id(),
        version_number: 3,
        ordinal: 0,
        heading_path: vec!["A".to_owned()],
        anchor: Some("limits".to_owned()),
        page: Some(4),
        page_starts: vec![],
        char_start: 100,
        char_end: 100 + i32::try_from(body.chars().count()).unwrap(),
        body: body.to_owned(),
    }
}

fn passages() -> Arc<[Arc<Passage>]> {
    Arc::new([
        Arc::new(passage("Keys live for 90 days. A key is refused after that. Größe: 5 MB.")),
        Arc::new(passage("The limit is 20 requests a second.")),
    ])
}

fn build(deltas: &[&str]) -> (CitationBuilder, Vec<Piece>) {
    let mut builder = CitationBuilder::new(passages(), &FilterSettings::default());
    let mut pieces: Vec<Piece> = deltas.iter().flat_map(|delta| builder.push(delta)).collect();
    pieces.extend(builder.finish());
    (builder, pieces)
}

fn text(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Citation(_) => "",
        })
        .collect()
}

#[test]
fn a_citation_names_the_page_on_which_its_quote_begins() {
    let body = "The pump is red. The valve is green. The motor is grey.";
    let start = |words: &str| 100 + i32::try_from(body.find(words).unwrap()).unwrap();
    // A page without text stands between the valve's and the motor's.
    let page_starts = vec![start("The valve"), start("The motor"), start("The motor")];
    let passage = Passage { page_starts, ..passage(body) };
    for (answer, page) in
        [("The pump is red [1].", 4), ("The valve is green [1].", 5), ("The motor is grey [1].", 7)]
    {
        let passages: Arc<[Arc<Passage>]> = Arc::new([Arc::new(passage.clone())]);
        let mut builder = CitationBuilder::new(passages, &FilterSettings::default());
        builder.push(answer);
        builder.finish();
        let [citation] = builder.citations() else { panic!("{answer}") };
        assert!(citation.verified && answer.starts_with(citation.quote.trim_end_matches('.')));
        assert_eq!(citation.page, Some(page), "{answer}");
    }
}

#[test]
fn what_stood_around_a_removed_marker_does_not_become_one() {
    let (builder, _) = build(&["[[99]1] and [1[99]2] and [2[99]]"]);
    assert_eq!(builder.content(), "[ 1] and [1 2] and [2 ]");
    assert!(builder.citations().is_empty());
}

#[test]
fn a_number_too_large_to_count_and_a_nul_character_are_removed() {
    let (builder, _) = build(&["Yes [12345678901234567890123].\0"]);
    assert_eq!(builder.content(), "Yes.");
    assert_eq!(builder.unknown_markers(), 1);
}

#[test]
fn markers_are_numbered_in_the_order_of_appearance() {
    let (builder, _) =
        build(&["The limit is 20 requests a second. [2] Keys live for 90 days. [1]"]);
    assert_eq!(
        builder.content(),
        "The limit is 20 requests a second. [1] Keys live for 90 days. [2]"
    );
    assert_eq!(builder.citations()[0].quote, "The limit is 20 requests a second.");
    assert_eq!(builder.citations()[1].quote, "Keys live for 90 days.");
    assert!(builder.citations().iter().all(|citation| citation.verified));
}

#[test]
fn a_quote_stands_at_its_range_of_the_passage_also_after_letters_of_two_bytes() {
    let (builder, _) = build(&["Größe: 5 MB. [1]"]);
    let citation = &builder.citations()[0];
    let body: Vec<char> = passages()[0].body.chars().collect();
    let (start, end) = (citation.char_start as usize - 100, citation.char_end as usize - 100);
    assert_eq!(body[start..end].iter().collect::<String>(), citation.quote);
    assert_eq!(citation.quote, "Größe: 5 MB.");
}

#[test]
fn a_marker_that_stands_for_nothing_is_removed_with_its_space_and_counted() {
    let (builder, _) = build(&["Keys live for 90 days [7][0]. And [1, 9] more."]);
    assert_eq!(builder.content(), "Keys live for 90 days. And [1] more.");
    assert_eq!(builder.unknown_markers(), 3);
}

#[test]
fn brackets_that_are_no_markers_stay() {
    for kept in
        ["a[]", "[x]", "[1", "[ ]", "- [ ] todo", "[1,,2]", "see [docs](https://docs.example/a)"]
    {
        let (builder, _) = build(&[kept]);
        assert_eq!(builder.content(), kept);
        assert_eq!(builder.unknown_markers(), 0, "{kept}");
    }
}

#[test]
fn brackets_in_code_stay_and_a_marker_after_the_code_counts() {
    let answer = "Use `list[1]`:\n```rust\nlet a = list[1];\n```\n[1] and `x` [2]";
    let (builder, _) = build(&[answer]);
    assert_eq!(builder.content(), answer);
    assert_eq!(builder.citations().len(), 2);
}

#[test]
fn a_claim_that_the_passage_does_not_hold_is_not_verified() {
    let (builder, _) = build(&["Unicorns graze on purple mountains. [2]"]);
    assert!(!builder.citations()[0].verified);
}

proptest! {
    /// However a text is cut, the pieces are the content, and the content is the same.
    #[test]
    fn the_stream_equals_the_whole(
        words in proptest::collection::vec("[a-z`\\n ]{0,6}|\\[[0-9, ]{0,4}\\]|\\[|\\]|```|ß|Keys live for 90 days\\. \\[1\\]", 0..40),
        cuts in proptest::collection::vec(0..400_usize, 0..20),
    ) {
        let whole: String = words.concat();
        let characters: Vec<char> = whole.chars().collect();
        let mut borders: Vec<usize> = cuts.into_iter().map(|cut| cut % (characters.len() + 1)).collect();
        borders.extend([0, characters.len()]);
        borders.sort_unstable();
        let deltas: Vec<String> =
            borders.windows(2).map(|pair| characters[pair[0]..pair[1]].iter().collect()).collect();
        let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();

        let (streamed, pieces) = build(&deltas);
        let (at_once, _) = build(&[&whole]);
        prop_assert_eq!(streamed.content(), at_once.content());
        prop_assert_eq!(text(&pieces), streamed.content());
        prop_assert_eq!(streamed.citations().len(), at_once.citations().len());
        for (left, right) in streamed.citations().iter().zip(at_once.citations()) {
            prop_assert_eq!(&left.quote, &right.quote);
            prop_assert_eq!(left.char_start, right.char_start);
        }
    }
}
