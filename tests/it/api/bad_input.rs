//! What bad input gets: the right status, a problem that says what to do, and nothing half-done.

mod addresses;
mod bodies;
mod files;
mod forms;
mod limits;
mod paging;
mod texts;
