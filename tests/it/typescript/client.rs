//! The built client, and a process that runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::TestTenant;
use crate::support::issuers::{installed_from, npm_ci};

/// What is said when the programs are not there.
const NEEDED: &str = "node 20 or later with npm (https://nodejs.org)";

/// How long a process may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Folder of the client's source.
pub fn client_source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/clients/typescript")
}

/// Folder with the compiler and the generator, pinned by the client's own lock file.
pub fn tools() -> PathBuf {
    let files = ["package.json", "package-lock.json"];
    installed_from(client_source(), "typescript", &files, npm_ci)
}

/// The client as JavaScript, compiled once; strict, so that a fault of the types fails here.
pub fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("pidima-client-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), r#"{"type": "module"}"#).unwrap();
        let mut node = Command::new("node");
        node.arg(tools().join("node_modules/typescript/bin/tsc"))
            .arg("--project")
            .arg(client_source())
            .arg("--outDir")
            .arg(folder.join("dist"));
        run(&mut node);
        folder.join("dist")
    })
}

/// Runs a program to its good end.
pub fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("install {NEEDED}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{said}{complained}");
}

/// What the client saw, run in a process of its own on a server at `url`.
pub async fn drive(tenant: &TestTenant, url: &str, task: Value) -> Value {
    let (folder, client) = tokio::task::spawn_blocking(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client");
        let files = ["package.json", "package-lock.json", "drive.mjs"];
        (installed_from(source, "client", &files, npm_ci), built().join("index.js"))
    })
    .await
    .unwrap();
    let mut task = task;
    task["client"] = json!(client);
    task["document"] = json!(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json"));
    task["baseUrl"] = json!(url);
    task["credential"] = json!(tenant.key);
    let mut node = tokio::process::Command::new("node");
    node.arg(folder.join("drive.mjs")).arg(task.to_string());
    let output = node.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("the client is done in time");
    let output = output.unwrap_or_else(|error| panic!("install {NEEDED}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the client failed: {said}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["faults"], json!([]), "events that are not in the document");
    seen
}
