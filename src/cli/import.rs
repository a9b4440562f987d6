//! `pidima import`: a folder of documentation, through the API, with a progress bar.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

use super::client::{Client, File, Upload};
use crate::config::Env;

/// Uploads at once.
const UPLOADS_AT_ONCE: usize = 4;
/// How often states are looked at while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Folder to import, with everything below it
    directory: PathBuf,
    /// Collection to import into, made when needed
    #[arg(long, default_value = "default")]
    collection: String,
    /// Address under which readers find the folder's files; citations link there
    #[arg(long)]
    base_url: Option<String>,
}

/// What an import did.
#[derive(Debug, Default)]
pub struct Imported {
    /// Documents in search.
    pub ready: usize,
    /// Documents whose bytes were there already.
    pub unchanged: usize,
    /// Documents that cannot be read, with the reason.
    pub failed: BTreeMap<String, String>,
    /// From the first upload to the last state.
    pub took: Duration,
}

pub async fn run(args: ImportArgs, env: &Env) -> anyhow::Result<()> {
    let client = Client::from_env(env)?;
    let files = find_files(&args.directory)?;
    anyhow::ensure!(
        !files.is_empty(),
        "{} holds no file that can be read",
        args.directory.display()
    );
    let files = files.into_iter().map(|path| read(&args.directory, path, args.base_url.as_deref()));
    let imported = import(&client, &args.collection, files.collect::<anyhow::Result<_>>()?).await?;
    imported.print();
    anyhow::ensure!(imported.failed.is_empty(), "{} documents failed", imported.failed.len());
    Ok(())
}

/// Uploads files into a collection and waits until each is ready or failed.
pub async fn import(
    client: &Client,
    collection: &str,
    files: Vec<File>,
) -> anyhow::Result<Imported> {
    let began = Instant::now();
    let collection_id = client.ensure_collection(collection).await?;
    let bar = ProgressBar::new(files.len() as u64).with_style(
        ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len} {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_message("uploading");
    let mut imported = Imported::default();
    let mut waiting = Vec::new();
    let mut uploads = stream::iter(files.into_iter().map(|file| {
        let name = file.name.clone();
        let (client, collection_id) = (client.clone(), collection_id.clone());
        async move { (name, client.upload(&collection_id, file).await) }
    }))
    .buffer_unordered(UPLOADS_AT_ONCE);
    while let Some((name, uploaded)) = uploads.next().await {
        match uploaded.with_context(|| name.clone())? {
            Upload::Accepted(id) => waiting.push((id, name)),
            Upload::Unchanged(id) => {
                imported.unchanged += 1;
                waiting.push((id, name));
            }
            Upload::Refused(reason) => {
                imported.failed.insert(name, reason);
            }
        }
        bar.inc(1);
    }
    bar.set_message("processing");
    bar.set_length(waiting.len() as u64);
    bar.set_position(0);
    // Oldest first, as the worker goes: most of the list is settled by the time it is asked for.
    for (id, name) in waiting {
        match wait(client, &id).await? {
            None => imported.ready += 1,
            Some(reason) => {
                imported.failed.insert(name, reason);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    imported.took = began.elapsed();
    Ok(imported)
}

/// Files below a folder whose type can be read, in order.
pub fn find_files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("reading the folder {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if hidden {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && is_documentation(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one file; its name is its path below the folder.
pub fn read(root: &Path, path: PathBuf, base_url: Option<&str>) -> anyhow::Result<File> {
    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
    let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let source_url = base_url.map(|base| format!("{}/{name}", base.trim_end_matches('/')));
    Ok(File { name, source_url, metadata: None, bytes })
}

impl Imported {
    /// Tells what was done, and why what was not.
    pub fn print(&self) {
        let seconds = self.took.as_secs_f64();
        let per_second = (self.ready - self.unchanged.min(self.ready)) as f64 / seconds.max(0.001);
        eprintln!(
            "{} documents ready ({} of them unchanged), {} failed, in {seconds:.1} s ({per_second:.1} new documents a second)",
            self.ready,
            self.unchanged,
            self.failed.len()
        );
        for (name, reason) in &self.failed {
            eprintln!("  {name}: {reason}");
        }
    }
}

fn is_documentation(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    matches!(
        extension.as_deref(),
        Some(
            "md" | "markdown"
                | "mdx"
                | "html"
                | "htm"
                | "xhtml"
                | "txt"
                | "text"
                | "rst"
                | "adoc"
                | "asciidoc"
                | "pdf"
                | "docx"
                | "pptx"
                | "xlsx"
                | "epub"
                | "csv"
                | "tsv"
                | "ipynb"
        )
    )
}

/// Waits until a document is settled; the reason when it failed.
async fn wait(client: &Client, id: &str) -> anyhow::Result<Option<String>> {
    loop {
        let document = client.get(&format!("/v1/documents/{id}")).await?;
        match document["state"].as_str().unwrap_or_default() {
            "ready" => return Ok(None),
            "failed" | "cancelled" => {
                let failure = &document["failure"];
                return Ok(Some(format!(
                    "{}: {}",
                    failure["code"].as_str().unwrap_or("failed"),
                    failure["detail"].as_str().unwrap_or_default()
                )));
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
