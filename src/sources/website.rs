//! Web sites: which pages belong to one, how they are fetched, what they lead to.

mod follow;
pub mod look;
pub mod page;
pub mod robots;
pub mod scope;
pub mod sitemap;
mod step;
