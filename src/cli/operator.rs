//! `pidima operator`: keys of the operator, made on the machine by whoever has the database's address.

use std::io::Write;

use clap::Subcommand;
use uuid::Uuid;

use super::database;
use crate::config::Env;
use crate::identity::{
    DEFAULT_OPERATOR_DAYS, MAX_OPERATOR_DAYS, MAX_OPERATOR_NAME, create_operator_key,
};

#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Create a key for /v1/platform and print it, once
    CreateKey {
        /// Who or what it is for
        name: String,
        /// Days until it expires
        #[arg(long, default_value_t = DEFAULT_OPERATOR_DAYS,
            value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_OPERATOR_DAYS)))]
        days: u32,
    },
    /// List keys of the operator, newest first
    ListKeys,
    /// Take a key back, at once
    RevokeKey {
        /// Id of the key, as list-keys shows it
        id: Uuid,
    },
}

pub async fn run(command: OperatorCommand, env: &Env) -> anyhow::Result<()> {
    let db = database::open(env).await?;
    let mut out = std::io::stdout();
    let mut tx = db.system().await?;
    match command {
        OperatorCommand::CreateKey { name, days } => {
            let name = name.trim();
            anyhow::ensure!(
                (1..=MAX_OPERATOR_NAME).contains(&name.chars().count()),
                "the name must have 1 to {MAX_OPERATOR_NAME} characters"
            );
            let credential = create_operator_key(&mut tx, name, days).await?;
            tx.commit().await?;
            writeln!(out, "{}", credential.expose())?;
            eprintln!("the line above is the key of the operator and is not shown again");
        }
        OperatorCommand::ListKeys => {
            for key in tx.list_operator_keys().await? {
                let state = if key.revoked_at.is_some() {
                    "revoked"
                } else if key.expires_at <= chrono::Utc::now() {
                    "expired"
                } else {
                    "good"
                };
                let used = key.last_used_at.map_or("never".to_owned(), |at| at.to_rfc3339());
                writeln!(
                    out,
                    "{}  {state}  …{}  expires {}  used {used}  {}",
                    key.operator_key_id,
                    key.hint,
                    key.expires_at.to_rfc3339(),
                    key.name
                )?;
            }
        }
        OperatorCommand::RevokeKey { id } => {
            let is_there = tx.revoke_operator_key(id).await?;
            anyhow::ensure!(is_there, "there is no key {id}; pidima operator list-keys shows them");
            tx.commit().await?;
            eprintln!("the key {id} is refused from now on");
        }
    }
    Ok(())
}
