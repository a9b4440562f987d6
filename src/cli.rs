//! The commands, one file each. A command reads its settings, builds what it needs, and says what to do when it fails.

mod audit;
mod bench;
mod client;
mod database;
mod demo;
mod doctor;
mod eval;
mod healthcheck;
mod import;
mod member;
mod migrate;
mod model;
mod openapi;
mod operator;
mod run_server;
mod seed;
mod serve;
mod services;
mod tenant;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::Sources;
use crate::config::{ConfigError, TelemetryConfig};
use crate::knowledge::parser::{PARSE_FILE, run_child};
use crate::sources::{UNPACK_ARCHIVE, run_unpacker};
use crate::telemetry;

/// Exit code for settings that cannot be used (sysexits.h, EX_CONFIG).
const EX_CONFIG: u8 = 78;

/// A documentation assistant whose every answer cites its source.
#[derive(Debug, Parser)]
#[command(name = "pidima", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine, with two tenants and their documentation
    Demo(demo::DemoArgs),
    /// Serve the API, and run the worker beside it
    Serve(serve::ServeArgs),
    /// Run the worker alone
    Worker,
    /// Bring the database to the schema of this build
    Migrate(migrate::MigrateArgs),
    /// Import a folder of documentation through the API
    Import(import::ImportArgs),
    /// Import the demo's documentation through the API
    Seed(seed::SeedArgs),
    /// Create and list tenants, grant SQL logins
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Create people with passwords, and reset passwords
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// List models with their prices, and change what is known of them
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Create, list and revoke keys of the operator
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    /// Verify the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Measure the quality of search on a question set
    #[command(subcommand)]
    Eval(eval::EvalCommand),
    /// Measure what the service costs
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Check everything that must be true before serving
    Doctor,
    /// Ask the server beside it whether it lives
    Healthcheck,
    /// Write the OpenAPI document
    Openapi(openapi::OpenapiArgs),
    /// Run the embedded PostgreSQL and Valkey until standard input closes
    Services(services::ServicesArgs),
}

impl Command {
    /// Whether settings outside this machine are read. Not by those that need none of the service's, and not by what asks
    /// every few seconds whether it lives.
    fn asks_outside(&self) -> bool {
        match self {
            Self::Demo(_)
            | Self::Import(_)
            | Self::Seed(_)
            | Self::Bench(_)
            | Self::Eval(_)
            | Self::Healthcheck
            | Self::Openapi(_)
            | Self::Services(_) => false,
            Self::Serve(_)
            | Self::Worker
            | Self::Migrate(_)
            | Self::Tenant(_)
            | Self::Member(_)
            | Self::Model(_)
            | Self::Operator(_)
            | Self::Audit(_)
            | Self::Doctor => true,
        }
    }
}

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    // Started by the worker for each file or archive, not by people: it needs no settings, no threads and no time for either.
    match std::env::args_os().nth(1) {
        Some(first) if first == PARSE_FILE => return run_child(),
        Some(first) if first == UNPACK_ARCHIVE => return run_unpacker(),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(run_command(Cli::parse())),
        Err(error) => report(&error.into()),
    }
}

async fn run_command(cli: Cli) -> ExitCode {
    let (sources, mut env) = match Box::pin(Sources::load(cli.command.asks_outside())).await {
        Ok(loaded) => loaded,
        Err(error) => return report(&error.into()),
    };
    if matches!(cli.command, Command::Demo(_) | Command::Services(_) | Command::Bench(_)) {
        // People read these: only what is wrong.
        env.set_default("PIDIMA_LOG", "warn");
    }
    // What is wrong with these settings is told with the others, by the command that reads them all.
    let telemetry = match telemetry::start(&TelemetryConfig::from_env(&env).settings()) {
        Ok(telemetry) => telemetry,
        Err(error) => return report(&error),
    };
    let done = match cli.command {
        Command::Demo(args) => Box::pin(demo::run(args, env)).await,
        Command::Serve(args) => Box::pin(serve::run(args, env, sources)).await,
        Command::Worker => Box::pin(worker::run(env, sources)).await,
        Command::Migrate(args) => migrate::run(args, &env).await,
        Command::Import(args) => import::run(args, &env).await,
        Command::Seed(args) => seed::run(args, &env).await,
        Command::Tenant(command) => tenant::run(command, &env).await,
        Command::Member(command) => member::run(command, &env).await,
        Command::Model(command) => model::run(command, &env).await,
        Command::Operator(command) => operator::run(command, &env).await,
        Command::Audit(command) => audit::run(command, &env).await,
        Command::Eval(command) => eval::run(command, &env).await,
        Command::Bench(command) => Box::pin(bench::run(command)).await,
        Command::Doctor => Box::pin(doctor::run(&env)).await,
        Command::Healthcheck => healthcheck::run(&env).await,
        Command::Openapi(args) => openapi::run(args),
        Command::Services(args) => return services::run(args).await,
    };
    telemetry.flush().await;
    // Log lines first, then what ends the command.
    drop(telemetry);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("pidima: {error:#}");
    match error.downcast_ref::<ConfigError>() {
        Some(_) => ExitCode::from(EX_CONFIG),
        None => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
