//! Archives of folders, zip, tar or tar.gz, as Git hosts make them of a branch: fetched by an address, then unpacked file by file.
//!
//! An archive is opened by a process of its own, confined like the one that reads a document: whatever is hidden in it, it costs
//! that process and nothing else. What was fetched is held in the store of originals until the run is over, so that another
//! worker goes on with the very same archive.

mod child;
mod container;
mod error;
mod fetch;
mod limits;
mod plan;
mod step;
mod tar;
mod unpacker;
mod wire;
mod zip;

pub use child::run as run_unpacker;
pub use limits::{ArchiveLimits, UnpackSettings};
pub use unpacker::Unpacking;

/// First argument that makes this program the one that unpacks an archive.
pub const UNPACK_ARCHIVE: &str = "unpack-archive";
