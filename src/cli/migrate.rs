//! `pidima migrate`.

use clap::Args;
use secrecy::ExposeSecret;

use crate::config::Env;
use crate::db::migrate;

#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Connection string of an administrator: a superuser, or the master user of Aurora
    #[arg(long, env = "PIDIMA_ADMIN_DATABASE_URL", hide_env_values = true)]
    admin_url: String,
}

pub async fn run(args: MigrateArgs, env: &Env) -> anyhow::Result<()> {
    let password = env.secret("PIDIMA_APP_PASSWORD");
    migrate::migrate(&args.admin_url, password.as_ref().map(ExposeSecret::expose_secret)).await?;
    tracing::info!("the database has the schema of this build");
    Ok(())
}
