//! `pidima seed`: the demo's documentation, which is built into the binary.

use clap::{Args, ValueEnum};
use include_dir::{Dir, include_dir};

use super::client::{Client, File};
use super::import::{Imported, import};
use crate::config::Env;

static SEEDS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/seeds");

/// Collection that the documentation goes into.
const COLLECTION: &str = "documentation";

/// A set of documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seed {
    /// Pidima's own handbook
    Handbook,
    /// A fictional greenhouse controller
    Halden,
}

#[derive(Debug, Args)]
pub struct SeedArgs {
    /// Which documentation to import
    seed: Seed,
}

pub async fn run(args: SeedArgs, env: &Env) -> anyhow::Result<()> {
    plant(&Client::from_env(env)?, args.seed).await?.print();
    Ok(())
}

/// Imports a set of documentation.
pub async fn plant(client: &Client, seed: Seed) -> anyhow::Result<Imported> {
    import(client, COLLECTION, files(seed)).await
}

fn files(seed: Seed) -> Vec<File> {
    let folder = match seed {
        Seed::Handbook => "handbook",
        Seed::Halden => "halden",
    };
    let pages = SEEDS.get_dir(folder).map(Dir::files).into_iter().flatten();
    pages
        .filter(|page| page.path().extension().is_some_and(|extension| extension == "md"))
        .map(|page| File {
            name: page.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source_url: None,
            metadata: None,
            bytes: page.contents().to_vec(),
        })
        .collect()
}
