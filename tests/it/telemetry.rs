//! What the process says of itself: traces at a collector, metrics, and log lines that hold nobody up. Each test runs the
//! program itself, since what is told is told by a process and not by a part of it.

pub mod collector;
mod collector_faults;
mod database;
mod log_sink;
mod metrics;
mod settings;
mod traces;
