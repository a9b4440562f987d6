//! Texts in broken encodings, of monstrous lines, of endless nesting; tables and notebooks without measure.

use pidima::knowledge::parse::MediaType::{
    self, Csv, Html, Markdown, Notebook, PlainText, SourceCode, Tsv,
};

use super::super::corpus::{Case, case};

pub fn all() -> Vec<Case> {
    let mut cases = encodings();
    cases.extend(tables());
    cases.extend(nesting());
    cases
}

fn encodings() -> Vec<Case> {
    let kinds =
        [("html", Html), ("md", Markdown), ("txt", PlainText), ("csv", Csv), ("ipynb", Notebook)];
    let texts: [(&str, &[u8]); 6] = [
        ("Latin-1", b"caf\xe9 au lait"),
        ("UTF-16", b"\xff\xfec\0a\0f\0"),
        ("a lone surrogate", b"a\xed\xa0\x80b"),
        ("overlong", b"a\xc0\xafb"),
        ("NUL", b"a\0b"),
        ("white space", b" \n\t\r\n "),
    ];
    let mut cases = Vec::new();
    for (extension, media) in kinds {
        for (name, bytes) in texts {
            cases.push(case(format!("{name}.{extension}"), media, bytes));
        }
    }
    cases
}

fn tables() -> Vec<Case> {
    vec![
        case("a million columns", Csv, "a,".repeat(1_000_000)),
        case("a million columns and one", Csv, "a,".repeat(1_000_000) + "a"),
        case("a quote that never ends", Csv, "a,b\n\"".to_owned() + &"x,y\n".repeat(500_000)),
        case("nothing but quotes", Csv, "\"".repeat(500_000)),
        case("nothing but commas", Csv, ",".repeat(500_000)),
        case("nothing but tabs", Tsv, "\t\n".repeat(200_000)),
        case("a row of 9 MB", Csv, "w".repeat(9_000_000)),
        case(
            "rows of all lengths",
            Csv,
            (0..900).map(|n| ",x".repeat(n) + "\n").collect::<String>(),
        ),
        case(
            "long headers before many rows",
            Csv,
            format!("{},{}\n{}", "h".repeat(100), "i".repeat(100), "1,2\n".repeat(90_000)),
        ),
    ]
}

fn nesting() -> Vec<Case> {
    let deep = |media: MediaType, open: &str| {
        case(format!("{open:?} 100,000 times, {media:?}"), media, open.repeat(100_000))
    };
    vec![
        deep(Html, "<div>"),
        deep(Html, "<table><td>"),
        deep(Html, "<b><p>"),
        deep(Html, "<svg><math>"),
        deep(Html, "<a href='x'><i>"),
        deep(Html, "<!--"),
        deep(Markdown, "> "),
        deep(Markdown, "- "),
        deep(Markdown, "["),
        deep(Markdown, "[a]: b\n"),
        deep(Markdown, "*a _"),
        deep(Notebook, "["),
        deep(Notebook, "{\"cells\":"),
        deep(SourceCode, "{"),
        deep(PlainText, "=\n"),
        case(
            "a notebook of wrong kinds",
            Notebook,
            r#"{"cells":[1,null,{},{"cell_type":7,"source":{"a":1},"outputs":3}]}"#,
        ),
        case(
            "a notebook with a deep cell",
            Notebook,
            format!(
                r#"{{"cells":[{{"cell_type":"markdown","source":"{}"}}]}}"#,
                "> ".repeat(50_000)
            ),
        ),
        case(
            "a notebook of 50,000 cells",
            Notebook,
            format!(
                r#"{{"cells":[{}{{}}]}}"#,
                r#"{"cell_type":"code","source":"a"},"#.repeat(50_000)
            ),
        ),
        case("a line of 9 MB", Markdown, "pump ".repeat(1_800_000)),
        case("a word of 9 MB", Html, "x".repeat(9_000_000)),
        case("more text than allowed", PlainText, "pump ".repeat(2_100_000)),
    ]
}
