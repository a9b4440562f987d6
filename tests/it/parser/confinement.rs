//! What the process that reads a file may do: seen from outside while it waits for the file.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use pidima::knowledge::parse::{MediaType, ParseLimits};
use pidima::knowledge::parser::PARSE_FILE;
use serde_json::json;

use super::Folder;
use crate::support::eventually;

/// The real process with its order, and without the file.
fn waiting() -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pidima"))
        .arg(PARSE_FILE)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A pipe, as the parser gives it: to a file it may not write.
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let order = json!({
        "media": "PlainText",
        "file_bytes": 6,
        "limits": ParseLimits::default(),
        "cpu_seconds": 7,
        "memory_bytes": 64 << 20,
    });
    writeln!(child.stdin.as_mut().unwrap(), "{order}").unwrap();
    child
}

fn told(child: &Child, what: &str) -> String {
    std::fs::read_to_string(format!("/proc/{}/{what}", child.id())).unwrap_or_default()
}

/// Of the fields of `/proc/<pid>/stat`, counted from 1 as proc(5) does.
fn stat(child: &Child, field: usize) -> i64 {
    let stat = told(child, "stat");
    // The name, the second field, may hold anything but ends with the last parenthesis.
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    behind_name.split_whitespace().nth(field - 3).map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn it_gives_way_with_a_session_of_its_own() {
    let mut child = waiting();
    eventually("it gives way", || async { stat(&child, 19) == 10 }).await;
    assert_eq!(stat(&child, 6), i64::from(child.id()), "it leads its session");
    // A kernel without such groups tells nothing; one that has taken too many wishes takes this one from the parser.
    let group = told(&child, "autogroup");
    let own = std::fs::read_to_string("/proc/self/autogroup").unwrap_or_default();
    assert!(group.is_empty() || group != own, "{group}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn it_is_confined_before_it_gets_the_file() {
    let mut child = waiting();
    eventually("system calls are filtered", || async {
        told(&child, "status").lines().any(|line| line == "Seccomp:\t2")
    })
    .await;
    assert!(told(&child, "status").lines().any(|line| line == "NoNewPrivs:\t1"));
    assert!(told(&child, "status").lines().any(|line| line == "Threads:\t1"));
    let limits = told(&child, "limits");
    for (name, soft, hard) in [
        ("Max cpu time", "7", "8"),
        ("Max open files", "3", "3"),
        ("Max file size", "0", "0"),
        ("Max core file size", "0", "0"),
        ("Max processes", "0", "0"),
    ] {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let mut words = line[name.len()..].split_whitespace();
        assert_eq!((words.next(), words.next()), (Some(soft), Some(hard)), "{line}");
    }
    let space = limits.lines().find(|line| line.starts_with("Max address space")).unwrap();
    let space: u64 = space.split_whitespace().nth(3).unwrap().parse().unwrap();
    let status = told(&child, "status");
    let mapped = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let mapped: u64 = mapped.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024;
    assert!(space <= mapped + (64 << 20), "{space} with {mapped} mapped");

    child.stdin.take().unwrap().write_all(b"Pumps.").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Pumps."));
}

#[tokio::test]
async fn a_file_that_is_cut_short_on_its_way_is_not_read() {
    let mut child = waiting();
    child.stdin.take().unwrap().write_all(b"Pump").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[tokio::test]
async fn it_inherits_no_variables_and_no_folder() {
    let folder = Folder::new();
    let (variables, place) = (folder.path().join("variables"), folder.path().join("place"));
    let script = format!("env > {}; pwd > {}; exit 1", variables.display(), place.display());
    let _ = folder.parser(&script, |_| {}).parse(MediaType::Html, b"x").await;
    // What the shell itself sets.
    let own = ["PWD=", "OLDPWD=", "SHLVL=", "_="];
    let seen = std::fs::read_to_string(variables).unwrap();
    let inherited: Vec<&str> =
        seen.lines().filter(|line| !own.iter().any(|name| line.starts_with(name))).collect();
    assert_eq!(inherited, Vec::<&str>::new());
    assert_eq!(std::fs::read_to_string(place).unwrap().trim(), "/");
    assert!(std::env::var("PATH").is_ok(), "there is something to inherit");
}
