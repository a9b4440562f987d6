//! Bounds of the process below, at and above: time, memory, answer, number; and what each end of it means.

use std::time::{Duration, Instant};

use pidima::knowledge::parse::{Extraction, MediaType, ParseError};
use pidima::knowledge::parser::ParserError;

use super::{Folder, parser};
use crate::support::eventually;

const PAGE: &[u8] = b"<h1>Pumps</h1><p>The pump runs at 3 bar.</p>";

fn code(read: &Result<Extraction, ParserError>) -> &'static str {
    read.as_ref().map_or_else(ParserError::code, |_| "read")
}

#[tokio::test]
async fn a_file_is_read_as_it_would_be_here() {
    let made = parser(|_| {}).parse(MediaType::Html, PAGE).await.unwrap();
    assert_eq!(made.text, "Pumps\n\nThe pump runs at 3 bar.");
    assert_eq!(made.sections[1].heading_path, ["Pumps"]);
    let refused = parser(|_| {}).parse(MediaType::PlainText, b"caf\xe9").await.unwrap_err();
    let expected = ParseError::NotUtf8 { offset: 3, found: "an invalid byte sequence".into() };
    assert!(matches!(&refused, ParserError::File(error) if *error == expected), "{refused:?}");
    assert!(refused.is_final());
}

#[tokio::test]
async fn a_process_that_does_not_end_is_killed_in_time() {
    let folder = Folder::new();
    let began = Instant::now();
    let slow = folder.parser("exec sleep 1000", |it| it.wall = Duration::from_millis(300));
    let read = slow.parse(MediaType::Html, PAGE).await;
    assert_eq!(code(&read), "parser_timed_out");
    assert!(read.unwrap_err().is_final());
    let took = began.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(30)).contains(&took), "{took:?}");
    // One that has said all and does not end is no better.
    let silent =
        folder.parser("exec >&- 2>&- sleep 1000", |it| it.wall = Duration::from_millis(300));
    assert_eq!(code(&silent.parse(MediaType::Html, PAGE).await), "parser_timed_out");
}

#[tokio::test]
async fn a_processor_is_used_no_longer_than_allowed() {
    // Seconds of work for a build without optimisation.
    let table = "a,b,c,d,e,f,g,h\n".repeat(120_000);
    let short = parser(|it| it.cpu_seconds = 1);
    let read = short.parse(MediaType::Csv, table.as_bytes()).await;
    assert_eq!(code(&read), "parser_timed_out");
    assert!(read.unwrap_err().to_string().contains("more than 1 second"));
    assert_eq!(code(&short.parse(MediaType::Html, PAGE).await), "read");
    assert_eq!(code(&parser(|_| {}).parse(MediaType::Csv, table.as_bytes()).await), "read");
}

#[tokio::test]
async fn memory_is_bounded() {
    let text = "The pump runs at 3 bar. ".repeat(300_000);
    for (megabytes, expected) in
        [(4, "parser_out_of_memory"), (16, "parser_out_of_memory"), (256, "read")]
    {
        let bounded = parser(|it| it.memory_bytes = megabytes << 20);
        let read = bounded.parse(MediaType::PlainText, text.as_bytes()).await;
        assert_eq!(code(&read), expected, "{megabytes} MB");
    }
}

#[tokio::test]
async fn an_answer_is_as_long_as_allowed_and_no_longer() {
    let made = parser(|_| {}).parse(MediaType::Html, PAGE).await.unwrap();
    let answer = serde_json::to_vec(&Ok::<_, ParseError>(made)).unwrap().len() as u64 + 1;
    for (limit, expected) in
        [(answer - 1, "parser_output_too_long"), (answer, "read"), (answer + 1, "read")]
    {
        let bounded = parser(|it| it.output_bytes = limit);
        assert_eq!(code(&bounded.parse(MediaType::Html, PAGE).await), expected, "{limit} bytes");
    }
    let folder = Folder::new();
    let endless = folder.parser("exec yes", |it| it.output_bytes = 1 << 20);
    assert_eq!(code(&endless.parse(MediaType::Html, PAGE).await), "parser_output_too_long");
}

#[tokio::test]
async fn every_other_end_has_a_name() {
    let folder = Folder::new();
    let unsound = r#"echo '{"Ok":{"title":null,"language":null,"text":"a","blocks":[{"kind":"Code","start":0,"end":9,"section":0,"keep_with_next":false}],"sections":[{"heading_path":[],"anchor":null,"page":null}]}}'"#;
    for (script, expected) in [
        ("exit 1", "parser_crashed"),
        ("exit 0", "parser_crashed"),
        ("echo nonsense", "parser_crashed"),
        (unsound, "parser_crashed"),
        ("kill -SEGV $$", "parser_crashed"),
        ("kill -ABRT $$", "parser_crashed"),
        ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", "parser_out_of_memory"),
        ("kill -XCPU $$", "parser_timed_out"),
        ("head -c 1000000 /dev/zero >&2; exit 1", "parser_crashed"),
    ] {
        let read = folder.parser(script, |_| {}).parse(MediaType::Html, PAGE).await;
        assert_eq!(code(&read), expected, "{script}");
        assert!(read.as_ref().unwrap_err().is_final(), "{script}");
    }
    for (script, expected) in [
        // A machine that is short of memory or goes down, a terminal, a supervisor.
        ("kill -KILL $$", "parser_killed"),
        ("kill -TERM $$", "parser_killed"),
        ("exit 70", "parser_unavailable"),
        ("exit 71", "parser_unavailable"),
        ("exit 126", "parser_unavailable"),
        ("exec /nowhere/absent", "parser_unavailable"),
    ] {
        let read = folder.parser(script, |_| {}).parse(MediaType::Html, PAGE).await;
        assert_eq!(code(&read), expected, "{script}");
        assert!(!read.as_ref().unwrap_err().is_final(), "{script}: no fault of the file");
    }
    let absent = parser(|it| it.program = Some(folder.path().join("absent")));
    let read = absent.parse(MediaType::Html, PAGE).await;
    assert_eq!(code(&read), "parser_unavailable");
    assert!(!read.unwrap_err().is_final());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_processes_run_at_once_than_allowed() {
    for processes in [1, 2, 3] {
        let folder = Folder::new();
        let log = folder.path().join("log");
        let script = format!("echo + >> {0}; sleep 0.05; echo - >> {0}; exit 1", log.display());
        let counted = folder.parser(&script, |it| it.processes = processes);
        let all = (0..8).map(|_| counted.parse(MediaType::Html, PAGE));
        futures_util::future::join_all(all).await;
        let (mut open, mut most) = (0, 0);
        for line in std::fs::read_to_string(&log).unwrap().lines() {
            open = if line == "+" { open + 1 } else { open - 1 };
            most = most.max(open);
        }
        assert_eq!(most, processes, "at once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_could_not_give_way_by_itself_is_seen_to() {
    let folder = Folder::new();
    let log = folder.path().join("log");
    let script = format!("echo $$ > {}; exec setsid sleep 1000", log.display());
    let slow = folder.parser(&script, |_| {});
    let reading = tokio::spawn(async move { slow.parse(MediaType::Html, PAGE).await });
    let own = std::fs::read_to_string("/proc/self/autogroup").ok();
    eventually("the group of the process gives way", || async {
        let process = std::fs::read_to_string(&log).unwrap_or_default();
        let group = std::fs::read_to_string(format!("/proc/{}/autogroup", process.trim()));
        // A kernel without groups has nothing to see to.
        own.is_none() || group.is_ok_and(|group| group.ends_with(" nice 10\n"))
    })
    .await;
    let after = std::fs::read_to_string("/proc/self/autogroup").ok();
    assert_eq!(own, after, "that of everybody else is left as it is");
    reading.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_goes_with_the_one_who_waits_for_it() {
    let folder = Folder::new();
    let note = folder.path().join("pid");
    let parser = folder.parser(&format!("echo $$ > {}; exec sleep 1000", note.display()), |_| {});
    let reading = async { parser.parse(MediaType::Html, PAGE).await };
    let noted = eventually("the process notes its id", || async {
        std::fs::read_to_string(&note).is_ok_and(|text| text.ends_with('\n'))
    });
    tokio::select! {
        _ = reading => panic!("it does not end"),
        () = noted => {}
    }
    let pid = std::fs::read_to_string(&note).unwrap();
    let place = std::path::PathBuf::from(format!("/proc/{}", pid.trim()));
    eventually("the process is gone, and waited for", || async { !place.exists() }).await;
}
