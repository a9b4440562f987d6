//! The wall between tenants, seen through the API: what is another's looks exactly like what is nobody's, and no word of
//! another tenant is ever in a response.

mod absent;
mod members;
pub mod words;
