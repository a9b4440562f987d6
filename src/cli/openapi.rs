//! `pidima openapi`: writes the document that clients are generated from.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::app;

#[derive(Debug, Args)]
pub struct OpenapiArgs {
    /// File to write; standard output when absent
    #[arg(long)]
    output: Option<PathBuf>,
}

pub fn run(args: OpenapiArgs) -> anyhow::Result<()> {
    let text = app::openapi_text()?;
    match args.output {
        Some(path) => {
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
        }
        None => {
            use std::io::Write;
            std::io::stdout().write_all(text.as_bytes()).context("writing to standard output")
        }
    }
}
