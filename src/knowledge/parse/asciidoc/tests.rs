//! AsciiDoc as manuals hold it.

use crate::knowledge::parse::{BlockKind, Extraction, MediaType, ParseLimits, parse};

fn read(source: &str) -> Extraction {
    let media = MediaType::from_file("pumps.adoc", None, source.as_bytes()).unwrap();
    assert_eq!(media, MediaType::AsciiDoc);
    parse(media, source.as_bytes(), &ParseLimits::default()).unwrap()
}

#[test]
fn titles_make_the_outline_and_have_the_anchors_of_asciidoctor() {
    let made = read(
        "= Pumps and Valves\nAda Lovelace <ada@example.com>\nv1.2, 2026-01-02\n:product: Aqua\n:toc:\n\nAbout {product} and {other}.\n\n\
         == Start {product}-2 now!\n\nTurn it.\n\n[[care]]\n=== Care\n\nOil.\n\n[#own.role]\n== Own\n\nMore.\n",
    );
    let text = "Pumps and Valves\n\nAbout Aqua and {other}.\n\nStart Aqua-2 now!\n\nTurn it.\n\nCare\n\nOil.\n\nOwn\n\nMore.";
    assert_eq!(made.text, text);
    assert_eq!(made.title.as_deref(), Some("Pumps and Valves"));
    let anchors: Vec<Option<&str>> =
        made.sections.iter().skip(1).map(|section| section.anchor.as_deref()).collect();
    let expected = ["_pumps_and_valves", "_start_aqua_2_now", "care", "own"].map(Some);
    assert_eq!(anchors, expected);
    assert_eq!(made.sections[3].heading_path, ["Pumps and Valves", "Start Aqua-2 now!", "Care"]);
}

#[test]
fn marks_and_links_leave_their_text() {
    for (source, shown) in [
        (
            "A *bold* and _slanted_ `word`, un**bel**ievable.",
            "A bold and slanted word, unbelievable.",
        ),
        (
            "See link:a.html[the page], xref:b.adoc#c[that] and <<care,Care>> or <<care>>.",
            "See the page, that and Care or care.",
        ),
        (
            "Go to https://a.example[A^] or https://b.example/x now.",
            "Go to A or https://b.example/x now.",
        ),
        ("xref:b.adoc[] and link:c.html[role=x].", "b.adoc and c.html."),
        ("2 * 3 * 4 and snake_case_name and a#b#c.", "2 * 3 * 4 and snake_case_name and a#b#c."),
        ("Not \\*bold*, kbd:[Ctrl+C], *a _b_ c*.", "Not *bold*, Ctrl+C, a b c."),
        (
            "Hot.footnote:[Mind it.] image:x.png[A pump,20] [.red]#now# `+a*b+`",
            "Hot. (Mind it.) A pump now a*b",
        ),
        ("Linked: the word alone. http: too.", "Linked: the word alone. http: too."),
        ("Line one\nline two +\nline three", "Line one line two + line three"),
    ] {
        assert_eq!(read(source).text, shown);
    }
}

#[test]
fn lists_nest_and_terms_stand_above_what_they_mean() {
    let made = read(
        "Parts:\n\n* one\ngoes on\n** inner\n* [x] done\n\n. first\n.. second\n1. third\n\nPump:: Moves water.\nValve::\n  Stops it.\n",
    );
    let text = "Parts:\n\n- one goes on\n  - inner\n- done\n- first\n  - second\n1. third\n\nPump\n\nMoves water.\n\nValve\n\nStops it.";
    assert_eq!(made.text, text);
    assert!(made.blocks.iter().filter(|block| block.keep_with_next).count() >= 3);
}

#[test]
fn listings_keep_their_lines_and_callouts_follow() {
    let made = read(
        ".Run it\n[source,sh]\n----\nrun  *x* <1>\n  == no title\n----\n<1> Runs.\n\n....\nliteral\n....\n\n indented\n   more\n\n```rust\nfn\n```\n\n[source]\nlet x;\n",
    );
    let text = "Run it\n\nrun  *x* <1>\n  == no title\n\n<1> Runs.\n\nliteral\n\nindented\n  more\n\nfn\n\nlet x;";
    assert_eq!(made.text, text);
    let code = made.blocks.iter().filter(|block| block.kind == BlockKind::Code).count();
    assert_eq!(code, 5);
}

#[test]
fn notes_are_named_and_what_is_no_content_is_left_out() {
    let made = read(
        "NOTE: Mind it.\n\n[WARNING]\n====\nHot.\n\n* very\n====\n\n[TIP]\nGo on.\n\n// a comment\n////\nhidden\n////\n\
         include::x.adoc[]\nifdef::x[]\nShown.\nendif::[]\n\nimage::p.png[A pump,200]\n\n++++\n<b>raw</b>\n++++\n\n____\nSaid\nso.\n____\n\n****\nAside.\n****\n",
    );
    let text = "Note: Mind it.\n\nWarning:\n\nHot.\n\n  - very\n\nTip: Go on.\n\nShown.\n\nA pump\n\nSaid so.\n\nAside.";
    assert_eq!(made.text, text);
}

#[test]
fn tables_are_rows_whether_cells_stand_side_by_side_or_below_each_other() {
    let side = "|===\n|Pump |Bar\n\n|P1\n|3 \\| 4\n2+|both *x*\n|===\n";
    assert_eq!(read(side).text, "Pump | Bar\nP1 | 3 | 4\nboth x");
    let below = "[cols=\"1,2*\"]\n|===\n|a\n|b\n|c\n|d\n|e\ngoes on\n|f\n|===\n";
    assert_eq!(read(below).text, "a | b | c\nd | e goes on | f");
    assert_eq!(read(",===\nPump,Bar\nP1,3\n,===\n").text, "Pump | Bar\nP1 | 3");
}

#[test]
fn open_and_nested_blocks_end_and_time_is_linear() {
    assert_eq!(read("----\nnever closed\nfoo").text, "never closed\nfoo");
    let deep: String = (4..200).map(|length| format!("{}\n", "=".repeat(length))).collect();
    let error = parse(MediaType::AsciiDoc, format!("{deep}x").as_bytes(), &ParseLimits::default());
    assert_eq!(error.unwrap_err().code(), "nested_too_deep");
    for hostile in ["*a ", "_", "`x", "[[", "<<", "link:", "{a", "|", "footnote:[", "https://["] {
        let source = format!("x {}", hostile.repeat(100_000));
        let began = std::time::Instant::now();
        read(&source);
        assert!(began.elapsed().as_secs() < 10, "{hostile}: {:?}", began.elapsed());
    }
    let bomb: String =
        (0..60).map(|n| format!(":a{}: {{a{n}}}{{a{n}}}\n", n + 1)).collect::<String>();
    let bomb = format!(":a0: xxxxxxxxxx\n{bomb}\n{{a60}}");
    assert_eq!(read(&bomb).text.chars().count(), 1_000);
}

#[test]
fn names_that_stand_for_long_texts_make_a_text_longer_only_so_far() {
    let source = format!(":a: {}\n\n{}", "x".repeat(1_000), "{a}".repeat(100_000));
    assert!(read(&source).text.len() < 1_400_000);
}

#[test]
fn cells_are_counted_below_at_and_above_their_limit() {
    for table in ["|===\n|a|b\n|c|d\n|===", ",===\na,b\nc,d\n,==="] {
        for (max_cells, is_read) in [(3, false), (4, true), (5, true)] {
            let limits = ParseLimits { max_cells, ..ParseLimits::default() };
            let read = parse(MediaType::AsciiDoc, table.as_bytes(), &limits);
            assert_eq!(read.is_ok(), is_read, "{table} {max_cells}");
        }
    }
}
