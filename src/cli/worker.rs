//! `pidima worker`.

use tokio_util::task::TaskTracker;

use super::run_server;
use crate::app::{App, Renewal, Sources, sign_in};
use crate::config::{Config, Env};
use crate::kernel::priority;

pub async fn run(env: Env, sources: Sources) -> anyhow::Result<()> {
    // On a machine that also serves, documents wait for questions.
    priority::give_way_to_other_sessions();
    let mut config = Config::from_env(&env)?;
    sign_in(&mut config.database, &config.aws).await?;
    let stop = run_server::stop_signal()?;
    let app = App::connect(&config).await?;
    run_server::check(&app).await?;
    let metrics = run_server::tell_metrics(&app).await?;
    tracing::info!("working");
    let tasks = TaskTracker::new();
    let renewal = Renewal::new(sources, env, config);
    tasks.spawn(app.clone().follow_settings(renewal, stop.clone()));
    app.worker.clone().run(stop).await;
    tasks.close();
    tasks.wait().await;
    metrics.end().await;
    app.close().await;
    Ok(())
}
