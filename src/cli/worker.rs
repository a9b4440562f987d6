//! `pidima worker`.

use rustix::io::Errno;
use rustix::process::{Pid, getpriority_process, setpriority_process};

use super::run_server;
use crate::app::{App, Outside};
use crate::config::{Config, Env};

pub async fn run(env: &Env) -> anyhow::Result<()> {
    let config = Config::from_env(env)?;
    if let Err(error) = give_way(config.ingestion.nice) {
        // It works all the same.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "PIDIMA_WORKER_NICE has no effect"
        );
    }
    let stop = run_server::stop_signal()?;
    let app = App::build(&config, Outside::connect(&config).await?)?;
    run_server::check(&app).await?;
    tracing::info!("working");
    app.worker.clone().run(stop).await;
    app.close().await;
    Ok(())
}

/// Lets other programs of this machine go first when all want a processor, as the API does for a question. Never the reverse:
/// whoever started us may have set us lower.
fn give_way(nice: i32) -> std::io::Result<()> {
    let nice = nice.max(getpriority_process(None)?);
    if !cfg!(target_os = "linux") {
        return Ok(setpriority_process(None, nice)?);
    }
    // Linux keeps it for each thread; those that are started later take it over, and so do the readers of files.
    for thread in std::fs::read_dir("/proc/self/task")? {
        let name = thread?.file_name();
        let id = name.to_str().and_then(|name| Pid::from_raw(name.parse().ok()?));
        match setpriority_process(id, nice) {
            // It has ended meanwhile.
            Err(Errno::SRCH) => {}
            set => set?,
        }
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn threads_that_are_there_and_those_that_come_give_way() {
        // In a process of its own: other tests want their share of this one.
        let value = std::process::Command::new("/proc/self/exe")
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "cli::worker::tests::in_a_process_of_its_own",
            ])
            .output()
            .unwrap();
        assert!(value.status.success(), "{}", String::from_utf8_lossy(&value.stdout));
        assert!(String::from_utf8_lossy(&value.stdout).contains("1 passed"));
    }

    #[test]
    #[ignore = "run by the test above"]
    fn in_a_process_of_its_own() {
        let (ask, asked) = std::sync::mpsc::channel::<()>();
        let early = std::thread::spawn(move || {
            asked.recv().unwrap();
            getpriority_process(None).unwrap()
        });
        let before = getpriority_process(None).unwrap();
        let lower = (before + 3).min(19);
        give_way(lower).unwrap();
        ask.send(()).unwrap();
        assert_eq!(early.join().unwrap(), lower);
        let late = std::thread::spawn(|| getpriority_process(None).unwrap());
        assert_eq!(late.join().unwrap(), lower);
        give_way(before).unwrap();
        assert_eq!(getpriority_process(None).unwrap(), lower, "never the reverse");
    }
}
